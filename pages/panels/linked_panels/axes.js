/** Axes, ticks, scale bar and colour bar, drawn as in a journal. */

import { css, decodeLut } from "./colors.js";
import { degreeLabel, degreeTicks } from "./graticule.js";

const MINUS = "\u2212";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * Return round tick positions within a range.
 * @param {number} low
 * @param {number} high
 * @param {number} wanted about how many
 * @returns {{values: number[], step: number}}
 */
export function ticks(low, high, wanted) {
  const span = high - low;
  if (!(span > 0)) return { values: [low], step: 1 };
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= rough * 0.999);
  const values = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    values.push(k * step);
  }
  return { values, step };
}

/** Power of ten to take out of the labels of an axis; 0 where they are readable as they are. */
function commonExponent(values) {
  const largest = Math.max(...values.map(Math.abs));
  if (!(largest > 0) || (largest < 1e5 && largest >= 1e-2)) return 0;
  return Math.floor(Math.log10(largest) + 1e-9);
}

/**
 * Write a number with a true minus sign and about four digits.
 * @param {number} value
 * @returns {string}
 */
export function formatNumber(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6)
    ? value.toExponential(2).replace(/e([+-])(\d+)/, (_, sign, digits) => ` × 10${
        sign === "-" ? "⁻" : ""}${[...digits].map((d) => SUPERSCRIPTS[d]).join("")}`)
    : Number(value.toPrecision(size >= 1000 ? 6 : 4)).toString();
  return text.replace("-", MINUS);
}

function tickLabels({ values, step }) {
  const exponent = commonExponent(values);
  const scale = 10 ** exponent;
  const digits = Math.max(0, Math.min(8, -Math.floor(Math.log10(step / scale) + 1e-9)));
  const labels = values.map((v) => {
    const text = (v / scale).toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", MINUS);
  });
  const superscript = [...String(Math.abs(exponent))].map((d) => SUPERSCRIPTS[d]).join("");
  return { labels, factor: exponent ? `×10${exponent < 0 ? "⁻" : ""}${superscript}` : "" };
}

/** Ticks of one axis and what is written at them. */
function axisMarks(low, high, wanted, sides) {
  if (!sides) {
    const found = ticks(low, high, wanted);
    return { values: found.values, ...tickLabels(found) };
  }
  const { values, step } = degreeTicks(low, high, wanted);
  return { values, labels: values.map((v) => degreeLabel(v, step, sides)), factor: "" };
}

/**
 * Draw frame, ticks and labels around the plot.
 * @param {CanvasRenderingContext2D} c in CSS pixels
 * @param {{left: number, top: number, width: number, height: number}} plot
 * @param {{x0: number, x1: number, y0: number, y1: number}} view
 * @param {{xLabel: string, yLabel: string, down: boolean, graticule: boolean}} axes
 * @param {object} theme
 * @param {number} dpr
 */
export function drawAxes(c, plot, view, axes, theme, dpr) {
  const line = css(theme.muted);
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
  const along = axisMarks(view.x0, view.x1, Math.max(2, width / 75), axes.graticule && "EW");
  c.textAlign = "center";
  c.textBaseline = "top";
  c.beginPath();
  along.values.forEach((v, k) => {
    const x = left + ((v - view.x0) / (view.x1 - view.x0)) * width;
    c.moveTo(crisp(x), top + height);
    c.lineTo(crisp(x), top + height + 4);
    c.fillText(along.labels[k], x, top + height + 6);
  });
  const up = axisMarks(view.y0, view.y1, Math.max(2, height / 48), axes.graticule && "NS");
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
  fitText(c, withFactor(axes.xLabel, along.factor), left + width / 2, top + height + 21, width + 40);
  c.save();
  c.translate(Math.max(8, left - 6 - widest - 14), top + height / 2);
  c.rotate(-Math.PI / 2);
  c.textBaseline = "middle";
  fitText(c, withFactor(axes.yLabel, up.factor), 0, 0, height + 30);
  c.restore();
}

/** Draw meridians and parallels across the plot, faintly: the points matter more. */
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

/** Say the common factor of the tick labels beside what they are. */
function withFactor(label, factor) {
  return factor ? `${label}  (${factor})` : label;
}

/** Write text, shortened with an ellipsis where it doesn't fit. */
function fitText(c, text, x, y, room) {
  let shown = text;
  while (shown.length > 4 && c.measureText(shown).width > room) shown = `${shown.slice(0, -2)}…`;
  c.fillText(shown, x, y);
}

/**
 * Draw a scale bar where the unit of length is known.
 * @param {CanvasRenderingContext2D} c
 * @param {{left: number, top: number, width: number, height: number}} plot
 * @param {{x0: number, x1: number}} view
 * @param {string} unit
 * @param {object} theme
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
  c.roundRect(left, top, box, 27, 4);
  c.fill();
  c.fillStyle = css(theme.text);
  c.fillRect(left + (box - width) / 2, top + 19, width, 3);
  c.textAlign = "center";
  c.textBaseline = "top";
  c.fillText(label, left + box / 2, top + 4);
}

/**
 * Draw a vertical colour bar, pointed where values lie beyond its limits.
 * @param {CanvasRenderingContext2D} c
 * @param {{left: number, top: number, height: number}} place
 * @param {object} coloring continuous, as sent by view.py
 * @param {{below: boolean, above: boolean, missing: boolean}} beyond
 * @param {object} theme
 * @param {number} dpr
 */
export function drawColorBar(c, place, coloring, beyond, theme, dpr) {
  const width = 12;
  const tip = 9;
  const crisp = (v) => Math.round(v * dpr) / dpr;
  const left = crisp(place.left);
  const top = crisp(place.top + tip);
  const room = place.height - (beyond.missing ? 24 : 0);
  const height = Math.round((room - 2 * tip) * dpr) / dpr;
  if (beyond.missing) {
    c.fillStyle = coloring.nan;
    c.fillRect(left, top + height + tip + 8, width, width);
    c.font = `11px ${theme.font}`;
    c.fillStyle = css(theme.text, 0.85);
    c.textAlign = "left";
    c.textBaseline = "middle";
    c.fillText("no value", left + width + 6, top + height + tip + 8 + width / 2);
  }
  const lut = decodeLut(coloring.lut);
  const color = (k) => `rgb(${lut[3 * k]}, ${lut[3 * k + 1]}, ${lut[3 * k + 2]})`;
  const strip = document.createElement("canvas");
  strip.width = 1;
  strip.height = 256;
  const pixels = strip.getContext("2d");
  for (let k = 0; k < 256; k++) {
    pixels.fillStyle = color(k);
    pixels.fillRect(0, 255 - k, 1, 1);
  }
  c.imageSmoothingEnabled = false;
  c.drawImage(strip, left, top, width, height);
  const point = (y, direction, fill) => {
    c.fillStyle = fill;
    c.beginPath();
    c.moveTo(left, y);
    c.lineTo(left + width / 2, y + direction * tip);
    c.lineTo(left + width, y);
    c.fill();
  };
  if (beyond.above) point(top, -1, color(255));
  if (beyond.below) point(top + height, 1, color(0));
  c.strokeStyle = css(theme.muted);
  c.lineWidth = 1 / dpr;
  c.beginPath();
  c.moveTo(left, top + height);
  if (beyond.below) c.lineTo(left + width / 2, top + height + tip);
  c.lineTo(left + width, top + height);
  c.lineTo(left + width, top);
  if (beyond.above) c.lineTo(left + width / 2, top - tip);
  c.lineTo(left, top);
  c.closePath();
  c.stroke();
  const [lo, hi] = coloring.limits;
  const marks = hi > lo ? ticks(lo, hi, Math.max(2, height / 45)) : { values: [lo], step: 1 };
  const { labels, factor } = tickLabels(marks);
  c.font = `11px ${theme.font}`;
  c.fillStyle = css(theme.text, 0.85);
  c.textAlign = "left";
  c.textBaseline = "middle";
  c.beginPath();
  let widest = 0;
  marks.values.forEach((v, k) => {
    const y = top + height * (hi > lo ? 1 - (v - lo) / (hi - lo) : 0.5);
    const line = (Math.round(y * dpr) + 0.5) / dpr;
    c.moveTo(left + width, line);
    c.lineTo(left + width + 4, line);
    c.fillText(labels[k], left + width + 6, y);
    widest = Math.max(widest, c.measureText(labels[k]).width);
  });
  c.stroke();
  const unit = coloring.unit ? ` (${coloring.unit})` : "";
  c.font = `12px ${theme.font}`;
  c.fillStyle = css(theme.text);
  c.save();
  c.translate(left + width + 6 + widest + 12, top + height / 2);
  c.rotate(-Math.PI / 2);
  c.textAlign = "center";
  fitText(c, withFactor(coloring.label + unit, factor), 0, 0, height + 20);
  c.restore();
}
