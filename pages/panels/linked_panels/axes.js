/** Axes, graticule and scale bar, drawn as in a journal. */

import { css } from "./colors.js";
import { degreeLabel, degreeTicks } from "./graticule.js";
import { fitText, withFactor } from "./text.js";
import { formatNumber, marks, ticks } from "./ticks.js";

const MOST_TICKS = 10;

/**
 * @typedef {import("./data.js").Range} Range
 * @typedef {import("./colors.js").Theme} Theme
 * @typedef {import("./projection.js").Rect} Rect
 */

/**
 * Ticks of one axis and what is written at them.
 * @param {number} low
 * @param {number} high
 * @param {number} wanted about how many
 * @param {"EW"|"NS"|null} sides of the globe, where the axis is one of degrees
 * @returns {import("./ticks.js").Marks}
 */
function axisMarks(low, high, wanted, sides) {
  if (!sides) return marks(ticks(low, high, wanted));
  const { values, step } = degreeTicks(low, high, wanted);
  return { values, labels: values.map((v) => degreeLabel(v, step, sides)), factor: "" };
}

/**
 * How many ticks an axis should have where there is room for so many.
 * @param {number} room
 */
function tickCount(room) {
  return Math.min(MOST_TICKS, Math.max(2, room));
}

/**
 * Names instead of numbers along an axis.
 * @param {Array<[number, string]>} names
 * @param {Range} view
 * @returns {import("./ticks.js").Marks}
 */
function nameMarks(names, { x0, x1 }) {
  const seen = names.filter(([at]) => at >= x0 && at <= x1);
  return { values: seen.map(([at]) => at), labels: seen.map(([, name]) => name), factor: "" };
}

/**
 * Draw frame, ticks and labels around the plot.
 * @param {CanvasRenderingContext2D} c in CSS pixels
 * @param {Rect} plot
 * @param {Range} view
 * @param {{xLabel: string, yLabel: string, down: boolean, graticule: boolean,
 *   names?: Array<[number, string]>|null}} axes names: places along x that have names
 * @param {Theme} theme
 * @param {number} dpr
 */
export function drawAxes(c, plot, view, axes, theme, dpr) {
  const line = css(theme.muted);
  /** @param {number} v */
  const crisp = (v) => (Math.round(v * dpr) + 0.5) / dpr;
  const { left, top, width, height } = plot;
  c.lineWidth = 1 / dpr;
  c.strokeStyle = line;
  c.strokeRect(
    crisp(left) - 1 / dpr, crisp(top) - 1 / dpr,
    Math.round(width * dpr) / dpr + 1 / dpr, Math.round(height * dpr) / dpr + 1 / dpr,
  );
  c.font = `11px ${theme.font}`;
  c.fillStyle = css(theme.text, 0.85);
  const along = axes.names ? nameMarks(axes.names, view)
    : axisMarks(view.x0, view.x1, tickCount(width / 75), axes.graticule ? "EW" : null);
  const room = axes.names ? width / (view.x1 - view.x0) - 4 : Infinity;
  c.textAlign = "center";
  c.textBaseline = "top";
  c.beginPath();
  along.values.forEach((v, k) => {
    const x = left + ((v - view.x0) / (view.x1 - view.x0)) * width;
    c.moveTo(crisp(x), top + height);
    c.lineTo(crisp(x), top + height + 4);
    fitText(c, along.labels[k], x, top + height + 6, room);
  });
  const up = axisMarks(view.y0, view.y1, tickCount(height / 48), axes.graticule ? "NS" : null);
  c.textAlign = "right";
  c.textBaseline = "middle";
  let widest = 0;
  up.values.forEach((v, k) => {
    const part = (v - view.y0) / (view.y1 - view.y0);
    const y = top + (axes.down ? part : 1 - part) * height;
    c.moveTo(left - 4, crisp(y));
    c.lineTo(left, crisp(y));
    c.fillText(up.labels[k], left - 6, y);
    widest = Math.max(widest, c.measureText(up.labels[k]).width);
  });
  c.stroke();
  if (axes.graticule) drawGraticule(c, plot, view, along.values, up.values, css(theme.text, 0.22));
  c.font = `12px ${theme.font}`;
  c.fillStyle = css(theme.text);
  c.textAlign = "center";
  c.textBaseline = "top";
  fitText(c, withFactor(axes.xLabel, along.factor), left + width / 2, top + height + 20, width + 40);
  c.save();
  c.translate(Math.max(8, left - 6 - widest - 14), top + height / 2);
  c.rotate(-Math.PI / 2);
  c.textBaseline = "middle";
  fitText(c, withFactor(axes.yLabel, up.factor), 0, 0, height + 30);
  c.restore();
}

/**
 * Draw meridians and parallels across the plot, faintly: the points matter more.
 * @param {CanvasRenderingContext2D} c
 * @param {Rect} plot
 * @param {Range} view
 * @param {number[]} meridians
 * @param {number[]} parallels
 * @param {string} color
 */
function drawGraticule(c, { left, top, width, height }, view, meridians, parallels, color) {
  c.beginPath();
  for (const v of meridians) {
    const x = left + ((v - view.x0) / (view.x1 - view.x0)) * width;
    c.moveTo(x, top);
    c.lineTo(x, top + height);
  }
  for (const v of parallels.filter((degrees) => Math.abs(degrees) <= 90)) {
    const y = top + (1 - (v - view.y0) / (view.y1 - view.y0)) * height;
    c.moveTo(left, y);
    c.lineTo(left + width, y);
  }
  c.strokeStyle = color;
  c.stroke();
}

/**
 * Draw a scale bar where the unit of length is known.
 * @param {CanvasRenderingContext2D} c
 * @param {Rect} plot
 * @param {Range} view
 * @param {string} unit
 * @param {Theme} theme
 */
export function drawScaleBar(c, plot, view, unit, theme) {
  if (!unit || /^(px|pixels?)$/i.test(unit) || plot.width < 120 || plot.height < 60) return;
  const perPixel = (view.x1 - view.x0) / plot.width;
  const longest = plot.width * 0.28 * perPixel;
  const power = 10 ** Math.floor(Math.log10(longest));
  const length = power * (longest >= 5 * power ? 5 : longest >= 2 * power ? 2 : 1);
  const width = length / perPixel;
  const label = `${formatNumber(length)} ${unit}`;
  c.font = `600 11px ${theme.font}`;
  const box = Math.max(width, c.measureText(label).width) + 14;
  const left = plot.left + 8;
  const top = plot.top + plot.height - 34;
  c.fillStyle = css(theme.background, 0.82);
  c.beginPath();
  // @ts-ignore: TypeScript 4.8 doesn't know it yet.
  c.roundRect(left, top, box, 27, 4);
  c.fill();
  c.fillStyle = css(theme.text);
  c.fillRect(left + (box - width) / 2, top + 19, width, 3);
  c.textAlign = "center";
  c.textBaseline = "top";
  c.fillText(label, left + box / 2, top + 4);
}
