/** A uniform grid of cells over the points of one panel, for lassos and for the nearest point. */
export class CellIndex {
  /**
   * @param {Float32Array|Int32Array} x
   * @param {Float32Array|Int32Array} y
   */
  constructor(x, y) {
    const n = x.length;
    let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < n; i++) {
      const px = x[i];
      const py = y[i];
      if (!Number.isFinite(px) || !Number.isFinite(py)) continue;
      if (px < x0) x0 = px;
      if (px > x1) x1 = px;
      if (py < y0) y0 = py;
      if (py > y1) y1 = py;
    }
    if (x0 > x1) [x0, x1, y0, y1] = [0, 1, 0, 1];
    this.side = Math.max(8, Math.min(512, Math.round(Math.sqrt(n / 5))));
    this.x0 = x0;
    this.y0 = y0;
    this.cellX = (x1 - x0 || 1) / this.side;
    this.cellY = (y1 - y0 || 1) / this.side;
    // Far more than the rounding of a cell number, far less than a cell.
    this.slackX = this.cellX * 1e-6;
    this.slackY = this.cellY * 1e-6;
    this.sort(x, y);
  }

  /** Counting sort of the point numbers by cell; points without a place are left out. */
  sort(x, y) {
    const n = x.length;
    const { side } = this;
    const cell = new Int32Array(n);
    const starts = new Int32Array(side * side + 1);
    for (let i = 0; i < n; i++) {
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
    for (let c = 0; c < side * side; c++) starts[c + 1] += starts[c];
    const next = starts.slice(0, side * side);
    const order = new Int32Array(starts[side * side]);
    for (let i = 0; i < n; i++) if (cell[i] >= 0) order[next[cell[i]]++] = i;
    this.starts = starts;
    this.order = order;
  }

  /** Column of cells at x, clamped to the grid. */
  column(x) {
    const c = Math.floor((x - this.x0) / this.cellX);
    return c < 0 ? 0 : c >= this.side ? this.side - 1 : c;
  }

  /** Row of cells at y, clamped to the grid. */
  row(y) {
    const r = Math.floor((y - this.y0) / this.cellY);
    return r < 0 ? 0 : r >= this.side ? this.side - 1 : r;
  }

  /** Lower edge of a row of cells. */
  bottom(r) {
    return this.y0 + r * this.cellY;
  }

  /** x in the middle of a column of cells. */
  centerX(c) {
    return this.x0 + (c + 0.5) * this.cellX;
  }

  /** y in the middle of a row of cells. */
  centerY(r) {
    return this.y0 + (r + 0.5) * this.cellY;
  }

  /**
   * Return the nearest point within an ellipse of radii (rx, ry), or −1.
   * @param {Float32Array|Int32Array} x
   * @param {Float32Array|Int32Array} y
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
