/** The named regions of a scan over the panels: their color in scatters, their outline on maps. */

import { pack, parseColor } from "./colors.js";

/**
 * @typedef {import("./data.js").Numbers} Numbers
 * @typedef {import("./data.js").Regions} Regions
 * @typedef {{at: Int32Array, color: Uint32Array}} Outlines pixels and their packed colors
 */

/** @type {Outlines} */
export const NO_OUTLINES = { at: new Int32Array(0), color: new Uint32Array(0) };

/**
 * The packed color of each region.
 * @param {Regions} regions
 */
function paletteOf({ palette }) {
  return new Map(
    Object.entries(palette).map(([label, hex]) => [Number(label), pack(parseColor(hex))]),
  );
}

/**
 * Give the points of regions their region's color.
 * @param {import("./coloring.js").Colors} colors
 * @param {Regions} regions
 * @param {Numbers} labels
 * @returns {import("./coloring.js").Colors}
 */
export function inRegionColors(colors, regions, labels) {
  const palette = paletteOf(regions);
  const rgba = colors.rgba.slice();
  for (let i = 0; i < rgba.length; i++) rgba[i] = palette.get(labels[i]) ?? rgba[i];
  return { ...colors, rgba };
}

/**
 * Find the pixels along the inside of each region's border. A border is where a pixel within
 * `width` belongs to something else, or where the scan ends; not where the picture does.
 * @param {{columns: Int32Array, rows: Int32Array, shape: [number, number]}} cells the grid's
 *   column at each pixel along x and the first cell of its row at each pixel along y, −1 beyond
 *   the grid; rows and columns of the grid
 * @param {Int32Array} pointOf number of the point in each cell, or −1
 * @param {Regions} regions
 * @param {Numbers} labels
 * @param {number} width pixels
 * @returns {Outlines}
 */
export function outlines({ columns, rows, shape }, pointOf, regions, labels, width) {
  const palette = paletteOf(regions);
  const across = columns.length;
  const down = rows.length;
  const own = new Int32Array(across * down).fill(-1);
  for (let py = 0, at = 0; py < down; py++) {
    for (let px = 0; px < across; px++, at++) {
      const i = rows[py] < 0 || columns[px] < 0 ? -1 : pointOf[rows[py] + columns[px]];
      if (i >= 0) own[at] = labels[i];
    }
  }
  const lastColumn = shape[1] - 1;
  const lastRow = (shape[0] - 1) * shape[1];
  /** @type {number[]} */
  const found = [];
  /** @type {number[]} */
  const color = [];
  for (let py = 0, at = 0; py < down; py++) {
    for (let px = 0; px < across; px++, at++) {
      const packed = palette.get(own[at]);
      if (packed === undefined) continue;
      const label = own[at];
      const row = width * across;
      const left = px < width ? columns[px] === 0 : own[at - width] !== label;
      const right = px + width < across
        ? own[at + width] !== label : columns[px] === lastColumn;
      const above = py < width ? rows[py] === 0 : own[at - row] !== label;
      const below = py + width < down ? own[at + row] !== label : rows[py] === lastRow;
      if (left || right || above || below) {
        found.push(at);
        color.push(packed);
      }
    }
  }
  return { at: Int32Array.from(found), color: Uint32Array.from(color) };
}
