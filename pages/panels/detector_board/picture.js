/** Pictures of values: limits, colors, pixels. */

import { context2d } from "../browser/dom.js";

const MOST_SORTED = 20_000;

/**
 * The 2 % and 98 % quantiles of the finite values, of not too many of them.
 * @param {ArrayLike<number>} values
 * @param {boolean} symmetric about zero
 */
export function limits(values, symmetric) {
  const every = Math.max(1, Math.floor(values.length / MOST_SORTED));
  const some = [];
  for (let k = 0; k < values.length; k += every) if (Number.isFinite(values[k])) some.push(values[k]);
  const sorted = Float64Array.from(some).sort();
  if (!sorted.length) return [0, 1];
  const low = sorted[Math.floor(0.02 * (sorted.length - 1))];
  const high = sorted[Math.ceil(0.98 * (sorted.length - 1))];
  const end = Math.max(Math.abs(low), Math.abs(high));
  const [first, last] = symmetric ? [-end, end] : [low, high];
  return first < last ? [first, last] : [first - 0.5, last + 0.5];
}

/**
 * @param {number[]} colors red, green and blue of each entry, one after the other
 * @param {number} share
 * @returns {[number, number, number]}
 */
export function colorOf(colors, share) {
  const last = colors.length / 3 - 1;
  const entry = 3 * Math.round(Math.min(Math.max(share, 0), 1) * last);
  return [colors[entry], colors[entry + 1], colors[entry + 2]];
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @param {(k: number) => [number, number, number]|null} rgb of a pixel; null for none
 */
export function paint(canvas, width, height, rgb) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = context2d(canvas);
  const picture = context.createImageData(width, height);
  for (let k = 0; k < width * height; k += 1) {
    const found = rgb(k);
    if (!found) continue;
    picture.data.set(found, 4 * k);
    picture.data[4 * k + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}
