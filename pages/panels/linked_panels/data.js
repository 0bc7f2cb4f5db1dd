/**
 * What the server sends (component.py and view.py write it), and questions about it.
 *
 * @typedef {import("../browser/arrays.js").Numbers} Numbers
 * @typedef {import("../browser/arrays.js").ArrayHandle} ArrayHandle
 * @typedef {Map<string, Numbers>} Arrays by name
 * @typedef {"A"|"B"} Slot
 * @typedef {"replace"|"add"|"subtract"|"intersect"} Mode
 * @typedef {"box"|"lasso"} ShapeKind
 * @typedef {[number, number]} Pair x and y
 * @typedef {[number, number, number, number]} Roi x0, x1, y0, y1
 * @typedef {[number, number, number]} Rgb 0..255
 * @typedef {{x0: number, x1: number, y0: number, y1: number}} Range
 * @typedef {{panel: string, kind: ShapeKind, points: Pair[], mode: Mode}} Shape
 * @typedef {{shape: Pair, origin: Pair, step: Pair, unit: string, wide: number,
 *   node?: Pair|null, nodes?: Pair|null}} Grid the raster that maps are drawn on; node: the step of
 *   the scan where each place is a block of its nodes, and nodes: its rows and columns, which may
 *   end within the last blocks; shape: rows, columns; wide: columns that a cell takes, two on a
 *   hexagonal grid, where those of every second row begin one column later
 * @typedef {{id: string, kind: "scatter"|"map"|"histogram"|"violin", title: string, x: string,
 *   y: string, xLabel: string, yLabel: string, color: string, equal: boolean, note: string,
 *   graticule: boolean, frame?: string, place?: number|null, under?: [string, string]|null}} PanelSpec
 *   frame: the panel that strokes in it name; place: in the menu's list of what is shown; under:
 *   arrays of x and y, of any length, that lie in gray under the points
 * @typedef {Array<string|number>} Choice a kind of panel, and what it shows
 * @typedef {{shown: Choice[], most: number,
 *   kinds: Array<{name: string, title: string, fields: Array<[string, string]>}>,
 *   lists: Record<string, Array<[string, Array<[string|number, string]>]>>}} Menu
 * @typedef {{revision: number, selections: Record<Slot, Shape[]>, active: Slot, roi: Roi|null,
 *   pinned: number|null, threshold?: number|null, panels?: Choice[]|null,
 *   focus?: Focus|null}} State focus: what is zoomed into, where these are but some of all points
 * @typedef {{panel: string, range: Range}} Focus
 * @typedef {{type: "continuous", array: string, lut: string, limits: Pair, label: string,
 *   unit: string, nan: string}} Continuous
 * @typedef {{type: "categorical", array: string, palette: Record<string, string>,
 *   names: Record<string, string>, nan: string, label: string, panel?: string}} Categorical panel:
 *   where a click in the legend selects
 * @typedef {{type: "shaded", labels: string, value: string, palette: Record<string, string>,
 *   ranges: Record<string, Pair>, names: Record<string, string>, nan: string, dark: number,
 *   light: number, label: string, unit: string, panel?: string}} Shaded
 * @typedef {{type: "direct", array: string, key: Array<[string, string]>, label: string,
 *   nan: string}} Direct
 * @typedef {Continuous|Categorical|Shaded|Direct} Coloring
 * @typedef {{array: string, palette: Record<string, string>,
 *   names: Record<string, string>}} Regions
 * @typedef {{thresholds: number[], counts: number[], ari: number[]|null, automatic: number,
 *   note: string, asked: number|null, threshold: number, found: number}} Plateau asked: null for
 *   the automatic threshold; found: parts at the threshold
 * @typedef {{labels: string, panel: string, word: string, lines: boolean,
 *   saliency: string[]|null, plateau: Plateau|null}} Parts
 * @typedef {{modules: string, n: number, arrays: Record<string, ArrayHandle>, grid: Grid|null,
 *   panels: PanelSpec[], frames: Record<string, [string, string]>,
 *   colorings: Record<string, Coloring>, state: State, patterns: string|null,
 *   hover: Array<[string, string, string]>, messages: string[], regions: Regions|null,
 *   parts: Parts|null, marks: number[], menu?: Menu|null, scan?: string,
 *   sampled?: Sampled|null}} Data marks: points to look at; scan: what files are named after
 * @typedef {{of: number, counts: Record<string, number>, even: number, detail: Grid|null}} Sampled
 *   where these are but some of all points: how many there are, how many of all are in view and
 *   selected, how many of these, the first, are an even sample of all, and the raster of the others
 *   in a map: the detail of what is zoomed into
 */

import { onceForEach } from "./made.js";

/**
 * Before the server's first word.
 * @type {State}
 */
export const NO_STATE = {
  revision: -1, selections: { A: [], B: [] }, active: "A", roi: null, pinned: null,
};

/**
 * Before the server's first word.
 * @type {Data}
 */
export const NO_DATA = {
  modules: "", n: 0, arrays: {}, grid: null, panels: [], frames: {}, colorings: {},
  state: NO_STATE, patterns: null, hover: [], messages: [], regions: null, parts: null, marks: [],
};

/**
 * Names of the arrays that a coloring reads.
 * @param {Coloring} coloring
 */
export function coloredBy(coloring) {
  return coloring.type === "shaded" ? [coloring.labels, coloring.value] : [coloring.array];
}

/**
 * Names of the arrays that the first picture needs.
 * @param {Data} data
 */
export function neededArrays(data) {
  const names = new Set();
  for (const spec of data.panels) {
    names.add(spec.x).add(spec.y);
    for (const name of spec.under ?? []) names.add(name);
    for (const name of coloredBy(data.colorings[spec.color])) names.add(name);
  }
  if (data.regions) names.add(data.regions.array);
  for (const slot of Object.values(data.state.selections)) {
    for (const shape of slot) for (const name of data.frames[shape.panel] ?? []) names.add(name);
  }
  for (const name of ["x", "y", "row", "col", "kept", "point"]) if (data.arrays[name]) names.add(name);
  if (data.parts) for (const name of data.frames[data.parts.panel]) names.add(name);
  for (const name of data.parts?.saliency ?? []) names.add(name);
  return [...names];
}

/**
 * Whether two views have the same points at the same places.
 * @param {Data} a
 * @param {Data} b
 */
export function sameAxes(a, b) {
  /** @param {Data} data */
  const places = (data) => JSON.stringify(
    Object.entries(data.frames).map(([id, names]) => [id, names.map((k) => data.arrays[k]?.url)])
      .concat([["x", data.arrays.x?.url], ["y", data.arrays.y?.url]]),
  );
  return places(a) === places(b);
}

/**
 * Distance of neighboring points of a row, and of rows.
 * @param {Grid} grid
 * @returns {Pair}
 */
export function cellStep({ step: [dx, dy], wide }) {
  return [wide * dx, dy];
}

/**
 * The whole map: cells are centered on their coordinates.
 * @param {Grid} grid
 * @returns {Range}
 */
export function gridRange({ shape: [rows, columns], origin: [x, y], step: [dx, dy], node, nodes }) {
  const [x0, y0] = [x - dx / 2, y - dy / 2];
  return {
    x0,
    x1: node && nodes ? x0 + nodes[1] * node[0] : x + (columns - 0.5) * dx,
    y0,
    y1: node && nodes ? y0 + nodes[0] * node[1] : y + (rows - 0.5) * dy,
  };
}

/**
 * The range of the points with a margin.
 * @param {Numbers} x
 * @param {Numbers} y
 * @returns {Range}
 */
export function pointRange(x, y) {
  const [x0, x1] = extentOf(x);
  const [y0, y1] = extentOf(y);
  return { x0, x1, y0, y1 };
}

const extentOf = onceForEach(extent);

/**
 * The range of values with a margin.
 * @param {Numbers} values
 * @returns {Pair}
 */
function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (v < low) low = v;
    if (v > high && v !== Infinity) high = v;
  }
  if (!Number.isFinite(low) || high < low) return [0, 1];
  const margin = high > low ? (high - low) * 0.04 : Math.abs(low) * 0.04 || 0.5;
  return [low - margin, high + margin];
}
