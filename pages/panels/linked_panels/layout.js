/** Where panels go: the rows in which the least room is wasted. */

/**
 * @typedef {{left: number, right: number, top: number, bottom: number}} Margins around a plot
 * @typedef {{columns: number[], heights: number[]}} Layout for each panel, how many share a row of
 *   its width, and the height of its body
 */

export const HEADER = 26;
export const GAP = 8;
const MIN_BODY = 150;
// A plot that is longer than this gains nothing by it, unless it is a map.
const LONGEST = 1.9;
// A map that is so much wider than high gets the whole width: scans of a collection side by side.
const WIDE = 4;
/** Below this width all panels are in one column, and the page scrolls. */
export const NARROW_PX = 790;

/**
 * Room for the axes, and for the legend at the right.
 * @param {number} width of the body
 * @param {boolean} legend
 * @returns {Margins}
 */
export function margins(width, legend = true) {
  const narrow = width < 420;
  const right = legend ? (narrow ? 82 : 98) : 14;
  return { left: narrow ? 50 : 56, right, top: 10, bottom: 38 };
}

/**
 * The places that give the data of all panels most room.
 * @param {Array<number|null>} aspects width over height of maps, null where a plot takes any
 * @param {number} width
 * @param {number} height
 * @returns {Layout}
 */
export function arrange(aspects, width, height) {
  if (width < NARROW_PX) {
    const most = Math.round(Math.max(220, Math.min(420, width * 0.75)));
    const heights = aspects.map((aspect) => Math.min(most, needed(aspect, width)));
    return { columns: aspects.map(() => 1), heights };
  }
  return withWideRows(aspects, width, height) ?? inRows(aspects, width, height);
}

/**
 * Wide maps in rows of their own that are no higher than the maps, the others in the room that is
 * left; null where there are none, or too many.
 * @param {Array<number|null>} aspects
 * @param {number} width
 * @param {number} height
 * @returns {Layout|null}
 */
function withWideRows(aspects, width, height) {
  const wide = aspects.map((aspect) => aspect !== null && aspect >= WIDE);
  const others = aspects.filter((_, k) => !wide[k]);
  let left = height;
  for (const aspect of aspects.filter((_, k) => wide[k])) {
    left -= needed(aspect, width) + HEADER + GAP;
  }
  if (left === height || left < (others.length && MIN_BODY + HEADER)) return null;
  const { columns, heights } = inRows(others, width, left);
  for (const [k, aspect] of aspects.entries()) {
    if (!wide[k]) continue;
    columns.splice(k, 0, 1);
    heights.splice(k, 0, needed(aspect, width));
  }
  return { columns, heights };
}

/**
 * The height that a body of the whole width needs.
 * @param {number|null} aspect
 * @param {number} width
 */
function needed(aspect, width) {
  if (aspect === null) return Infinity;
  const { left, right, top, bottom } = margins(width);
  return Math.max(MIN_BODY, Math.ceil((width - left - right) / aspect) + top + bottom);
}

/**
 * The rows of one height that give the data of all panels most room.
 * @param {Array<number|null>} aspects
 * @param {number} width
 * @param {number} height
 * @returns {Layout}
 */
function inRows(aspects, width, height) {
  let best = { rows: [aspects.length], height: MIN_BODY };
  let most = -1;
  for (let columns = 1; columns <= aspects.length; columns++) {
    const rows = filled(aspects.length, columns);
    const share = (height - (rows.length - 1) * GAP) / rows.length - HEADER;
    const body = Math.max(MIN_BODY, Math.floor(share));
    const used = shown(aspects, rows, width, body) * (body > share + 1 ? 0.5 : 1);
    if (used > most) [best, most] = [{ rows, height: body }, used];
  }
  return {
    columns: best.rows.flatMap((n) => Array(n).fill(n)),
    heights: aspects.map(() => best.height),
  };
}

/**
 * How many panels each row has, the first rows the most.
 * @param {number} n
 * @param {number} columns at most
 */
function filled(n, columns) {
  const rows = Math.ceil(n / columns);
  return Array.from({ length: rows }, (_, k) => Math.ceil((n - k) / rows));
}

/**
 * The area on which data are drawn.
 * @param {Array<number|null>} aspects
 * @param {number[]} rows
 * @param {number} width
 * @param {number} body
 */
function shown(aspects, rows, width, body) {
  let area = 0;
  let panel = 0;
  for (const columns of rows) {
    const room = (width - (columns - 1) * GAP) / columns;
    const { left, right, top, bottom } = margins(room);
    const [w, h] = [Math.max(1, room - left - right), Math.max(1, body - top - bottom)];
    for (let k = 0; k < columns; k++) {
      const aspect = aspects[panel++];
      area += aspect === null
        ? Math.min(w, h * LONGEST) * Math.min(h, w * LONGEST)
        : Math.min(w, h * aspect) * Math.min(h, w / aspect);
    }
  }
  return area;
}
