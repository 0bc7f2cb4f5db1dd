/** The points that are shown: their arrays, their axes, and which one is at a place. */

import { CellIndex } from "./cells.js";
import { NO_DATA, sameAxes } from "./data.js";
import { finish } from "./pieces.js";

/**
 * @typedef {import("./data.js").Data} Data
 * @typedef {import("./data.js").Arrays} Arrays
 * @typedef {import("./data.js").Numbers} Numbers
 * @typedef {{x: Numbers, y: Numbers, built?: CellIndex,
 *   cells: (goOn?: (work: CellIndex["work"]) => void) => CellIndex}} Axes cells: ready, unless
 *   somebody goes on with its work in pieces
 * @typedef {{fresh: boolean, moved: boolean, filtered: boolean}} News other points; the same at
 *   other places; others kept in view
 */

export class Points {
  constructor() {
    this.data = NO_DATA;
    /** @type {Arrays} */
    this.arrays = new Map();
    /** Number of the point at each place of the grid's raster, or −1. */
    this.pointOf = new Int32Array(0);
    /** The place of each point, the first where it has two, or −1. */
    this.cellOf = new Int32Array(0);
    /** Likewise of the raster of the detail, where there is one. */
    this.finePointOf = this.pointOf;
    /** @type {Map<string, CellIndex>} */
    this.cells = new Map();
    /** Where the points are in every panel: as text, and with it which arrays are there. */
    this.places = "";
    /** The grid, as text. */
    this.lattice = "";
    /** The regions, as text. */
    this.regions = "";
  }

  /** How many of the points, the first, are an even sample of all: all, where all are here. */
  get even() {
    return this.data.sampled?.even ?? this.data.n;
  }

  /** The raster of the detail in a map, or null. */
  get fine() {
    return this.data.sampled?.detail ?? null;
  }

  /**
   * What an array says of the even sample.
   * @param {Numbers} values
   */
  evenly(values) {
    return this.data.sampled ? firstOf(values, this.even) : values;
  }

  /** Whether the server has sent any. */
  get known() {
    return this.data !== NO_DATA;
  }

  get grid() {
    return this.data.grid;
  }

  /**
   * Take over what the server sent and say what is new.
   * @param {Data} data
   * @param {Arrays} arrays
   * @returns {News}
   */
  take(data, arrays) {
    const before = this.data;
    const first = !this.known;
    this.data = data;
    this.arrays = arrays;
    const fresh = first || before.n !== data.n;
    const moved = fresh || !sameAxes(before, data);
    if (moved) this.cells = new Map();
    this.placeCells(before);
    const frames = Object.entries(data.frames);
    this.places = JSON.stringify([
      data.n, this.urls(["x", "y"]), frames.map(([id, names]) => [id, this.urls(names)]),
    ]);
    this.lattice = JSON.stringify([data.grid, this.fine]);
    this.regions = JSON.stringify(data.regions && [data.regions, this.urls([data.regions.array])]);
    return { fresh, moved, filtered: before.arrays.kept?.url !== data.arrays.kept?.url };
  }

  /**
   * Where arrays came from, which is another place for other content; null for one that is not
   * there.
   * @param {string[]} names
   */
  urls(names) {
    return names.map((name) => (this.arrays.has(name) ? this.data.arrays[name].url : null));
  }

  /**
   * Find the point at each place of the grid's raster.
   * @param {Data} before
   */
  placeCells(before) {
    const { data } = this;
    const row = this.arrays.get("row");
    const col = this.arrays.get("col");
    if (!data.grid || !row || !col) return;
    /** @param {Data} d */
    const key = (d) => JSON.stringify([
      d.arrays.row?.url, d.arrays.col?.url, d.grid?.shape, d.grid?.wide, d.sampled?.detail,
    ]);
    if (key(before) === key(data)) return;
    this.cellOf = new Int32Array(data.n).fill(-1);
    this.pointOf = this.inRaster(data.grid, 0, this.even);
    this.finePointOf = this.fine ? this.inRaster(this.fine, this.even, data.n) : new Int32Array(0);
  }

  /**
   * Number of the point at each place of a raster, of some of the points; notes each one's place.
   * @param {import("./data.js").Grid} grid
   * @param {number} from
   * @param {number} to
   */
  inRaster({ shape: [rows, columns], wide }, from, to) {
    const pointOf = new Int32Array(rows * columns).fill(-1);
    const [row, col] = [this.arrays.get("row"), this.arrays.get("col")];
    if (!row || !col) return pointOf;
    for (let i = from; i < to; i++) {
      const [r, c] = [row[i], col[i]];
      if (r < 0 || r >= rows || c < 0 || c + wide > columns) continue;
      this.cellOf[i] = r * columns + c;
      for (let k = 0; k < wide; k++) pointOf[r * columns + c + k] = i;
    }
    return pointOf;
  }

  /**
   * Axes of a panel by its id, shown or not; null where they are not known.
   * @param {string} id
   * @returns {Axes|null}
   */
  axesOf(id) {
    const names = this.data.frames[id];
    if (!names) return null;
    const [x, y] = names.map((name) => this.arrays.get(name));
    if (!x || !y) return null;
    const key = names.join("\n");
    const begun = this.cells.get(key);
    /** @param {(work: CellIndex["work"]) => void} goOn */
    const cells = (goOn = finish) => {
      const found = this.cells.get(key) ?? new CellIndex(x, y, true);
      this.cells.set(key, found);
      goOn(found.work);
      return found;
    };
    return { x, y, built: begun?.done ? begun : undefined, cells };
  }

  /**
   * Point in the cell of a map at (x, y), or −1.
   * @param {number} x
   * @param {number} y
   */
  inCell(x, y) {
    const fine = this.fine ? inCellOf(this.fine, this.finePointOf, x, y) : -1;
    if (fine >= 0 || !this.grid) return fine;
    return inCellOf(this.grid, this.pointOf, x, y);
  }

  /**
   * The next scanned cell's point in a direction, or −1.
   * @param {number} from a point
   * @param {number} dx columns
   * @param {number} dy rows
   */
  beside(from, dx, dy) {
    const [raster, pointOf] = this.fine && from >= this.even
      ? [this.fine, this.finePointOf] : [this.grid, this.pointOf];
    const { shape: [rows, columns], wide } = raster ?? { shape: [0, 0], wide: 1 };
    let c = (this.arrays.get("col")?.[from] ?? columns) + wide * dx;
    let r = (this.arrays.get("row")?.[from] ?? rows) + dy;
    // Up and down a hexagonal grid, by turns to the right and back: a column leads straight on.
    if (wide === 2 && dy) c |= 1;
    for (; c >= 0 && r >= 0 && c < columns && r < rows; c += wide * dx, r += dy) {
      const found = pointOf[r * columns + c];
      if (found >= 0) return found;
    }
    return -1;
  }
}

/**
 * @param {import("./data.js").Grid} grid
 * @param {Int32Array} pointOf
 * @param {number} x
 * @param {number} y
 */
function inCellOf({ origin, step, shape }, pointOf, x, y) {
  const c = Math.round((x - origin[0]) / step[0]);
  const r = Math.round((y - origin[1]) / step[1]);
  return c >= 0 && r >= 0 && c < shape[1] && r < shape[0] ? pointOf[r * shape[1] + c] : -1;
}

/** @type {WeakMap<Numbers, Numbers>} */
const firsts = new WeakMap();

/**
 * The first values of an array, always as the same object.
 * @param {Numbers} values
 * @param {number} n
 */
function firstOf(values, n) {
  const found = firsts.get(values);
  if (found?.length === n) return found;
  const first = values.subarray(0, n);
  firsts.set(values, first);
  return first;
}
