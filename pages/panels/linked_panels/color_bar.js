/** The color bar of continuous values. */

import { context2d } from "../browser/dom.js";
import { css } from "./colors.js";
import { decodeLut } from "./coloring.js";
import { fitText, withFactor } from "./text.js";
import { marks, ticks } from "./ticks.js";

const MOST_TICKS = 9;

/**
 * Draw a vertical color bar, pointed where values lie beyond its limits.
 * @param {CanvasRenderingContext2D} c
 * @param {{left: number, top: number, height: number}} place
 * @param {import("./data.js").Continuous} coloring
 * @param {{below: boolean, above: boolean, missing: boolean}} beyond
 * @param {import("./colors.js").Theme} theme
 * @param {number} dpr
 */
export function drawColorBar(c, place, coloring, beyond, theme, dpr) {
  const width = 12;
  const tip = 9;
  /** @param {number} v */
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
  /** @param {number} k */
  const color = (k) => `rgb(${lut[3 * k]}, ${lut[3 * k + 1]}, ${lut[3 * k + 2]})`;
  const strip = document.createElement("canvas");
  strip.width = 1;
  strip.height = 256;
  const pixels = context2d(strip);
  for (let k = 0; k < 256; k++) {
    pixels.fillStyle = color(k);
    pixels.fillRect(0, 255 - k, 1, 1);
  }
  c.imageSmoothingEnabled = false;
  c.drawImage(strip, left, top, width, height);
  /** @param {number} y @param {1|-1} direction @param {string} fill */
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
  const { values, labels, factor } = marks(ticks(lo, hi, Math.min(MOST_TICKS, Math.max(2, height / 45))));
  c.font = `11px ${theme.font}`;
  c.fillStyle = css(theme.text, 0.85);
  c.textAlign = "left";
  c.textBaseline = "middle";
  c.beginPath();
  let widest = 0;
  values.forEach((v, k) => {
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
