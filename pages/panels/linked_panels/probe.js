/**
 * A window into the panels for tests and benchmarks: `window.__latentPanels`. Reads only, but for
 * who draws.
 */

import { GpuScatter } from "./gpu_scatter.js";
import { useEngine } from "./engine.js";

/**
 * @typedef {{started: number, work: number, brushing: boolean, latency: number}} Frame
 * @typedef {Window & {__latentPanels?: Set<Probe>}} ProbedWindow
 * @typedef {import("./data.js").Slot} Slot
 */

const KEPT_FRAMES = 4000;

export class Probe {
  /** @param {import("./explorer.js").Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    /** Time at which all was drawn for the first time, in milliseconds since the page was asked for. */
    this.firstDrawing = 0;
    /** @type {Frame[]} */
    this.frames = [];
    /**
     * Characters sent to the server at each change.
     * @type {number[]}
     */
    this.sent = [];
    /** @type {ProbedWindow} */
    const probed = window;
    this.all = probed.__latentPanels ??= new Set();
    this.all.add(this);
  }

  /**
   * Note a frame: when, how long the work took, and how long after the input it was done.
   * @param {number} started
   * @param {boolean} brushing
   * @param {number} inputTime
   * @param {boolean} whole whether no panel is left to the next frame
   */
  noteFrame(started, brushing, inputTime, whole) {
    const now = performance.now();
    if (whole) this.firstDrawing ||= now;
    this.frames.push({
      started, work: now - started, brushing, latency: inputTime ? now - inputTime : 0,
    });
    if (this.frames.length > KEPT_FRAMES) this.frames.shift();
  }

  /**
   * Note what was sent to the server.
   * @param {import("./data.js").State} state
   */
  noteSent(state) {
    this.sent.push(JSON.stringify(state).length);
    if (this.sent.length > KEPT_FRAMES) this.sent.shift();
  }

  /**
   * Let another engine draw the points of scatters, even one that isn't worth it here.
   * @param {import("./engine.js").Engine} engine
   */
  draw(engine) {
    useEngine(engine);
  }

  /**
   * Who draws the points of a panel now.
   * @param {string} panel
   */
  engineOf(panel) {
    return this.panels.get(panel)?.raster instanceof GpuScatter ? "webgl2" : "canvas";
  }

  /** Whether all that the server sent is drawn, and nothing is on its way. */
  get settled() {
    const { brushing, drawing, loader, messages, points } = this.explorer;
    return points.known && loader.latest === points.data && !drawing.frame && !brushing.roiPreview
      && !messages.textContent;
  }

  /** The state as the server gets it. */
  get state() {
    return this.explorer.shared.state;
  }

  get data() {
    return this.explorer.points.data;
  }

  get panels() {
    return this.explorer.board.panels;
  }

  get selection() {
    return this.explorer.brushing.selection;
  }

  get theme() {
    return this.explorer.drawing.theme;
  }

  /**
   * Numbers of the selected points.
   * @param {Slot} slot
   */
  ids(slot) {
    return this.selection.ids(slot, this.state.active);
  }

  /**
   * Number of the selected points.
   * @param {Slot} slot
   */
  count(slot) {
    return this.selection.count(slot, this.state.active);
  }

  /**
   * FNV-1a over the numbers of the selected points, four bytes each, lowest first.
   * @param {Slot} slot
   */
  digest(slot) {
    let hash = 0x811c9dc5;
    for (const id of this.ids(slot)) {
      for (let shift = 0; shift < 32; shift += 8) {
        hash = Math.imul(hash ^ ((id >>> shift) & 255), 0x01000193) >>> 0;
      }
    }
    return hash;
  }

  /**
   * The range that a panel shows.
   * @param {string} panel
   */
  view(panel) {
    return this.panels.get(panel)?.projection.view;
  }

  /**
   * The plot of a panel in the window.
   * @param {string} panel
   */
  plot(panel) {
    const found = this.panels.get(panel);
    if (!found) return null;
    const { left, top } = found.overlay.getBoundingClientRect();
    const { plot } = found.projection;
    return { left: left + plot.left, top: top + plot.top, width: plot.width, height: plot.height };
  }

  /** Take it away. */
  remove() {
    this.all.delete(this);
  }
}
