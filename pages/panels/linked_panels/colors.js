/** Colours: of the theme, and of the points. Formulas as documented in view.py. */

let probe = null;

/**
 * Read any CSS colour.
 * @param {string} text
 * @param {[number, number, number]} fallback
 * @returns {[number, number, number]} 0..255
 */
export function parseColor(text, fallback = [128, 128, 128]) {
  probe ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (!text || !CSS.supports("color", text.trim())) return fallback;
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = text.trim();
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
  return a === 0 ? fallback : [r, g, b];
}

/** @param {number[]} rgb @param {number} alpha @returns {string} */
export function css([r, g, b], alpha = 1) {
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

/** Mix two colours; t = 0 gives the first. */
export function mix(a, b, t) {
  return a.map((v, k) => Math.round(v + (b[k] - v) * t));
}

/** Pack a colour as ImageData's little-endian Uint32. */
export function pack([r, g, b]) {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/**
 * Colours that belong to the surrounding page.
 * @param {Element} element
 */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name, fallback) => parseColor(style.getPropertyValue(name), fallback);
  const background = read("--st-background-color", [255, 255, 255]);
  const text = read("--st-text-color", [49, 51, 63]);
  const dark = luminance(background) < 128;
  return {
    background,
    text,
    dark,
    secondary: read("--st-secondary-background-color", mix(background, text, 0.06)),
    primary: read("--st-primary-color", [255, 75, 75]),
    font: style.getPropertyValue("--st-font").trim() || style.fontFamily || "sans-serif",
    muted: mix(text, background, 0.35),
    // Slot colours: distinct from each other and readable on either background.
    slots: dark
      ? { A: [255, 176, 59], B: [86, 204, 242] }
      : { A: [201, 84, 0], B: [0, 107, 164] },
  };
}

/** Perceived brightness, 0..255. */
export function luminance([r, g, b]) {
  return 0.299 * r + 0.587 * g + 0.114 * b;
}

/**
 * Decode the 256 colours of a continuous colouring.
 * @param {string} base64
 * @returns {Uint8Array} 768 bytes
 */
export function decodeLut(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

/**
 * Shade a base colour by t in 0..1.
 * @param {number[]} base
 * @param {number} t
 * @param {number} dark
 * @param {number} light
 * @returns {number[]}
 */
export function shade(base, t, dark, light) {
  return base.map((v) => {
    const c = t < 0.5
      ? v * (dark + (1 - dark) * 2 * t)
      : v + (255 - v) * light * (2 * t - 1);
    return Math.floor(c + 0.5);
  });
}

/**
 * Colour every point.
 * @param {object} coloring as sent by view.py
 * @param {(name: string) => Float32Array|Int32Array} array
 * @param {number} n
 * @returns {{rgba: Uint32Array, below: boolean, above: boolean, missing: boolean,
 *   counts: Map<number, number>}} whether values lie beyond the limits or are missing, and how
 *   many points each label has
 */
export function colorize(coloring, array, n) {
  if (coloring.type === "continuous") return continuous(coloring, array(coloring.array), n);
  if (coloring.type === "direct") return direct(coloring, array(coloring.array), n);
  const labels = array(coloring.type === "shaded" ? coloring.labels : coloring.array);
  const counts = countLabels(labels);
  const rgba = coloring.type === "shaded"
    ? shaded(coloring, labels, array(coloring.value), n)
    : categorical(coloring, labels, n);
  const nan = pack(parseColor(coloring.nan));
  return { rgba, below: false, above: false, missing: rgba.includes(nan), counts };
}

/** Count the points of each label; labels are small numbers, and an array is faster than a map. */
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

function direct(coloring, colors, n) {
  const nan = pack(parseColor(coloring.nan));
  const rgba = new Uint32Array(n);
  let missing = false;
  for (let i = 0; i < n; i++) {
    const rgb = colors[i];
    missing ||= rgb < 0;
    rgba[i] = rgb < 0 ? nan : pack([rgb >> 16, (rgb >> 8) & 255, rgb & 255]);
  }
  return { rgba, below: false, above: false, missing, counts: new Map() };
}

function categorical(coloring, labels, n) {
  const nan = pack(parseColor(coloring.nan));
  const table = new Map(
    Object.entries(coloring.palette).map(([label, hex]) => [Number(label), pack(parseColor(hex))]),
  );
  const rgba = new Uint32Array(n);
  for (let i = 0; i < n; i++) rgba[i] = table.get(labels[i]) ?? nan;
  return rgba;
}

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
