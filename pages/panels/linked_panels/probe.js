/** A window into the panels for tests and benchmarks: `window.__latentPanels`. Reads only. */

const KEPT_FRAMES = 4000;

export class Probe {
  /** @param {import("./explorer.js").Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    /** Time of the first drawing, in milliseconds since the page was asked for. */
    this.firstDrawing = 0;
    this.frames = [];
    this.sent = [];
    window.__latentPanels ??= new Set();
    window.__latentPanels.add(this);
  }

  /** Note a frame: when, how long the work took, and how long after the input it was done. */
  noteFrame(started, brushing, inputTime) {
    const now = performance.now();
    this.firstDrawing ||= now;
    this.frames.push({
      started, work: now - started, brushing, latency: inputTime ? now - inputTime : 0,
    });
    if (this.frames.length > KEPT_FRAMES) this.frames.shift();
  }

  /** Note what was sent to the server. */
  noteSent(state) {
    this.sent.push(JSON.stringify(state).length);
    if (this.sent.length > KEPT_FRAMES) this.sent.shift();
  }

  /** The state as the server gets it. */
  get state() {
    return this.explorer.state;
  }

  /** Numbers of the selected points. */
  ids(slot) {
    return this.explorer.selection.ids(slot, this.explorer.state.active);
  }

  /** Number of the selected points. */
  count(slot) {
    return this.explorer.selection.count(slot, this.explorer.state.active);
  }

  /** FNV-1a over the numbers of the selected points, four bytes each, lowest first. */
  digest(slot) {
    let hash = 0x811c9dc5;
    for (const id of this.ids(slot)) {
      for (let shift = 0; shift < 32; shift += 8) {
        hash = Math.imul(hash ^ ((id >>> shift) & 255), 0x01000193) >>> 0;
      }
    }
    return hash;
  }

  /** The range that a panel shows. */
  view(panel) {
    return this.explorer.panels.get(panel).view;
  }

  /** Where data coordinates of a panel are in the window. */
  toClient(panel, x, y) {
    const found = this.explorer.panels.get(panel);
    const [px, py] = found.toPixel(x, y);
    const { left, top } = found.overlay.getBoundingClientRect();
    return { x: left + px, y: top + py };
  }

  /** The plot of a panel in the window. */
  plot(panel) {
    const found = this.explorer.panels.get(panel);
    const { left, top } = found.overlay.getBoundingClientRect();
    const { plot } = found;
    return { left: left + plot.left, top: top + plot.top, width: plot.width, height: plot.height };
  }

  /** Take it away. */
  remove() {
    window.__latentPanels.delete(this);
  }
}
