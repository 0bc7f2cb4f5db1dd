import { finish, pieces } from "./pieces.js";

/** @typedef {import("./data.js").Numbers} Numbers */

/** A uniform grid of cells over the points of one panel, for lassos and for the nearest point. */
export class CellIndex {
  /**
   * @param {Numbers} x
   * @param {Numbers} y
   * @param {boolean} [later] whether the caller sees to it that the work is done
   */
  constructor(x, y, later = false) {
    this.side = Math.max(8, Math.min(512, Math.round(Math.sqrt(x.length / 5))));
    this.x0 = this.y0 = 0;
    this.cellX = this.cellY = 1;
    this.slackX = this.slackY = 0;
    /** The points by cell, and where each cell's begin. */
    this.order = new Int32Array(0);
    this.starts = new Int32Array(this.side ** 2 + 1);
    this.done = false;
    /** What must be done before it can be asked, in pieces. */
    this.work = this.fill(x, y);
    if (!later) finish(this.work);
  }

  /**
   * @param {Numbers} x
   * @param {Numbers} y
   */
  *fill(x, y) {
    let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const [from, to] of pieces(x.length)) {
      for (let i = from; i < to; i++) {
        const px = x[i];
        const py = y[i];
        if (px - px !== 0 || py - py !== 0) continue;
        if (px < x0) x0 = px;
        if (px > x1) x1 = px;
        if (py < y0) y0 = py;
        if (py > y1) y1 = py;
      }
      yield;
    }
    if (x0 > x1) [x0, x1, y0, y1] = [0, 1, 0, 1];
    this.x0 = x0;
    this.y0 = y0;
    this.cellX = (x1 - x0 || 1) / this.side;
    this.cellY = (y1 - y0 || 1) / this.side;
    // Far more than the rounding of a cell number, far less than a cell.
    this.slackX = this.cellX * 1e-6;
    this.slackY = this.cellY * 1e-6;
    yield* this.sort(x, y);
    this.done = true;
  }

  /**
   * Counting sort of the point numbers by cell; points without a place are left out.
   * @param {Numbers} x
   * @param {Numbers} y
   */
  *sort(x, y) {
    const n = x.length;
    const { side, starts } = this;
    const cell = new Int32Array(n);
    for (const [from, to] of pieces(n)) {
      this.count(x, y, cell, from, to);
      yield;
    }
    for (let c = 0; c < side * side; c++) starts[c + 1] += starts[c];
    const next = starts.slice(0, side * side);
    const order = new Int32Array(starts[side * side]);
    for (const [from, to] of pieces(n)) {
      for (let i = from; i < to; i++) if (cell[i] >= 0) order[next[cell[i]]++] = i;
      yield;
    }
    this.order = order;
  }

  /**
   * Find the cells of some points, and count them.
   * @param {Numbers} x
   * @param {Numbers} y
   * @param {Int32Array} cell
   * @param {number} from
   * @param {number} to
   */
  count(x, y, cell, from, to) {
    const { side, starts } = this;
    for (let i = from; i < to; i++) {
      const px = x[i];
      const py = y[i];
      if (px - px !== 0 || py - py !== 0) {
        cell[i] = -1;
        continue;
      }
      const c = this.row(py) * side + this.column(px);
      cell[i] = c;
      starts[c + 1]++;
    }
  }

  /**
   * Column of cells at x, clamped to the grid.
   * @param {number} x
   */
  column(x) {
    const c = Math.floor((x - this.x0) / this.cellX);
    return c < 0 ? 0 : c >= this.side ? this.side - 1 : c;
  }

  /**
   * Row of cells at y, clamped to the grid.
   * @param {number} y
   */
  row(y) {
    const r = Math.floor((y - this.y0) / this.cellY);
    return r < 0 ? 0 : r >= this.side ? this.side - 1 : r;
  }

  /**
   * Lower edge of a row of cells.
   * @param {number} r
   */
  bottom(r) {
    return this.y0 + r * this.cellY;
  }

  /**
   * x in the middle of a column of cells.
   * @param {number} c
   */
  centerX(c) {
    return this.x0 + (c + 0.5) * this.cellX;
  }

  /**
   * y in the middle of a row of cells.
   * @param {number} r
   */
  centerY(r) {
    return this.y0 + (r + 0.5) * this.cellY;
  }

  /**
   * Return the nearest point within an ellipse of radii (rx, ry), or −1.
   * @param {Numbers} x
   * @param {Numbers} y
   * @param {number} px
   * @param {number} py
   * @param {number} rx
   * @param {number} ry
   * @returns {number}
   */
  nearest(x, y, px, py, rx, ry) {
    const { side, starts, order } = this;
    let best = 1;
    let found = -1;
    const [c0, c1] = [this.column(px - rx), this.column(px + rx)];
    for (let r = this.row(py - ry); r <= this.row(py + ry); r++) {
      for (let k = starts[r * side + c0]; k < starts[r * side + c1 + 1]; k++) {
        const i = order[k];
        const dx = (x[i] - px) / rx;
        const dy = (y[i] - py) / ry;
        const distance = dx * dx + dy * dy;
        if (distance < best) {
          best = distance;
          found = i;
        }
      }
    }
    return found;
  }
}
