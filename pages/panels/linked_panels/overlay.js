/** What lies on top of the points: outlines of strokes, the ROI, the crosshair and the pin. */

import { css } from "./colors.js";

const HANDLE = 4;

/**
 * Draw the overlay of one panel.
 * @param {CanvasRenderingContext2D} c in CSS pixels
 * @param {import("./panel.js").Panel} panel
 * @param {object} scene see explorer.js
 */
export function drawOverlay(c, panel, scene) {
  const { theme, state, stroke } = scene;
  const { left, top, width, height } = panel.plot;
  c.save();
  c.beginPath();
  c.rect(left - 1, top - 1, width + 2, height + 2);
  c.clip();
  if (panel.isMap) drawRoi(c, panel, scene);
  for (const slot of ["A", "B"]) {
    const active = slot === state.active;
    if (active && stroke?.mode === "replace") continue;
    for (const shape of state.selections[slot]) {
      if (shape.panel === panel.id) outline(c, panel, shape, theme, theme.slots[slot], active);
    }
  }
  if (stroke?.panel === panel.id && stroke.points.length > 1) {
    outline(c, panel, stroke, theme, theme.slots[state.active], true, true);
  }
  marker(c, panel, scene.hovered, theme.text, theme, true);
  marker(c, panel, state.pinned ?? -1, theme.primary, theme, false);
  c.restore();
}

function outline(c, panel, shape, theme, color, active, filled = false) {
  c.beginPath();
  const view = panel.view;
  if (shape.kind === "box") {
    const [[ax, ay], [bx, by]] = shape.points.map(([x, y]) => panel.toPixel(x, y, view));
    c.rect(Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay));
  } else {
    shape.points.forEach(([x, y], k) => {
      const [px, py] = panel.toPixel(x, y, view);
      if (k) c.lineTo(px, py);
      else c.moveTo(px, py);
    });
    c.closePath();
  }
  if (filled) {
    c.fillStyle = css(color, 0.1);
    c.fill("evenodd");
  }
  haloStroke(c, theme, css(color, active ? 1 : 0.8), active ? 1.6 : 1.2,
    shape.mode === "subtract" ? [2, 3] : active ? [] : [6, 4]);
}

/** Stroke a path so that it is seen on any colours. */
function haloStroke(c, theme, color, width, dash = []) {
  c.setLineDash([]);
  c.lineJoin = "round";
  c.lineWidth = width + 2;
  c.strokeStyle = css(theme.background, 0.7);
  c.stroke();
  c.setLineDash(dash);
  c.lineWidth = width;
  c.strokeStyle = color;
  c.stroke();
  c.setLineDash([]);
}

function drawRoi(c, panel, { roi, tool, grid, theme }) {
  if (!roi) return;
  const [x0, y0, x1, y1] = roiPixels(panel, roi, grid);
  c.beginPath();
  c.rect(x0, y0, x1 - x0, y1 - y0);
  haloStroke(c, theme, css(theme.text), 1.5);
  if (tool !== "roi") return;
  for (const x of [x0, (x0 + x1) / 2, x1]) {
    for (const y of [y0, (y0 + y1) / 2, y1]) {
      if (x === (x0 + x1) / 2 && y === (y0 + y1) / 2) continue;
      c.fillStyle = css(theme.background);
      c.fillRect(x - HANDLE, y - HANDLE, 2 * HANDLE, 2 * HANDLE);
      c.strokeStyle = css(theme.text);
      c.lineWidth = 1.2;
      c.strokeRect(x - HANDLE, y - HANDLE, 2 * HANDLE, 2 * HANDLE);
    }
  }
}

/**
 * Return the rectangle of the ROI in the body: it runs between cells, half a step before the
 * first coordinate that is in and half a step before the first one that is out.
 * @returns {[number, number, number, number]} left, top, right, bottom
 */
export function roiPixels(panel, roi, grid) {
  const [dx, dy] = grid.step;
  const [x0, y0] = panel.toPixel(roi[0] - dx / 2, roi[2] - dy / 2);
  const [x1, y1] = panel.toPixel(roi[1] - dx / 2, roi[3] - dy / 2);
  return [x0, y0, x1, y1];
}

function marker(c, panel, i, color, theme, cross) {
  if (i < 0 || !(i < panel.x.length)) return;
  const [px, py] = panel.toPixel(panel.x[i], panel.y[i]);
  if (!panel.contains(px, py)) return;
  const { left, top, width, height } = panel.plot;
  if (cross) {
    c.beginPath();
    for (const [ax, ay, bx, by] of [
      [left, py, px - 9, py], [px + 9, py, left + width, py],
      [px, top, px, py - 9], [px, py + 9, px, top + height],
    ]) {
      c.moveTo(ax, ay);
      c.lineTo(bx, by);
    }
    c.lineWidth = 1;
    c.strokeStyle = css(color, 0.35);
    c.stroke();
  }
  c.beginPath();
  c.arc(px, py, 6, 0, 2 * Math.PI);
  haloStroke(c, theme, css(color), 2);
}
