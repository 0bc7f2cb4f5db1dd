/** Rasterize a map at screen resolution: every device pixel shows the cell it lies in. */

import { EMPHASIZED, OTHER, OUTSIDE } from "./selection.js";
import { drawBorders, firstPixels, markBorders } from "./borders.js";
import { mix, pack } from "./colors.js";
import { NO_OUTLINES, outlines } from "./regions.js";
import { PIECE, pieces } from "./pieces.js";

/** @typedef {ReturnType<typeof colorsOfClasses>} ClassColors */

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
    /** Likewise of the raster of the detail; empty where there is none. */
    this.fineColumns = this.fineRows = new Int32Array(0);
    /** First pixel of each column and row of cells, and of the one after the last. */
    this.left = this.top = new Int32Array(0);
    this.above = new Uint8Array(0);
    /** The point at every pixel, or −1, and its color; in the order of pixels they are near. */
    this.who = new Int32Array(0);
    this.base = new Uint32Array(0);
    /** The version of the classes that are painted. */
    this.version = -1;
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
    this.who = new Int32Array(width * height);
    this.base = new Uint32Array(width * height);
  }

  /**
   * Find the grid column and row of every pixel.
   * @param {import("./data.js").Grid} grid
   * @param {import("./data.js").Range} view y downwards
   * @param {import("./data.js").Grid|null} [fine] the raster of the detail
   */
  place(grid, view, fine = null) {
    const [rows, columns] = grid.shape;
    placeOn(this.columns, this.rows, grid, view);
    this.fineColumns = new Int32Array(fine ? this.width : 0);
    this.fineRows = new Int32Array(fine ? this.height : 0);
    if (fine) placeOn(this.fineColumns, this.fineRows, fine, view);
    this.left = beginnings(this.columns, columns, 1);
    this.top = beginnings(this.rows, rows, columns);
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
   * Look up what every pixel shows, after `place`, in pieces.
   * @param {Int32Array} pointOf number of the point in each cell, or −1
   * @param {Uint32Array} rgba
   * @param {Int32Array} [finePointOf] likewise of the detail, which lies over the other
   */
  *fill(pointOf, rgba, finePointOf) {
    const { width, height } = this;
    for (const [from, to] of pieces(height, Math.ceil(PIECE / width))) {
      this.fillRows(pointOf, rgba, from, to);
      if (this.fineRows.length && finePointOf) this.refine(finePointOf, rgba, from, to);
      yield;
    }
  }

  /**
   * @param {Int32Array} finePointOf
   * @param {Uint32Array} rgba
   * @param {number} from first row of pixels
   * @param {number} to
   */
  refine(finePointOf, rgba, from, to) {
    const { width, fineColumns, fineRows, who, base } = this;
    for (let py = from; py < to; py++) {
      const row = fineRows[py];
      for (let px = 0, at = py * width; row >= 0 && px < width; px++, at++) {
        const i = fineColumns[px] < 0 ? -1 : finePointOf[row + fineColumns[px]];
        if (i < 0) continue;
        who[at] = i;
        base[at] = rgba[i];
      }
    }
  }

  /**
   * @param {Int32Array} pointOf
   * @param {Uint32Array} rgba
   * @param {number} from first row of pixels
   * @param {number} to
   */
  fillRows(pointOf, rgba, from, to) {
    const { width, columns, rows, who, base } = this;
    for (let py = from, at = from * width; py < to; py++) {
      const row = rows[py];
      for (let px = 0; px < width; px++, at++) {
        const i = row < 0 || columns[px] < 0 ? -1 : pointOf[row + columns[px]];
        who[at] = i;
        if (i >= 0) base[at] = rgba[i];
      }
    }
  }

  /**
   * Paint the cells whose class changed, or all.
   * @param {CanvasRenderingContext2D} context
   * @param {import("./points.js").Points} points
   * @param {import("./selection.js").Selection} selection
   * @param {import("./colors.js").Theme} theme
   * @param {import("./data.js").Slot} active
   * @param {boolean} whole whether more changed than classes
   */
  paint(context, points, selection, theme, active, whole) {
    const { version, changedCount, focus } = selection;
    const colors = colorsOfClasses(theme, active);
    const outlined = focus && this.cellPixels >= MIN_OUTLINE_CELL;
    const few = version === this.version + 1 && 2 * changedCount < this.pixels.length
      && !this.fineRows.length;
    this.version = version;
    const [x0, y0, x1, y1] = whole || outlined || !few
      ? this.paintAll(selection, colors, outlined)
      : this.paintChanged(points, selection, colors);
    if (x1 <= x0) return;
    const { at, color } = this.outlines;
    for (let k = 0; k < at.length; k++) this.pixels[at[k]] = color[k];
    if (this.lined) drawBorders(this.pixels, this.lines, this.lineColor);
    context.putImageData(this.image, 0, 0, x0, y0, x1 - x0, y1 - y0);
  }

  /**
   * @param {import("./selection.js").Selection} selection
   * @param {ClassColors} colors
   * @param {boolean} outlined whether a line runs around the emphasized cells
   * @returns {[number, number, number, number]} the pixels that changed: x0, y0, x1, y1
   */
  paintAll({ classes, focus }, colors, outlined) {
    const { width, height, pixels, who, base, above } = this;
    above.fill(0);
    for (let py = 0, at = 0; py < height; py++) {
      let left = 0;
      for (let px = 0; px < width; px++, at++) {
        const i = who[at];
        if (i < 0) {
          pixels[at] = colors.unscanned;
          left = 0;
          above[px] = 0;
          continue;
        }
        const c = classes[i];
        const on = c & EMPHASIZED;
        pixels[at] = outlined && (on !== left || on !== above[px])
          ? colors.outline : inClass(colors, c, focus, base[at]);
        left = on;
        above[px] = on;
      }
    }
    return [0, 0, width, height];
  }

  /**
   * @param {import("./points.js").Points} points
   * @param {import("./selection.js").Selection} selection
   * @param {ClassColors} colors
   * @returns {[number, number, number, number]} the pixels that changed: x0, y0, x1, y1
   */
  paintChanged({ cellOf, grid }, { changed, changedCount, classes, focus }, colors) {
    const { width, pixels, who, base, left, top } = this;
    const across = grid?.shape[1] ?? 1;
    const wide = grid?.wide ?? 1;
    let [x0, y0, x1, y1] = [width, this.height, 0, 0];
    for (let k = 0; k < changedCount; k++) {
      const i = changed[k];
      const cell = cellOf[i];
      if (cell < 0) continue;
      const r = Math.floor(cell / across);
      const c = cell - r * across;
      const [fromX, toX, fromY, toY] = [left[c], left[c + wide], top[r], top[r + 1]];
      if (fromX === toX || fromY === toY) continue;
      const color = classes[i];
      for (let y = fromY; y < toY; y++) {
        for (let at = y * width + fromX; at < y * width + toX; at++) {
          if (who[at] === i) pixels[at] = inClass(colors, color, focus, base[at]);
        }
      }
      if (fromX < x0) x0 = fromX;
      if (toX > x1) x1 = toX;
      if (fromY < y0) y0 = fromY;
      if (toY > y1) y1 = toY;
    }
    return [x0, y0, x1, y1];
  }
}

/**
 * Find the column and row, times the columns there are, of every pixel; −1 beside the raster.
 * @param {Int32Array} columnsOf
 * @param {Int32Array} rowsOf
 * @param {import("./data.js").Grid} grid
 * @param {import("./data.js").Range} view
 */
function placeOn(columnsOf, rowsOf, { shape: [rows, columns], origin, step }, view) {
  /**
   * @param {Int32Array} target
   * @param {number} from
   * @param {number} to
   * @param {0|1} axis
   * @param {number} count
   * @param {number} stride
   */
  const fill = (target, from, to, axis, count, stride) => {
    const scale = (to - from) / target.length;
    for (let k = 0; k < target.length; k++) {
      const c = Math.round((from + (k + 0.5) * scale - origin[axis]) / step[axis]);
      target[k] = c >= 0 && c < count ? c * stride : -1;
    }
  };
  fill(columnsOf, view.x0, view.x1, 0, columns, 1);
  fill(rowsOf, view.y0, view.y1, 1, rows, columns);
}

/**
 * First pixel of each column or row of cells, and of the one after the last.
 * @param {Int32Array} cells the column or row at each pixel times `stride`, or −1
 * @param {number} count
 * @param {number} stride
 */
function beginnings(cells, count, stride) {
  const first = new Int32Array(count + 1);
  let next = 0;
  let end = 0;
  for (let k = 0; k < cells.length; k++) {
    if (cells[k] < 0) continue;
    for (const c = cells[k] / stride; next <= c; next++) first[next] = k;
    end = k + 1;
  }
  return first.fill(end, next);
}

/**
 * Colors of the classes of points.
 * @param {import("./colors.js").Theme} theme
 * @param {import("./data.js").Slot} active
 */
function colorsOfClasses(theme, active) {
  const tint = mix(theme.background, theme.slots[active === "A" ? "B" : "A"], 0.45);
  return {
    unscanned: pack(mix(theme.background, theme.text, 0.05)),
    outline: pack(theme.slots[active]),
    veil: blender(theme.background, 0.2),
    dim: blender(mix(theme.background, [128, 128, 128], 0.25), 0.32),
    tinted: blender(tint, 0.35),
  };
}

/**
 * Color of a point in its class.
 * @param {ClassColors} colors
 * @param {number} c its class
 * @param {boolean} focus whether some points stand out
 * @param {number} rgba its own color
 */
function inClass(colors, c, focus, rgba) {
  if (c & EMPHASIZED) return rgba;
  if (c & OUTSIDE) return colors.veil(rgba);
  if (!focus) return rgba;
  return c & OTHER ? colors.tinted(rgba) : colors.dim(rgba);
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
