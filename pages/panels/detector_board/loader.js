/** Fetch the arrays that the server's data names. */

import { loadArray } from "../browser/arrays.js";

/**
 * @typedef {import("../browser/arrays.js").ArrayHandle} ArrayHandle
 * @typedef {import("./detector.js").Detector} Detector
 * @typedef {{operation: ""|"-"|"/", first: number, second: number}} Shown one detector's map, or two
 *   of them combined
 * @typedef {{rows: number[], columns: number[], scale: ArrayHandle, levels: ArrayHandle}} Bins
 * @typedef {{n: number, height: number, width: number, mean: ArrayHandle, patterns: string,
 *   raster: {rows: number, columns: number, aspect: number, points: ArrayHandle}, bins: Bins,
 *   detectors: Detector[], active: number, shown: Shown, reduction: "sum"|"mean",
 *   exact: (ArrayHandle & {about: string})|null, colors: number[], diverging: boolean,
 *   answered: number, waiting: string}} Data component.py writes it
 * @typedef {{levels: Uint8Array, scale: Float32Array, points: Int32Array,
 *   mean: Float32Array}} Arrays
 */

/** @param {Data} data */
const handles = ({ bins, raster, mean }) => [bins.levels, bins.scale, raster.points, mean];

/**
 * Begin to fetch, before there is anything to show.
 * @param {Data} data
 */
export function prefetch(data) {
  // Who needs them tells about an array that can't be had.
  for (const handle of handles(data)) loadArray(handle).catch(() => {});
}

/**
 * Changes when other arrays are needed.
 * @param {Data} data
 */
export function arraysOf(data) {
  return handles(data).map(({ url }) => url).join();
}

/**
 * @param {Data} data
 * @returns {Promise<Arrays>}
 */
export async function load(data) {
  const [levels, scale, points, mean] = await Promise.all(handles(data).map(loadArray));
  return {
    levels: new Uint8Array(levels.buffer), // four to a word
    scale: /** @type {Float32Array} */ (scale),
    points: /** @type {Int32Array} */ (points),
    mean: /** @type {Float32Array} */ (mean),
  };
}
