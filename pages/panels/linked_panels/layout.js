/** Where panels go: the rows in which the least room is wasted. */

/**
 * @typedef {{left: number, right: number, top: number, bottom: number}} Margins around a plot
 * @typedef {{rows: number[], height: number}} Layout panels in each row; height of their bodies
 */

export const HEADER = 26;
export const GAP = 8;
const MIN_BODY = 150;
// A plot that is longer than this gains nothing by it, unless it is a map.
const LONGEST = 1.9;
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
 * The rows that give the data of all panels most room.
 * @param {Array<number|null>} aspects width over height of maps, null where a plot takes any
 * @param {number} width
 * @param {number} height
 * @returns {Layout}
 */
export function arrange(aspects, width, height) {
  if (width < NARROW_PX) {
    const body = Math.max(220, Math.min(420, width * 0.75));
    return { rows: aspects.map(() => 1), height: Math.round(body) };
  }
  let best = { rows: [aspects.length], height: MIN_BODY };
  let most = -1;
  for (let columns = 1; columns <= aspects.length; columns++) {
    const rows = filled(aspects.length, columns);
    const share = (height - (rows.length - 1) * GAP) / rows.length - HEADER;
    const body = Math.max(MIN_BODY, Math.floor(share));
    const used = shown(aspects, rows, width, body) * (body > share + 1 ? 0.5 : 1);
    if (used > most) [best, most] = [{ rows, height: body }, used];
  }
  return best;
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
