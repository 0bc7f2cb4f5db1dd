/** The color of every point, by the formulas that view.py documents. */

import { onceForEach } from "./made.js";
import { pack, parseColor, unpack } from "./colors.js";

/**
 * @typedef {import("./data.js").Numbers} Numbers
 * @typedef {import("./data.js").Rgb} Rgb
 * @typedef {{rgba: Uint32Array, below: boolean, above: boolean, missing: boolean,
 *   counts: Map<number, number>}} Colors whether values lie beyond the limits or are missing, and
 *   how many points each label has
 */

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

/**
 * Color every point.
 * @param {import("./data.js").Coloring} coloring
 * @param {(name: string) => Numbers} array
 * @param {number} n
 * @returns {Colors}
 */
export function colorize(coloring, array, n) {
  if (coloring.type === "continuous") return continuous(coloring, array(coloring.array), n);
  if (coloring.type === "direct") return direct(coloring, array(coloring.array), n);
  const labels = array(coloring.type === "shaded" ? coloring.labels : coloring.array);
  const counts = countsOf(labels);
  const rgba = coloring.type === "shaded"
    ? shaded(coloring, labels, array(coloring.value), n)
    : categorical(coloring, labels, n);
  const nan = pack(parseColor(coloring.nan));
  return { rgba, below: false, above: false, missing: rgba.includes(nan), counts };
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
  if (n && high - low < 65536) {
    const found = new Int32Array(high - low + 1);
    for (let i = 0; i < n; i++) found[labels[i] - low]++;
    found.forEach((count, k) => count && counts.set(k + low, count));
  } else {
    for (let i = 0; i < n; i++) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1);
  }
  return counts;
}

/**
 * @param {import("./data.js").Continuous} coloring
 * @param {Numbers} values
 * @param {number} n
 * @returns {Colors}
 */
function continuous(coloring, values, n) {
  const bytes = decodeLut(coloring.lut);
  const lut = new Uint32Array(256);
  for (let k = 0; k < 256; k++) lut[k] = pack(bytes.subarray(3 * k, 3 * k + 3));
  const nan = pack(parseColor(coloring.nan));
  const [lo, hi] = coloring.limits;
  const span = hi - lo;
  const rgba = new Uint32Array(n);
  let below = false;
  let above = false;
  let missing = false;
  for (let i = 0; i < n; i++) {
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
  return { rgba, below, above, missing, counts: new Map() };
}

/**
 * @param {import("./data.js").Direct} coloring
 * @param {Numbers} colors
 * @param {number} n
 * @returns {Colors}
 */
function direct(coloring, colors, n) {
  const nan = pack(parseColor(coloring.nan));
  const rgba = new Uint32Array(n);
  let missing = false;
  for (let i = 0; i < n; i++) {
    const rgb = colors[i];
    missing ||= rgb < 0;
    rgba[i] = rgb < 0 ? nan : pack(unpack(rgb));
  }
  return { rgba, below: false, above: false, missing, counts: new Map() };
}

/**
 * @param {import("./data.js").Categorical} coloring
 * @param {Numbers} labels
 * @param {number} n
 */
function categorical(coloring, labels, n) {
  const nan = pack(parseColor(coloring.nan));
  const table = new Map(
    Object.entries(coloring.palette).map(([label, hex]) => [Number(label), pack(parseColor(hex))]),
  );
  const rgba = new Uint32Array(n);
  for (let i = 0; i < n; i++) rgba[i] = table.get(labels[i]) ?? nan;
  return rgba;
}

/**
 * @param {import("./data.js").Shaded} coloring
 * @param {Numbers} labels
 * @param {Numbers} values
 * @param {number} n
 */
function shaded(coloring, labels, values, n) {
  const nan = pack(parseColor(coloring.nan));
  const { dark, light } = coloring;
  const table = new Map(
    Object.entries(coloring.palette).map(([label, hex]) => {
      const [lo, hi] = coloring.ranges[label] ?? [0, 0];
      return [Number(label), { base: parseColor(hex), lo, span: hi - lo }];
    }),
  );
  const rgba = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const entry = table.get(labels[i]);
    const v = values[i];
    if (!entry || v !== v) {
      rgba[i] = nan;
      continue;
    }
    const { base, lo, span } = entry;
    let t = 0.5;
    if (span > 0) {
      t = (v - lo) / span;
      t = t < 0 ? 0 : t > 1 ? 1 : t;
    }
    let r, g, b;
    if (t < 0.5) {
      const f = dark + (1 - dark) * 2 * t;
      r = base[0] * f;
      g = base[1] * f;
      b = base[2] * f;
    } else {
      // The order of the factors is that of the formula, so that rounding agrees with numpy.
      r = base[0] + (255 - base[0]) * light * (2 * t - 1);
      g = base[1] + (255 - base[1]) * light * (2 * t - 1);
      b = base[2] + (255 - base[2]) * light * (2 * t - 1);
    }
    rgba[i] = 0xff000000
      | (Math.floor(b + 0.5) << 16) | (Math.floor(g + 0.5) << 8) | Math.floor(r + 0.5);
  }
  return rgba;
}
