/** What lies on top of the points: outlines of strokes, the ROI, the crosshair and the pin. */

import { css } from "./colors.js";
import { roiRect } from "./roi.js";

/**
 * @typedef {import("./panel.js").Panel} Panel
 * @typedef {import("./panel.js").Picture} Picture
 * @typedef {import("./colors.js").Theme} Theme
 * @typedef {import("./data.js").Rgb} Rgb
 */

const HANDLE = 4;

/**
 * Draw the overlay of one panel.
 * @param {CanvasRenderingContext2D} c in CSS pixels
 * @param {Panel} panel
 * @param {Picture} picture
 */
export function drawOverlay(c, panel, picture) {
  const { theme, state, stroke } = picture;
  const { left, top, width, height } = panel.projection.plot;
  c.save();
  c.beginPath();
  c.rect(left - 1, top - 1, width + 2, height + 2);
  c.clip();
  if (panel.isMap) drawRoi(c, panel, picture);
  for (const slot of /** @type {const} */ (["A", "B"])) {
    const active = slot === state.active;
    if (active && stroke?.mode === "replace") continue;
    for (const shape of state.selections[slot]) {
      if (shape.panel === panel.axesId) outline(c, panel, shape, theme, theme.slots[slot], active);
    }
  }
  if (stroke?.panel === panel.axesId && stroke.points.length > 1) {
    outline(c, panel, stroke, theme, theme.slots[state.active], true, true);
  }
  diamonds(c, panel, picture.points.data.marks, theme);
  marker(c, panel, picture.hovered, theme.text, theme, true);
  marker(c, panel, state.pinned ?? -1, theme.primary, theme, false);
  c.restore();
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Panel} panel
 * @param {import("./data.js").Shape} shape
 * @param {Theme} theme
 * @param {Rgb} color
 * @param {boolean} active whether it belongs to the active slot
 */
function outline(c, panel, shape, theme, color, active, filled = false) {
  if (panel.along !== null && shape.kind !== "box") return;
  c.beginPath();
  const places = shape.points.map((point) => panel.projection.toPixel(point));
  if (shape.kind === "box") {
    let [[ax, ay], [bx, by]] = places;
    const { left, top, width, height } = panel.projection.plot;
    if (panel.along === 0) [ay, by] = [top + 1, top + height - 1];
    else if (panel.along === 1) [ax, bx] = [left + 1, left + width - 1];
    c.rect(Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay));
  } else {
    places.forEach(([px, py], k) => {
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

/**
 * Stroke a path so that it is seen on any colors.
 * @param {CanvasRenderingContext2D} c
 * @param {Theme} theme
 * @param {string} color
 * @param {number} width
 * @param {number[]} dash
 */
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

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Panel} panel a map
 * @param {Picture} picture
 */
function drawRoi(c, panel, { roi, tool, points: { grid }, theme }) {
  if (!roi || !grid) return;
  const [x0, y0, x1, y1] = roiRect(panel.projection, roi, grid);
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
 * Mark points to look at.
 * @param {CanvasRenderingContext2D} c
 * @param {Panel} panel
 * @param {number[]} points
 * @param {Theme} theme
 */
function diamonds(c, panel, points, theme) {
  if (!points.length || panel.along !== null) return;
  c.beginPath();
  for (const i of points) {
    if (!(i < panel.x.length)) continue;
    const [px, py] = panel.projection.toPixel([panel.x[i], panel.y[i]]);
    if (!panel.projection.contains([px, py])) continue;
    c.moveTo(px, py - 5);
    c.lineTo(px + 5, py);
    c.lineTo(px, py + 5);
    c.lineTo(px - 5, py);
    c.closePath();
  }
  haloStroke(c, theme, css(theme.text), 1.6);
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Panel} panel
 * @param {number} i the point, or −1
 * @param {Rgb} color
 * @param {Theme} theme
 * @param {boolean} cross
 */
function marker(c, panel, i, color, theme, cross) {
  if (i < 0 || !(i < panel.x.length)) return;
  const [px, py] = panel.projection.toPixel([panel.x[i], panel.y[i]]);
  const { left, top, width, height } = panel.projection.plot;
  if (panel.along !== null) {
    const upright = panel.along === 0;
    if (upright ? !(px >= left && px <= left + width) : !(py >= top && py <= top + height)) return;
    c.beginPath();
    c.moveTo(upright ? px : left, upright ? top : py);
    c.lineTo(upright ? px : left + width, upright ? top + height : py);
    haloStroke(c, theme, css(color), 1.5);
    return;
  }
  if (!panel.projection.contains([px, py])) return;
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
