/** The map of detectors as it will be, from bins of pixels, and what it is called. */

import { pixelCount, spans } from "./detector.js";

/**
 * @typedef {import("./detector.js").Detector} Detector
 * @typedef {import("./loader.js").Data} Data
 */

/**
 * How many pixels a detector has in each bin, row by row of bins.
 * @param {Array<[number, number, number]>} pixels
 * @param {{rows: number[], columns: number[]}} bins
 */
export function binWeights(pixels, { rows, columns }) {
  const across = columns.length - 1;
  const weights = new Float64Array((rows.length - 1) * across);
  for (const [row, first, last] of pixels) {
    let down = 0;
    while (rows[down + 1] <= row) down += 1;
    for (let bin = 0; bin < across; bin += 1) {
      const shared = Math.min(last, columns[bin + 1]) - Math.max(first, columns[bin]);
      if (shared > 0) weights[down * across + bin] += shared;
    }
  }
  return weights;
}

/**
 * The approximate sum over a detector at each point.
 * @param {Float64Array} weights
 * @param {Float32Array} scale what level 0 stands for in each bin, then what a level more does
 * @param {Uint8Array} levels bins × points
 * @param {number} n
 */
export function binSums(weights, scale, levels, n) {
  const low = scale.subarray(0, weights.length);
  const step = scale.subarray(weights.length);
  const sums = new Float64Array(n);
  let offset = 0;
  weights.forEach((weight, bin) => {
    if (!weight) return;
    offset += weight * low[bin];
    const factor = weight * step[bin];
    const start = bin * n;
    for (let point = 0; point < n; point += 1) sums[point] += factor * levels[start + point];
  });
  for (let point = 0; point < n; point += 1) sums[point] += offset;
  return sums;
}

/**
 * What a map shows, as the server's answer says it of itself.
 * @param {Data} data
 * @param {Detector[]} detectors
 * @param {number} active
 */
export function aboutMap({ shown, reduction }, detectors, active) {
  const used = shown.operation ? [shown.first, shown.second] : [active];
  const shapes = used.map((k) => `${detectors[k].kind} ${detectors[k].numbers.join(":")}`);
  return [shown.operation || reduction, ...shapes].join(" ");
}

/**
 * The title of a map.
 * @param {Data} data
 * @param {Detector[]} detectors
 * @param {number} active
 */
export function titleOfMap({ shown, reduction, height, width }, detectors, active) {
  if (shown.operation) {
    const names = [shown.first, shown.second].map((k) => detectors[k].name);
    return `Means of ${names.join(shown.operation === "-" ? " − " : " / ")}`;
  }
  const count = pixelCount(spans(detectors[active], height, width));
  const what = reduction === "mean" ? "Mean" : "Sum";
  const pixels = `${count.toLocaleString("en")} ${count === 1 ? "pixel" : "pixels"}`;
  return `${what} of ${detectors[active].name}, ${pixels}`;
}

/**
 * The map of a detector, or of two of them combined, about as it will be.
 * @param {Data} data
 * @param {import("./loader.js").Arrays} arrays
 * @param {Detector[]} detectors
 * @param {number} active
 */
export function preview({ bins, height, width, n, reduction, shown }, arrays, detectors, active) {
  /** @param {number} index @param {boolean} mean */
  const sums = (index, mean) => {
    const pixels = spans(detectors[index], height, width);
    const found = binSums(binWeights(pixels, bins), arrays.scale, arrays.levels, n);
    return mean ? found.map((sum) => sum / pixelCount(pixels)) : found;
  };
  if (!shown.operation) return sums(active, reduction === "mean");
  const [a, b] = [sums(shown.first, true), sums(shown.second, true)];
  return a.map((value, k) => (shown.operation === "-" ? value - b[k] : value / b[k]));
}
