/** The region of interest on a map: where it is drawn, where it is grabbed, how a drag changes it. */

/**
 * @typedef {import("./data.js").Grid} Grid
 * @typedef {import("./data.js").Pair} Pair
 * @typedef {import("./data.js").Roi} Roi
 * @typedef {[number, number, number, number]} Borders left, right, top and bottom, as numbers of
 *   borders between cells
 * @typedef {{edges: string, roi: Roi}} Grip edges of the ROI as letters of "wens", or "move"
 */

const GRIP_PX = 8;

/**
 * Return the rectangle of the ROI in the body: it runs between points, half a step before the
 * first coordinate that is in and half a step before the first one that is out. A step along x is
 * a column of the raster, so half a cell of a hexagonal grid.
 * @param {import("./projection.js").Projection} projection
 * @param {Roi} roi
 * @param {Grid} grid
 * @returns {[number, number, number, number]} left, top, right, bottom
 */
export function roiRect(projection, roi, { step, node }) {
  const [dx, dy] = node ?? step;
  const [x0, y0] = projection.toPixel([roi[0] - dx / 2, roi[2] - dy / 2]);
  const [x1, y1] = projection.toPixel([roi[1] - dx / 2, roi[3] - dy / 2]);
  return [x0, y0, x1, y1];
}

/**
 * Which edges of a rectangle are at a place, "move" inside of it, or null.
 * @param {[number, number, number, number]} rect left, top, right, bottom
 * @param {Pair} place
 */
export function edgesAt([x0, y0, x1, y1], [px, py]) {
  /** @param {number} a @param {number} b */
  const near = (a, b) => Math.abs(a - b) <= GRIP_PX;
  if (px < x0 - GRIP_PX || px > x1 + GRIP_PX || py < y0 - GRIP_PX || py > y1 + GRIP_PX) return null;
  const edges = (near(px, x0) ? "w" : near(px, x1) ? "e" : "")
    + (near(py, y0) ? "n" : near(py, y1) ? "s" : "");
  return edges || "move";
}

/**
 * The coordinate of a border between cells, the k-th along an axis; blocks end where the scan does.
 * @param {Grid} grid
 * @param {0|1} axis
 * @param {number} k
 */
function coordinate(grid, axis, k) {
  const { node, nodes, step } = grid;
  const end = node && nodes ? nodes[1 - axis] * node[axis] : Infinity;
  return Number((firstOf(grid)[axis] + Math.min(k * step[axis], end)).toPrecision(12));
}

/**
 * The middle of the first cell: a point lies in the middle of its columns. Of a block of nodes it
 * is its first node.
 * @param {Grid} grid
 * @returns {Pair}
 */
function firstOf({ origin: [x, y], step, wide, node }) {
  const [dx, dy] = node ?? step;
  return [x + ((wide - 1) * step[0]) / 2 - (step[0] - dx) / 2, y - (step[1] - dy) / 2];
}

/**
 * The ROI between borders.
 * @param {Grid} grid
 * @param {Borders} borders
 * @returns {Roi}
 */
export function roiBetween(grid, [left, right, top, bottom]) {
  return [
    coordinate(grid, 0, left), coordinate(grid, 0, right),
    coordinate(grid, 1, top), coordinate(grid, 1, bottom),
  ];
}

/**
 * The borders that a ROI runs between, within the scan; those of the scan where there is none.
 * @param {Grid} grid
 * @param {Roi|null} roi
 * @returns {Borders}
 */
export function bordersOf(grid, roi) {
  const [rows, columns] = grid.shape;
  if (!roi) return [0, columns, 0, rows];
  /** @param {0|1} axis @param {number} value */
  const border = (axis, value) =>
    // A bound is a coordinate, and a point at it is in: the border before the point.
    Math.max(0, Math.min(grid.shape[1 - axis],
      Math.ceil((value - firstOf(grid)[axis]) / grid.step[axis] - 1e-6)));
  return [border(0, roi[0]), border(0, roi[1]), border(1, roi[2]), border(1, roi[3])];
}

/**
 * The ROI that a drag asks for, on cell borders and with at least one cell.
 * @param {Grid} grid
 * @param {Pair} start in data coordinates
 * @param {Pair} end
 * @param {Grip|null} grip null draws a new one
 * @returns {Roi}
 */
export function draggedRoi(grid, start, end, grip) {
  const { shape, step, wide } = grid;
  const edges = grip?.edges ?? "new";
  const origin = firstOf(grid);
  /** @param {0|1} axis @param {"w"|"n"} low @param {"e"|"s"} high @returns {Pair} */
  const along = (axis, low, high) => {
    const count = shape[1 - axis];
    /** @param {number} v */
    const border = (v) =>
      Math.max(0, Math.min(count, Math.round((v - origin[axis]) / step[axis] + 0.5)));
    /** @type {Pair} */
    let [a, b] = [border(start[axis]), border(end[axis])];
    if (grip) {
      // Bounds of a ROI are coordinates, not borders: half a step further, rounding undoes it.
      const [from, to] = [0, 1].map(
        (k) => Math.round((grip.roi[2 * axis + k] - origin[axis]) / step[axis]),
      );
      const shift = Math.max(-from, Math.min(count - to, b - a));
      if (edges === "move") [a, b] = [from + shift, to + shift];
      else [a, b] = [edges.includes(low) ? b : from, edges.includes(high) ? b : to];
    }
    return ordered(a, b, count, axis ? 1 : wide);
  };
  return roiBetween(grid, [...along(0, "w", "e"), ...along(1, "n", "s")]);
}

/**
 * Order two borders and keep at least one cell between them.
 * @param {number} a
 * @param {number} b
 * @param {number} count
 * @param {number} wide what a cell takes
 * @returns {Pair}
 */
function ordered(a, b, count, wide) {
  const [low, high] = a < b ? [a, b] : [b, a];
  if (high - low >= wide) return [low, high];
  // The last column of a hexagonal grid's raster holds only halves of cells.
  const last = count - wide + 1;
  return low + wide <= last ? [low, low + wide] : [last - wide, count];
}
