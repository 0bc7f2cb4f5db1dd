/**
 * Shapes and points: which points lie in a box, a lasso or a ROI, and how a lasso is simplified.
 *
 * The tests are those of latentcore/analysis/selection.py and latentcore/containers/roi.py, on the
 * same float64 values, so that the number on the screen is the number that the server computes.
 *
 * @typedef {import("./data.js").Numbers} Numbers
 * @typedef {import("./data.js").Pair} Pair
 */

/** Share of the step below a bound of a ROI that still lies on it, as in roi.py. */
const ON_BOUND = 1e-3;

/**
 * Test one point by the even-odd rule (W. R. Franklin, PNPOLY).
 * @param {Float64Array} polygon x0, y0, x1, y1, …
 * @param {number} px
 * @param {number} py
 * @returns {boolean}
 */
function insidePolygon(polygon, px, py) {
  let inside = false;
  const length = polygon.length;
  let xj = polygon[length - 2];
  let yj = polygon[length - 1];
  for (let k = 0; k < length; k += 2) {
    const xi = polygon[k];
    const yi = polygon[k + 1];
    if (yi > py !== yj > py && px < ((xj - xi) * (py - yi)) / (yj - yi) + xi) inside = !inside;
    xj = xi;
    yj = yi;
  }
  return inside;
}

/**
 * Return the bounding box of a shape's points.
 * @param {Pair[]} points
 * @returns {[number, number, number, number]} x0, x1, y0, y1
 */
function bounds(points) {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const [x, y] of points) {
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  return [x0, x1, y0, y1];
}

/**
 * Set mask[i] to 1 for the points of a half-open box; leaves the others alone.
 *
 * Of the index, where there is one, only the cells along the sides need the test: a point of a
 * column of cells beyond that of x0 is beyond x0, and so for the other sides.
 * @param {Uint8Array} mask
 * @param {Numbers} x
 * @param {Numbers} y
 * @param {Pair[]} corners
 * @param {import("./cells.js").CellIndex} [cells]
 */
export function markBox(mask, x, y, corners, cells) {
  const [x0, x1, y0, y1] = bounds(corners);
  if (cells) {
    const { side, starts, order } = cells;
    const [c0, c1] = [cells.column(x0), cells.column(x1)];
    const [r0, r1] = [cells.row(y0), cells.row(y1)];
    for (let r = r0; r <= r1; r++) {
      for (let c = c0; c <= c1; c++) {
        const end = starts[r * side + c + 1];
        const within = r > r0 && r < r1 && c > c0 && c < c1;
        for (let k = starts[r * side + c]; k < end; k++) {
          const i = order[k];
          if (within || (x[i] >= x0 && x[i] < x1 && y[i] >= y0 && y[i] < y1)) mask[i] = 1;
        }
      }
    }
    return;
  }
  const n = x.length;
  for (let i = 0; i < n; i++) {
    const px = x[i];
    const py = y[i];
    if (px >= x0 && px < x1 && py >= y0 && py < y1) mask[i] = 1;
  }
}

/**
 * Set mask[i] to 1 for the points outside of a ROI; leaves the others alone.
 * @param {Uint8Array} mask
 * @param {Numbers} x
 * @param {Numbers} y
 * @param {import("./data.js").Roi} roi
 * @param {Pair} step of the grid
 */
export function markOutsideRoi(mask, x, y, [x0, x1, y0, y1], [dx, dy]) {
  const n = x.length;
  const [ex, ey] = [ON_BOUND * dx, ON_BOUND * dy];
  for (let i = 0; i < n; i++) {
    const px = x[i] + ex;
    const py = y[i] + ey;
    if (!(px >= x0 && px < x1 && py >= y0 && py < y1)) mask[i] = 1;
  }
}

/**
 * Set mask[i] to 1 for the points in a lasso; leaves the others alone.
 *
 * Cells of the index that no edge touches lie wholly inside or outside, so that only the points
 * in the cells along the outline need the exact test: a million points cost a few milliseconds.
 * @param {Uint8Array} mask
 * @param {Numbers} x
 * @param {Numbers} y
 * @param {Pair[]} vertices
 * @param {import("./cells.js").CellIndex} cells
 */
export function markLasso(mask, x, y, vertices, cells) {
  const polygon = Float64Array.from(vertices.flat());
  const [x0, x1, y0, y1] = bounds(vertices);
  const { side, starts, order } = cells;
  const [c0, c1] = [cells.column(x0 - cells.slackX), cells.column(x1 + cells.slackX)];
  const [r0, r1] = [cells.row(y0 - cells.slackY), cells.row(y1 + cells.slackY)];
  const touched = outlineCells(polygon, cells, c0, c1, r0, r1);
  const width = c1 - c0 + 1;
  for (let r = r0; r <= r1; r++) {
    let known = false;
    let inside = false;
    for (let c = c0; c <= c1; c++) {
      const begin = starts[r * side + c];
      const end = starts[r * side + c + 1];
      if (touched[(r - r0) * width + c - c0]) {
        known = false;
        for (let k = begin; k < end; k++) {
          const i = order[k];
          const px = x[i];
          const py = y[i];
          if (px < x0 || px > x1 || py < y0 || py > y1) continue;
          if (insidePolygon(polygon, px, py)) mask[i] = 1;
        }
        continue;
      }
      // Neighboring cells without an edge between them are on the same side.
      if (!known) {
        inside = insidePolygon(polygon, cells.centerX(c), cells.centerY(r));
        known = true;
      }
      if (inside) for (let k = begin; k < end; k++) mask[order[k]] = 1;
    }
  }
}

/**
 * Mark the cells that any edge of the polygon may touch, within a window of cells.
 * @param {Float64Array} polygon x0, y0, x1, y1, …
 * @param {import("./cells.js").CellIndex} cells
 * @param {number} c0
 * @param {number} c1
 * @param {number} r0
 * @param {number} r1
 */
function outlineCells(polygon, cells, c0, c1, r0, r1) {
  const width = c1 - c0 + 1;
  const touched = new Uint8Array(width * (r1 - r0 + 1));
  const length = polygon.length;
  let xj = polygon[length - 2];
  let yj = polygon[length - 1];
  for (let k = 0; k < length; k += 2) {
    const xi = polygon[k];
    const yi = polygon[k + 1];
    const low = cells.row(Math.min(yi, yj) - cells.slackY);
    const high = cells.row(Math.max(yi, yj) + cells.slackY);
    for (let r = low; r <= high; r++) {
      let from = Math.min(xi, xj);
      let to = Math.max(xi, xj);
      if (yi !== yj && r > low && r < high) {
        const slope = (xj - xi) / (yj - yi);
        const a = xi + slope * (cells.bottom(r) - cells.slackY - yi);
        const b = xi + slope * (cells.bottom(r + 1) + cells.slackY - yi);
        from = Math.max(from, Math.min(a, b));
        to = Math.min(to, Math.max(a, b));
      }
      const first = cells.column(from - cells.slackX);
      const last = cells.column(to + cells.slackX);
      for (let c = first; c <= last; c++) touched[(r - r0) * width + c - c0] = 1;
    }
    xj = xi;
    yj = yi;
  }
  return touched;
}

/**
 * Reduce an outline to at most `limit` vertices, the most telling ones (Visvalingam & Whyatt,
 * Cartographic Journal 30 (1993) 46: drop the vertex that spans the smallest triangle).
 * @param {Pair[]} points closed outline in pixels, the first not repeated
 * @param {number} limit
 * @returns {Pair[]}
 */
export function simplify(points, limit) {
  const kept = points.slice();
  /** @param {number} k */
  const area = (k) => {
    const [ax, ay] = kept[(k + kept.length - 1) % kept.length];
    const [bx, by] = kept[k];
    const [cx, cy] = kept[(k + 1) % kept.length];
    return Math.abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay));
  };
  const areas = kept.map((_, k) => area(k));
  while (kept.length > limit) {
    let least = 0;
    for (let k = 1; k < areas.length; k++) if (areas[k] < areas[least]) least = k;
    kept.splice(least, 1);
    areas.splice(least, 1);
    const before = (least + kept.length - 1) % kept.length;
    const after = least % kept.length;
    areas[before] = area(before);
    areas[after] = area(after);
  }
  return kept;
}

/**
 * Round a coordinate to a tenth of a pixel or finer, so that a lasso is sent in few bytes. The
 * rounded value is what both sides test.
 * @param {number} value
 * @param {number} unitsPerPixel
 * @returns {number}
 */
export function quantize(value, unitsPerPixel) {
  const exponent = Math.floor(Math.log10(unitsPerPixel)) - 1;
  if (exponent <= 0) return Number(value.toFixed(Math.min(100, -exponent)));
  const step = 10 ** exponent;
  return Math.round(value / step) * step;
}
