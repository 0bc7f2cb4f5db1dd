/**
 * How a quantity is distributed in groups of points: exact quantiles of all of them, a box with
 * whiskers, and a smooth density.
 */

/**
 * @typedef {import("./data.js").Numbers} Numbers
 * @typedef {import("./data.js").Pair} Pair
 * @typedef {{n: number, low: number, high: number, quartiles: [number, number, number],
 *   whiskers: Pair, bandwidth: number, density: Float64Array}} Distribution of n finite values;
 *   density: at `NODES` places from the least to the largest of them, none where all are the same
 */

export const NODES = 512;
/** Beyond so many bandwidths a Gaussian kernel adds nothing that is seen. */
const REACH = 5;

/**
 * The finite values of each group, in order.
 * @param {Numbers} values
 * @param {Numbers|Uint8Array|Int16Array} groupOf of each point; negative where it is in none
 * @param {number} groups
 * @param {Uint8Array|null} outside 1 where a point doesn't count
 * @returns {Float32Array[]}
 */
export function bucketed(values, groupOf, groups, outside) {
  const counts = new Uint32Array(groups);
  const n = values.length;
  /** @param {number} i */
  const counted = (i) => groupOf[i] >= 0 && !(outside && outside[i]) && Number.isFinite(values[i]);
  for (let i = 0; i < n; i++) if (counted(i)) counts[groupOf[i]]++;
  const buckets = Array.from(counts, (count) => new Float32Array(count));
  counts.fill(0);
  for (let i = 0; i < n; i++) if (counted(i)) buckets[groupOf[i]][counts[groupOf[i]]++] = values[i];
  for (const bucket of buckets) bucket.sort();
  return buckets;
}

/**
 * The quantile of ordered values, interpolated linearly as `numpy.quantile` does.
 * @param {Float32Array} sorted
 * @param {number} part 0..1
 */
function quantile(sorted, part) {
  const place = part * (sorted.length - 1);
  const k = Math.floor(place);
  const low = sorted[k];
  return low + (place - k) * ((sorted[k + 1] ?? low) - low);
}

/**
 * Silverman's rule of thumb, 0.9 min(s, IQR / 1.34) n^(-1/5) (Density Estimation, 1986, eq. 3.31);
 * with s alone where the quartiles are the same.
 * @param {Float32Array} values
 * @param {number} iqr
 */
function silverman(values, iqr) {
  const n = values.length;
  let [sum, squares] = [0, 0];
  for (const v of values) sum += v;
  const mean = sum / n;
  for (const v of values) squares += (v - mean) ** 2;
  const sd = Math.sqrt(squares / (n - 1));
  return 0.9 * (iqr > 0 ? Math.min(sd, iqr / 1.34) : sd) * n ** -0.2;
}

/**
 * Describe one group. Whiskers reach to the last values within 1.5 interquartile ranges of the
 * box (Tukey, Exploratory Data Analysis, 1977).
 * @param {Float32Array} sorted
 * @returns {Distribution|null} null where there are no values
 */
export function described(sorted) {
  const n = sorted.length;
  if (!n) return null;
  const [low, high] = [sorted[0], sorted[n - 1]];
  const q = /** @type {[number, number, number]} */ ([0.25, 0.5, 0.75].map((p) => quantile(sorted, p)));
  const fence = 1.5 * (q[2] - q[0]);
  const first = sorted.find((v) => v >= q[0] - fence) ?? low;
  let last = n - 1;
  while (sorted[last] > q[2] + fence) last--;
  // A kernel narrower than the nodes that it is drawn on would be noise.
  const bandwidth = n > 1 && high > low
    ? Math.max(silverman(sorted, q[2] - q[0]), (high - low) / (NODES - 1)) : 0;
  const whole = { n, low, high, quartiles: q, bandwidth, density: new Float64Array(0) };
  const density = smooth(binned(sorted, whole), whole);
  // No whisker ends inside the box, whose ends may lie between two values.
  const whiskers = /** @type {Pair} */ ([Math.min(first, q[0]), Math.max(sorted[last], q[2])]);
  return { ...whole, density, whiskers };
}

/**
 * Share each value out to the two nodes beside it.
 * @param {Iterable<number>} values
 * @param {{low: number, high: number}} range
 */
function binned(values, { low, high }) {
  const bins = new Float64Array(NODES);
  const scale = (NODES - 1) / (high - low);
  for (const v of values) share(bins, (v - low) * scale);
  return bins;
}

/** @param {Float64Array} bins @param {number} at in nodes */
function share(bins, at) {
  const k = Math.min(NODES - 2, Math.floor(at));
  bins[k] += 1 - (at - k);
  bins[k + 1] += at - k;
}

/**
 * The Gaussian kernel density of n binned values, at the nodes; none without a bandwidth.
 * @param {Float64Array} bins of some or all of them
 * @param {{n: number, low: number, high: number, bandwidth: number}} of
 */
function smooth(bins, { n, low, high, bandwidth }) {
  if (!bandwidth) return new Float64Array(0);
  const step = (high - low) / (NODES - 1);
  const reach = Math.min(NODES - 1, Math.ceil((REACH * bandwidth) / step));
  const kernel = Float64Array.from({ length: reach + 1 }, (_, k) => (
    Math.exp(-0.5 * ((k * step) / bandwidth) ** 2) / (n * bandwidth * Math.sqrt(2 * Math.PI))
  ));
  const density = new Float64Array(NODES);
  for (let k = 0; k < NODES; k++) {
    if (!bins[k]) continue;
    const end = Math.min(NODES - 1, k + reach);
    for (let j = Math.max(0, k - reach); j <= end; j++) density[j] += bins[k] * kernel[Math.abs(j - k)];
  }
  return density;
}

/**
 * The part that some points have in the density of each group: as wide as their share.
 * @param {Numbers} values
 * @param {Int16Array} groupOf
 * @param {Array<Distribution|null>} groups
 * @param {Uint8Array} mask 1 where a point is among them
 * @param {Uint8Array} outside
 */
export function shares(values, groupOf, groups, mask, outside) {
  const bins = groups.map((one) => (one?.bandwidth ? new Float64Array(NODES) : null));
  const scales = groups.map((one) => (one ? (NODES - 1) / (one.high - one.low) : 0));
  for (let i = 0; i < values.length; i++) {
    const group = groupOf[i];
    if (!mask[i] || group < 0 || outside[i] || !Number.isFinite(values[i])) continue;
    const into = bins[group];
    if (into) share(into, (values[i] - /** @type {Distribution} */ (groups[group]).low) * scales[group]);
  }
  return groups.map((one, k) => {
    const into = bins[k];
    return one && into ? smooth(into, one) : new Float64Array(0);
  });
}
