/** Rasterize a map at screen resolution: every device pixel shows the cell it lies in. */

import { EMPHASIZED, OTHER, OUTSIDE } from "./selection.js";
import { drawBorders, firstPixels, markBorders } from "./borders.js";
import { mix, pack } from "./colors.js";
import { NO_OUTLINES, outlines } from "./regions.js";

const MIN_OUTLINE_CELL = 5;
// Borders: far from all color maps; and from all colors of categories.
const ON_COLOR_MAP = pack([230, 0, 115]);
const ON_PALETTE = pack([16, 16, 16]);

export class MapRaster {
  constructor() {
    this.width = 0;
    this.height = 0;
    this.cellPixels = 0;
    this.image = new ImageData(1, 1);
    this.pixels = new Uint32Array(0);
    this.columns = new Int32Array(0);
    this.rows = new Int32Array(0);
    this.above = new Uint8Array(0);
    this.outlines = NO_OUTLINES;
    this.lines = new Uint8Array(0);
    this.lined = false;
    this.lineColor = 0;
  }

  /**
   * Prepare for a canvas.
   * @param {number} width device pixels
   * @param {number} height device pixels
   */
  resize(width, height) {
    if (this.width === width && this.height === height) return;
    this.width = width;
    this.height = height;
    this.image = new ImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.columns = new Int32Array(width);
    this.rows = new Int32Array(height);
    this.above = new Uint8Array(width);
  }

  /**
   * Find the grid column and row of every pixel.
   * @param {import("./data.js").Grid} grid
   * @param {import("./data.js").Range} view y downwards
   */
  place(grid, view) {
    const [rows, columns] = grid.shape;
    /**
     * @param {Int32Array} target
     * @param {number} from
     * @param {number} to
     * @param {number} origin
     * @param {number} step
     * @param {number} count
     * @param {number} stride
     */
    const fill = (target, from, to, origin, step, count, stride) => {
      const scale = (to - from) / target.length;
      for (let k = 0; k < target.length; k++) {
        const c = Math.round((from + (k + 0.5) * scale - origin) / step);
        target[k] = c >= 0 && c < count ? c * stride : -1;
      }
    };
    fill(this.columns, view.x0, view.x1, grid.origin[0], grid.step[0], columns, 1);
    fill(this.rows, view.y0, view.y1, grid.origin[1], grid.step[1], rows, columns);
    this.cellPixels = ((grid.wide * grid.step[0]) / (view.x1 - view.x0)) * this.width;
  }

  /**
   * Find the outlines of regions, after `place`; without regions there are none.
   * @param {import("./points.js").Points} points
   * @param {number} dpr
   */
  outline({ data: { regions }, arrays, grid, pointOf }, dpr) {
    const labels = regions && arrays.get(regions.array);
    this.outlines = regions && labels && grid
      ? outlines({ ...this, shape: grid.shape }, pointOf, regions, labels, Math.round(2 * dpr))
      : NO_OUTLINES;
  }

  /**
   * Find the pixels of the borders between parts.
   * @param {import("./data.js").Grid} grid
   * @param {import("./data.js").Range} view
   * @param {Int32Array} pointOf number of the point in each cell, or −1
   * @param {import("./borders.js").Parted|null} parted null draws none
   * @param {boolean} continuous whether the map is colored by a color map
   */
  borders({ shape: [rows, columns], origin, step, wide }, view, pointOf, parted, continuous) {
    this.lined = parted !== null;
    this.lineColor = continuous ? ON_COLOR_MAP : ON_PALETTE;
    if (!parted) return;
    const { width, height } = this;
    if (this.lines.length !== width * height) this.lines = new Uint8Array(width * height);
    const left = firstPixels(view.x0, view.x1, width, origin[0], step[0], columns);
    const top = firstPixels(view.y0, view.y1, height, origin[1], step[1], rows);
    markBorders(this.lines, width, left, top, wide, pointOf, parted);
  }

  /**
   * Paint all cells.
   * @param {CanvasRenderingContext2D} context
   * @param {Int32Array} pointOf number of the point in each cell, or −1
   * @param {Uint32Array} rgba
   * @param {import("./selection.js").Selection} selection
   * @param {import("./colors.js").Theme} theme
   * @param {import("./data.js").Slot} active
   */
  paint(context, pointOf, rgba, selection, theme, active) {
    const { width, height, pixels, columns, rows, above } = this;
    const { classes, focus } = selection;
    const unscanned = pack(mix(theme.background, theme.text, 0.05));
    const outline = pack(theme.slots[active]);
    const tint = mix(theme.background, theme.slots[active === "A" ? "B" : "A"], 0.45);
    const veil = blender(theme.background, 0.2);
    const dim = blender(mix(theme.background, [128, 128, 128], 0.25), 0.32);
    const tinted = blender(tint, 0.35);
    const outlined = focus && this.cellPixels >= MIN_OUTLINE_CELL;
    above.fill(0);
    for (let py = 0, at = 0; py < height; py++) {
      const row = rows[py];
      let left = 0;
      for (let px = 0; px < width; px++, at++) {
        const i = row < 0 || columns[px] < 0 ? -1 : pointOf[row + columns[px]];
        if (i < 0) {
          pixels[at] = unscanned;
          left = 0;
          above[px] = 0;
          continue;
        }
        const c = classes[i];
        const on = c & EMPHASIZED;
        if (outlined && (on !== left || on !== above[px])) pixels[at] = outline;
        else if (on) pixels[at] = rgba[i];
        else if (c & OUTSIDE) pixels[at] = veil(rgba[i]);
        else if (!focus) pixels[at] = rgba[i];
        else pixels[at] = c & OTHER ? tinted(rgba[i]) : dim(rgba[i]);
        left = on;
        above[px] = on;
      }
    }
    const { at, color } = this.outlines;
    for (let k = 0; k < at.length; k++) pixels[at[k]] = color[k];
    if (this.lined) drawBorders(pixels, this.lines, this.lineColor);
    context.putImageData(this.image, 0, 0);
  }
}

/**
 * Return a function that mixes packed colors into a fixed one, keeping `share` of them.
 * @param {import("./data.js").Rgb} rgb
 * @param {number} share
 * @returns {(color: number) => number}
 */
function blender(rgb, share) {
  const keep = Math.round(share * 256);
  const rest = 256 - keep;
  const rb = ((rgb[2] << 16) | rgb[0]) * rest;
  const g = (rgb[1] << 8) * rest;
  return (c) =>
    (0xff000000
      | ((((c & 0xff00ff) * keep + rb) / 256) & 0xff00ff)
      | ((((c & 0x00ff00) * keep + g) / 256) & 0x00ff00)) >>> 0;
}
