/** Frames: what is drawn when, and what the browser prepares in its idle time. */

import { Made } from "./made.js";

/** @typedef {() => void} Schedule asks for a frame, which brings everything up to date */

/** A frame that took this long leaves the panels that must be drawn anew to the next one. */
const SLICE_MS = 24;

export class Drawing {
  /**
   * @param {import("./explorer.js").Explorer} explorer
   * @param {import("./colors.js").Theme} theme
   */
  constructor(explorer, theme) {
    this.explorer = explorer;
    this.theme = theme;
    this.made = new Made();
    /**
     * Panels that the last frame had no time for.
     * @type {Set<import("./panel.js").Panel>}
     */
    this.left = new Set();
    this.frame = 0;
    this.idle = 0;
    this.prepared = false;
    /** When the input came that the next frame answers. */
    this.inputTime = 0;
  }

  /** Ask for a frame; several wishes before it are met by the same frame. */
  schedule() {
    const { board, points } = this.explorer;
    if (this.frame || !points.known || !board.element.isConnected) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /**
   * Take over a theme. One that says the same as before stays the same object.
   * @param {import("./colors.js").Theme} theme
   */
  dress(theme) {
    if (JSON.stringify(theme) !== JSON.stringify(this.theme)) this.theme = theme;
  }

  /** @returns {import("./panel.js").Picture} */
  get picture() {
    const { brushing, inspector, parts, points, shared, tools } = this.explorer;
    return {
      theme: this.theme, selection: brushing.selection, points, state: shared.state,
      stroke: brushing.stroke, roi: brushing.roi, hovered: inspector.hovered, tool: tools.tool,
      parts,
    };
  }

  draw() {
    const started = performance.now();
    const { theme } = this;
    const {
      board, brushing, inspector, plateau, probe, shared,
    } = this.explorer;
    board.layout();
    plateau.draw(theme);
    brushing.update();
    const { selection, masks } = brushing;
    if (this.made.differs("classes", [selection, masks])) selection.refresh(shared.state.active);
    inspector.flush();
    const { picture } = this;
    const shown = [...board.panels.values()].filter((panel) => panel.visible);
    // Those that were left go first, so that each has its turn however much there is to do.
    const order = shown.sort((a, b) => Number(this.left.has(b)) - Number(this.left.has(a)));
    this.left = new Set();
    for (const panel of order) {
      const late = performance.now() - started > SLICE_MS;
      if (late && !panel.isQuick(picture)) this.left.add(panel);
      else {
        board.color(panel);
        panel.draw(picture);
      }
    }
    this.showToolbar();
    const whole = this.left.size === 0;
    const brushes = Boolean(brushing.stroke || brushing.roiPreview);
    probe.noteFrame(started, brushes, this.inputTime, whole);
    this.inputTime = 0;
    if (!whole) this.schedule();
    else if (!this.prepared) this.prepare();
  }

  showToolbar() {
    this.explorer.legends.press();
    const { brushing, points, shared: { history, state }, toolbar, tools } = this.explorer;
    const { selection, stroke } = brushing;
    const mode = stroke?.mode ?? tools.held ?? tools.mode;
    const canUndo = history.past.length > 0;
    const canRedo = history.future.length > 0;
    const from = [tools.tool, mode, selection, selection.version, state, points.data,
      brushing.roi, canUndo, canRedo];
    if (!this.made.differs("toolbar", from)) return;
    /** @param {"A"|"B"} slot */
    const used = (slot) => selection.used[slot] || (selection.isLive && state.active === slot);
    /** @param {"A"|"B"} slot */
    const count = (slot) => (slot === state.active && !selection.highlight && used(slot)
      ? selection.emphasized : selection.count(slot, state.active));
    toolbar.show({
      tool: tools.tool,
      mode,
      active: state.active,
      counts: { A: count("A"), B: count("B") },
      used: { A: used("A"), B: used("B") },
      total: selection.countWithin(),
      roi: Boolean(brushing.roi),
      maps: points.data.panels.some((spec) => spec.kind === "map"),
      canAdd: this.explorer.menu.canAdd,
      canUndo,
      canRedo,
    });
  }

  /** Between the first picture and the first brush, do what that would otherwise wait for. */
  prepare() {
    this.prepared = true;
    const { board, points } = this.explorer;
    const jobs = [...board.panels.values()].map((panel) => () => {
      if (!board.panels.has(panel.id)) return;
      panel.rehearse();
      if (panel.kind !== "histogram") points.axesOf(panel.axesId)?.cells();
    });
    const next = () => {
      jobs.shift()?.();
      this.idle = jobs.length ? requestIdleCallback(next, { timeout: 500 }) : 0;
    };
    this.idle = requestIdleCallback(next, { timeout: 500 });
  }

  /** Draw nothing more. */
  stop() {
    cancelAnimationFrame(this.frame);
    cancelIdleCallback(this.idle);
  }
}
