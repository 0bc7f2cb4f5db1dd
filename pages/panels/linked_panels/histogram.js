/** Histograms: how many points have a value, of all, of the ROI and of each selection. */

import { css, mix } from "./colors.js";

/**
 * @typedef {import("./data.js").Numbers} Numbers
 * @typedef {{low: number, high: number, edges: Float64Array, of: Uint8Array}} Bins edges, one more
 *   than there are bins; of: the bin of each point, `NO_BIN` where it has no value
 */

const NO_BIN = 255;
const MOST_BINS = 120;
/** @type {WeakMap<Numbers, Bins>} */
const known = new WeakMap();

/**
 * Bins of equal width over all finite values, as many as Rice's rule says (twice the cube root of
 * their number). A bin holds its lower edge, the last one its upper edge too, as `numpy.histogram`
 * has it.
 * @param {Numbers} values
 * @returns {Bins}
 */
export function binned(values) {
  const found = known.get(values);
  if (found) return found;
  let [low, high, n] = [Infinity, -Infinity, 0];
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    n++;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (!n) [low, high] = [0, 1];
  else if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const bins = Math.max(8, Math.min(MOST_BINS, Math.ceil(2 * Math.cbrt(n))));
  const step = (high - low) / bins;
  const edges = Float64Array.from({ length: bins + 1 }, (_, k) => low + k * step);
  edges[bins] = high;
  const of = Uint8Array.from(values, (v) => {
    if (!Number.isFinite(v)) return NO_BIN;
    let k = Math.min(bins - 1, Math.floor(((v - low) / (high - low)) * bins));
    // What rounding moved across an edge.
    if (v < edges[k]) k--;
    else if (k < bins - 1 && v >= edges[k + 1]) k++;
    return k;
  });
  const made = { low, high, edges, of };
  known.set(values, made);
  return made;
}

/**
 * Count the points in each bin.
 * @param {Bins} bins
 * @param {Uint8Array|null} mask 1 where a point counts; null for all
 * @param {Uint8Array|null} outside 1 where it doesn't
 */
export function counted({ edges, of }, mask, outside) {
  const counts = new Uint32Array(256);
  for (let i = 0; i < of.length; i++) {
    if ((!mask || mask[i]) && !(outside && outside[i])) counts[of[i]]++;
  }
  return counts.subarray(0, edges.length - 1);
}

/**
 * The range of a histogram's axes, with all bars in it.
 * @param {Numbers} values
 * @returns {import("./data.js").Range}
 */
export function histogramRange(values) {
  const bins = binned(values);
  const most = Math.max(1, ...counted(bins, null, null));
  const margin = (bins.high - bins.low) * 0.02;
  return { x0: bins.low - margin, x1: bins.high + margin, y0: 0, y1: 1.06 * most };
}

/** Draws the bars: all points behind, then those of the ROI, then the selections. */
export class HistogramRaster {
  constructor() {
    /** The classes that were painted last, as `Selection.version` counts them. */
    this.version = -1;
  }

  /**
   * @param {CanvasRenderingContext2D} c in device pixels
   * @param {Numbers} values
   * @param {import("./data.js").Range} view
   * @param {import("./panel.js").Picture} picture
   */
  paint(c, values, view, { theme, selection, state: { active } }) {
    this.version = selection.version;
    const { width, height } = c.canvas;
    const bins = binned(values);
    const outside = selection.outside.bytes;
    c.fillStyle = css(theme.background);
    c.fillRect(0, 0, width, height);
    /** @param {Uint8Array|null} mask @param {Uint8Array|null} out @param {string} fill */
    const bars = (mask, out, fill) => {
      const counts = counted(bins, mask, out);
      c.fillStyle = fill;
      counts.forEach((count, k) => {
        if (!count) return;
        const left = ((bins.edges[k] - view.x0) / (view.x1 - view.x0)) * width;
        const right = ((bins.edges[k + 1] - view.x0) / (view.x1 - view.x0)) * width;
        const top = (1 - (count - view.y0) / (view.y1 - view.y0)) * height;
        const bottom = (view.y0 / (view.y1 - view.y0) + 1) * height;
        // Few among many are seen, too.
        c.fillRect(left, Math.min(top, bottom - 1.5), Math.max(1, right - left - 1), height);
      });
    };
    if (selection.hasRoi) bars(null, null, css(mix(theme.background, theme.muted, 0.25)));
    bars(null, outside, css(mix(theme.background, theme.muted, 0.6)));
    for (const slot of /** @type {const} */ (["A", "B"])) {
      const live = selection.isLive && slot === active;
      if (!selection.used[slot] && !live) continue;
      bars(selection.maskOf(slot, active).bytes, outside, css(theme.slots[slot], 0.62));
    }
  }
}
