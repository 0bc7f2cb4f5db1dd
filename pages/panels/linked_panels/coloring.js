/** The color of every point, by the formulas that colorings.py documents. */

import { onceForEach } from "./made.js";
import { pack, parseColor } from "./colors.js";
import { pieces } from "./pieces.js";

/**
 * @typedef {import("./data.js").Numbers} Numbers
 * @typedef {import("./data.js").Rgb} Rgb
 * @typedef {{rgba: Uint32Array, below: boolean, above: boolean, missing: boolean,
 *   counts: Map<number, number>}} Colors whether values lie beyond the limits or are missing, and
 *   how many points each label has
 */

/** Beyond this many, labels are looked up in a map. */
const MOST_LABELS = 65536;

/**
 * Decode the 256 colors of a continuous coloring.
 * @param {string} base64
 * @returns {Uint8Array} 768 bytes
 */
export function decodeLut(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

/**
 * Shade a base color by t in 0..1.
 * @param {Rgb} base
 * @param {number} t
 * @param {number} dark
 * @param {number} light
 * @returns {Rgb}
 */
export function shade([r, g, b], t, dark, light) {
  /** @param {number} v */
  const channel = (v) => {
    const c = t < 0.5
      ? v * (dark + (1 - dark) * 2 * t)
      : v + (255 - v) * light * (2 * t - 1);
    return Math.floor(c + 0.5);
  };
  return [channel(r), channel(g), channel(b)];
}

/** @typedef {(from: number, to: number) => void} Fill colors some of the points */

/**
 * Color every point, in pieces.
 * @param {import("./data.js").Coloring} coloring
 * @param {(name: string) => Numbers} array
 * @param {number} n
 * @param {(values: Numbers) => Numbers} [evenly] those of the points that are counted
 * @returns {Generator<void, Colors>}
 */
export function* colorize(coloring, array, n, evenly = (values) => values) {
  /** @type {Colors} */
  const colors = {
    rgba: new Uint32Array(n), below: false, above: false, missing: false, counts: new Map(),
  };
  const fill = fillOf(colors, coloring, array);
  for (const [from, to] of pieces(n)) {
    fill(from, to);
    yield;
  }
  if (coloring.type === "categorical" || coloring.type === "shaded") {
    colors.missing = colors.rgba.includes(pack(parseColor(coloring.nan)));
    const labels = array(coloring.type === "shaded" ? coloring.labels : coloring.array);
    colors.counts = countsOf(evenly(labels));
    yield;
  }
  return colors;
}

/**
 * @param {Colors} colors
 * @param {import("./data.js").Coloring} coloring
 * @param {(name: string) => Numbers} array
 * @returns {Fill}
 */
function fillOf(colors, coloring, array) {
  if (coloring.type === "continuous") return continuous(colors, coloring, array(coloring.array));
  if (coloring.type === "direct") return direct(colors, coloring, array(coloring.array));
  if (coloring.type === "categorical") {
    return categorical(colors, coloring, array(coloring.array));
  }
  return shaded(colors, coloring, array(coloring.labels), array(coloring.value));
}

const countsOf = onceForEach(countLabels);

/**
 * Count the points of each label; labels are small numbers, and an array is faster than a map.
 * @param {Numbers} labels
 */
function countLabels(labels) {
  const n = labels.length;
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < n; i++) {
    if (labels[i] < low) low = labels[i];
    if (labels[i] > high) high = labels[i];
  }
  const counts = new Map();
  if (n && high - low < MOST_LABELS) {
    const found = new Int32Array(high - low + 1);
    for (let i = 0; i < n; i++) found[labels[i] - low]++;
    found.forEach((count, k) => count && counts.set(k + low, count));
  } else {
    for (let i = 0; i < n; i++) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1);
  }
  return counts;
}

/**
 * @param {Colors} colors
 * @param {import("./data.js").Continuous} coloring
 * @param {Numbers} values
 * @returns {Fill}
 */
function continuous(colors, coloring, values) {
  const { rgba } = colors;
  const bytes = decodeLut(coloring.lut);
  const lut = new Uint32Array(256);
  for (let k = 0; k < 256; k++) lut[k] = pack(bytes.subarray(3 * k, 3 * k + 3));
  const nan = pack(parseColor(coloring.nan));
  const [lo, hi] = coloring.limits;
  const span = hi - lo;
  return (from, to) => {
    let { below, above, missing } = colors;
    for (let i = from; i < to; i++) {
      const v = values[i];
      if (v !== v) {
        rgba[i] = nan;
        missing = true;
        continue;
      }
      if (v < lo) below = true;
      else if (v > hi) above = true;
      const k = span > 0 ? Math.floor(((v - lo) / span) * 256) : 128;
      rgba[i] = lut[k < 0 ? 0 : k > 255 ? 255 : k];
    }
    Object.assign(colors, { below, above, missing });
  };
}

/**
 * @param {Colors} colors
 * @param {import("./data.js").Direct} coloring
 * @param {Numbers} values
 * @returns {Fill}
 */
function direct(colors, coloring, values) {
  const { rgba } = colors;
  const nan = pack(parseColor(coloring.nan));
  return (from, to) => {
    for (let i = from; i < to; i++) {
      const rgb = values[i];
      colors.missing ||= rgb < 0;
      rgba[i] = rgb < 0 ? nan
        : (0xff000000 | ((rgb & 255) << 16) | (rgb & 0xff00) | ((rgb >> 16) & 255));
    }
  };
}

/**
 * Where in a list each label's entry is: labels are small numbers, and an array is faster than a
 * map. −1 is a label that is not in the list.
 * @param {number[]} labels
 * @returns {(label: number) => number}
 */
function finder(labels) {
  const low = Math.min(...labels);
  const size = labels.length ? Math.max(...labels) - low + 1 : 0;
  if (size > MOST_LABELS) {
    const places = new Map(labels.map((label, k) => [label, k]));
    return (label) => places.get(label) ?? -1;
  }
  const places = new Int32Array(size).fill(-1);
  labels.forEach((label, k) => {
    places[label - low] = k;
  });
  return (label) => {
    const at = label - low;
    return at >= 0 && at < size && at === Math.floor(at) ? places[at] : -1;
  };
}

/**
 * @param {Colors} colors
 * @param {import("./data.js").Categorical} coloring
 * @param {Numbers} labels
 * @returns {Fill}
 */
function categorical({ rgba }, coloring, labels) {
  const nan = pack(parseColor(coloring.nan));
  const find = finder(Object.keys(coloring.palette).map(Number));
  const table = Uint32Array.from(Object.values(coloring.palette), (hex) => pack(parseColor(hex)));
  return (from, to) => {
    for (let i = from; i < to; i++) {
      const k = find(labels[i]);
      rgba[i] = k < 0 ? nan : table[k];
    }
  };
}

/**
 * @param {Colors} colors
 * @param {import("./data.js").Shaded} coloring
 * @param {Numbers} labels
 * @param {Numbers} values
 * @returns {Fill}
 */
function shaded({ rgba }, coloring, labels, values) {
  const nan = pack(parseColor(coloring.nan));
  const { dark, light } = coloring;
  const find = finder(Object.keys(coloring.palette).map(Number));
  const table = Float64Array.from(Object.entries(coloring.palette).flatMap(([label, hex]) => {
    const [lo, hi] = coloring.ranges[label] ?? [0, 0];
    return [...parseColor(hex), lo, hi - lo];
  }));
  return (from, to) => {
    for (let i = from; i < to; i++) {
      const at = 5 * find(labels[i]);
      const v = values[i];
      if (at < 0 || v !== v) {
        rgba[i] = nan;
        continue;
      }
      const span = table[at + 4];
      let t = 0.5;
      if (span > 0) {
        t = (v - table[at + 3]) / span;
        t = t < 0 ? 0 : t > 1 ? 1 : t;
      }
      let [r, g, b] = [table[at], table[at + 1], table[at + 2]];
      if (t < 0.5) {
        const f = dark + (1 - dark) * 2 * t;
        r *= f;
        g *= f;
        b *= f;
      } else {
        // The order of the factors is that of the formula, so that rounding agrees with numpy.
        r += (255 - r) * light * (2 * t - 1);
        g += (255 - g) * light * (2 * t - 1);
        b += (255 - b) * light * (2 * t - 1);
      }
      rgba[i] = 0xff000000
        | (Math.floor(b + 0.5) << 16) | (Math.floor(g + 0.5) << 8) | Math.floor(r + 0.5);
    }
  };
}
