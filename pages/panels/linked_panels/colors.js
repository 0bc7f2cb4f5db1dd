/** Colors: read, mixed, packed and written, and those of the page around the panels. */

import { context2d } from "../browser/dom.js";

/** @typedef {import("./data.js").Rgb} Rgb */

/** @type {CanvasRenderingContext2D|null} */
let probe = null;

/**
 * Read any CSS color.
 * @param {string} text
 * @param {Rgb} fallback
 * @returns {Rgb}
 */
export function parseColor(text, fallback = [128, 128, 128]) {
  if (/^#[0-9a-f]{6}$/i.test(text)) return unpack(parseInt(text.slice(1), 16));
  probe ??= context2d(document.createElement("canvas"), { willReadFrequently: true });
  if (!text || !CSS.supports("color", text.trim())) return fallback;
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = text.trim();
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
  return a === 0 ? fallback : [r, g, b];
}

/** @param {Rgb} rgb @param {number} alpha */
export function css([r, g, b], alpha = 1) {
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

/**
 * Mix two colors; t = 0 gives the first.
 * @param {Rgb} a
 * @param {Rgb} b
 * @param {number} t
 * @returns {Rgb}
 */
export function mix(a, b, t) {
  /** @param {0|1|2} k */
  const channel = (k) => Math.round(a[k] + (b[k] - a[k]) * t);
  return [channel(0), channel(1), channel(2)];
}

/**
 * Channels of a number: red · 65536 + green · 256 + blue.
 * @param {number} rgb
 * @returns {Rgb}
 */
export function unpack(rgb) {
  return [rgb >> 16, (rgb >> 8) & 255, rgb & 255];
}

/**
 * Pack a color as ImageData's little-endian Uint32.
 * @param {Rgb|Uint8Array} rgb
 */
export function pack([r, g, b]) {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/**
 * @typedef {{background: Rgb, text: Rgb, dark: boolean, primary: Rgb, font: string,
 *   muted: Rgb, slots: Record<import("./data.js").Slot, Rgb>}} Theme
 */

/**
 * Colors and font of the surrounding page.
 * @param {Element} element
 * @returns {Theme}
 */
export function readTheme(element) {
  const style = getComputedStyle(element);
  /** @param {string} name @param {Rgb} fallback */
  const read = (name, fallback) => parseColor(style.getPropertyValue(name), fallback);
  const background = read("--st-background-color", [255, 255, 255]);
  const text = read("--st-text-color", [49, 51, 63]);
  const dark = luminance(background) < 128;
  return {
    background,
    text,
    dark,
    primary: read("--st-primary-color", [255, 75, 75]),
    font: style.getPropertyValue("--st-font").trim() || style.fontFamily || "sans-serif",
    muted: mix(text, background, 0.35),
    // Slot colors: distinct from each other and readable on either background.
    slots: dark
      ? { A: [255, 176, 59], B: [86, 204, 242] }
      : { A: [201, 84, 0], B: [0, 107, 164] },
  };
}

/**
 * Perceived brightness, 0..255.
 * @param {Rgb} rgb
 */
function luminance([r, g, b]) {
  return 0.299 * r + 0.587 * g + 0.114 * b;
}
