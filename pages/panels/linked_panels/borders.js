/** Lines between the cells of a map: where two neighbors are in different parts. */

/**
 * @typedef {(i: number, j: number, way: number) => boolean} Parted whether a line runs between a
 *   point and its neighbor on way 0, right, or 1, below; on a hexagonal grid these are 1, below at
 *   the left, and 2, below at the right
 */

/** Cells larger than this have lines of two pixels. */
const WIDE_CELL = 6;

/**
 * First pixel of each column (or row) of cells, and of the one after the last.
 * @param {number} from where the view begins
 * @param {number} to
 * @param {number} pixels
 * @param {number} origin center of the first cell
 * @param {number} step
 * @param {number} count
 */
export function firstPixels(from, to, pixels, origin, step, count) {
  const scale = (to - from) / pixels;
  return Int32Array.from({ length: count + 1 }, (_, k) => (
    Math.ceil((origin + (k - 0.5) * step - from) / scale - 0.5)
  ));
}

/**
 * Mark the pixels on the lines; a line between cells smaller than a pixel still has one.
 * @param {Uint8Array} mask width × height, 1 on a line afterwards
 * @param {number} width
 * @param {Int32Array} left first pixel of each column of the grid's raster
 * @param {Int32Array} top the same of rows
 * @param {number} across columns that a cell takes, 1 or 2
 * @param {Int32Array} pointOf number of the point at each place of the raster, or −1
 * @param {Parted} parted
 */
export function markBorders(mask, width, left, top, across, pointOf, parted) {
  mask.fill(0);
  const height = mask.length / width;
  const columns = left.length - 1;
  const rows = top.length - 1;
  const wide = columns > 0 && (across * (left[columns] - left[0])) / columns >= WIDE_CELL;
  /** @param {number} x0 @param {number} x1 @param {number} y0 @param {number} y1 */
  const fill = (x0, x1, y0, y1) => {
    const end = Math.min(x1, width);
    for (let y = Math.max(0, y0); y < Math.min(y1, height); y++) {
      for (let x = Math.max(0, x0); x < end; x++) mask[y * width + x] = 1;
    }
  };
  for (let r = 0; r < rows; r++) {
    if (top[r + 1] < 0 || top[r] > height) continue;
    for (let c = 0; c < columns; c++) {
      const at = r * columns + c;
      const i = pointOf[at];
      if (i < 0 || left[c + 1] < 0 || left[c] > width) continue;
      const beside = c + 1 < columns ? pointOf[at + 1] : -1;
      if (beside >= 0 && beside !== i && parted(i, beside, 0)) {
        const x = left[c + 1];
        fill(wide ? x - 1 : x, x + 1, top[r], Math.max(top[r] + 1, top[r + 1]));
      }
      const below = r + 1 < rows ? pointOf[at + columns] : -1;
      // The right half of a cell on a hexagonal grid lies above its neighbor at the right.
      const way = across === 2 && beside !== i ? 2 : 1;
      if (below >= 0 && parted(i, below, way)) {
        const y = top[r + 1];
        fill(left[c], Math.max(left[c] + 1, left[c + 1]), wide ? y - 1 : y, y + 1);
      }
    }
  }
}

/**
 * Draw the marked pixels in one color.
 * @param {Uint32Array} pixels packed colors
 * @param {Uint8Array} mask
 * @param {number} color packed
 */
export function drawBorders(pixels, mask, color) {
  for (let k = 0; k < mask.length; k++) if (mask[k]) pixels[k] = color;
}
