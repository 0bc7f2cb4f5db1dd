/**
 * Who draws the points of scatters: a graphics card by WebGL2 where there is a real one and there
 * are many points, else the canvas. A program that pretends to be a card is slower than the canvas.
 */

import { Gpu } from "./gpu.js";
import { GpuScatter } from "./gpu_scatter.js";
import { ScatterRaster } from "./scatter.js";
import { context2d, h } from "../browser/dom.js";
import { finish } from "./pieces.js";

/** @typedef {"auto"|"canvas"|"webgl2"} Engine auto: as said above */

/** Fewer points than these are drawn as fast without. */
const MANY = 100000;
const PRETENDED = /swiftshader|llvmpipe|softpipe|lavapipe|software|basic render|webkit webgl/i;

/** @type {Engine} */
let wanted = "auto";
/** @type {Gpu|null} */
let card = null;
let asked = false;
/**
 * Called when another engine draws from now on.
 * @type {Set<() => void>}
 */
export const engineWatchers = new Set();

/** @param {number} n */
function worthIt(n) {
  return wanted === "webgl2" || (wanted === "auto" && n >= MANY);
}

/**
 * The card that draws n points; null for the canvas. What is drawn by it depends on it.
 * @param {number} n
 */
export function cardFor(n) {
  return worthIt(n) ? card : null;
}

/**
 * Look for a card where it would draw n points; it takes a moment, and is done once.
 * @param {number} n
 */
export function lookForCard(n) {
  if (asked || !worthIt(n)) return;
  asked = true;
  card = open(wanted === "webgl2");
  if (card) tell();
}

/**
 * Choose who draws, whatever there is.
 * @param {Engine} engine
 */
export function useEngine(engine) {
  wanted = engine;
  asked = false;
  card = null;
  lookForCard(0);
  tell();
}

function tell() {
  for (const watcher of engineWatchers) watcher();
}

/**
 * @param {boolean} pretended whether a program that pretends to be a card will do
 * @returns {Gpu|null}
 */
function open(pretended) {
  const canvas = h("canvas");
  const gl = canvas.getContext("webgl2", {
    alpha: false, antialias: false, depth: false, powerPreference: "high-performance",
    failIfMajorPerformanceCaveat: !pretended,
  });
  if (!gl) return null;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  const fit = (pretended || !PRETENDED.test(name))
    && gl.getExtension("EXT_color_buffer_float") && gl.getExtension("EXT_float_blend");
  try {
    const made = fit ? new Gpu(canvas, gl) : null;
    if (made && drawsAlike(made)) {
      canvas.addEventListener("webglcontextlost", () => {
        if (card !== made) return;
        card = null;
        tell();
      });
      return made;
    }
  } catch (error) {
    console.warn(error);
  }
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return null;
}

/**
 * Whether a card draws what the canvas draws: drivers differ.
 * @param {Gpu} gpu
 */
function drawsAlike(gpu) {
  const n = 400;
  /** @param {number} step */
  const spread = (step) => Float32Array.from({ length: n }, (_, k) => (k * step) % 1);
  const [x, y] = [spread(0.618034), spread(0.414214)];
  const rgba = Uint32Array.from({ length: n }, (_, k) => (k * 2654435761) >>> 0);
  const classes = Uint8Array.from({ length: n }, (_, k) => [0, 1, 2, 4][(k >> 2) % 4]);
  const selection = /** @type {import("./selection.js").Selection} */ ({
    classes, classWords: new Uint32Array(classes.buffer), version: 1,
  });
  const theme = /** @type {import("./colors.js").Theme} */ ({ background: [250, 250, 240] });
  const [expected, found] = [new ScatterRaster(), new GpuScatter(gpu)].map((raster) => {
    const canvas = h("canvas");
    [canvas.width, canvas.height] = [24, 20];
    const context = context2d(canvas, { willReadFrequently: true });
    raster.resize(24, 20, 1.9, n);
    finish(raster.build(x, y, { x0: 0, x1: 0.9, y0: 0.1, y1: 1 }, rgba));
    raster.update(rgba, selection);
    raster.paint(context, theme, true, [0, 107, 164], true);
    if (raster instanceof GpuScatter) raster.free();
    return context.getImageData(0, 0, 24, 20).data;
  });
  return expected.every((v, k) => Math.abs(v - found[k]) <= 1);
}
