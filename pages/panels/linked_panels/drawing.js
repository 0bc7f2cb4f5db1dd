/** Frames: what is drawn when, and what the browser prepares in its idle time. */

/**
 * @typedef {{layout?: boolean, stroke?: boolean, roi?: boolean, hover?: boolean,
 *   classes?: boolean, overlay?: boolean, toolbar?: boolean, plateau?: boolean}} Wishes what a
 *   frame must bring up to date
 * @typedef {(wishes: Wishes) => void} Schedule
 */

export class Drawing {
  /**
   * @param {import("./explorer.js").Explorer} explorer
   * @param {import("./colors.js").Theme} theme
   */
  constructor(explorer, theme) {
    this.explorer = explorer;
    this.theme = theme;
    /** @type {Wishes} */
    this.todo = {};
    this.frame = 0;
    this.idle = 0;
    this.prepared = false;
    /** When the input came that the next frame answers. */
    this.inputTime = 0;
  }

  /**
   * Ask for a frame; several wishes before it are met by the same frame.
   * @param {Wishes} wishes
   */
  schedule(wishes) {
    // A wish that doesn't ask for something takes nothing back of what was asked before.
    for (const name of /** @type {Array<keyof Wishes>} */ (Object.keys(wishes))) {
      this.todo[name] ||= wishes[name];
    }
    const { board, points } = this.explorer;
    if (this.frame || !points.known || !board.element.isConnected) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    const started = performance.now();
    const { todo, theme } = this;
    const {
      board, brushing, inspector, parts, plateau, points, probe, shared, tools,
    } = this.explorer;
    const { selection } = brushing;
    this.todo = {};
    if (todo.layout) board.layout();
    if (todo.layout || todo.plateau) plateau.draw(theme);
    if (todo.stroke) brushing.flushStroke();
    if (todo.roi) brushing.applyRoi();
    if (todo.hover) inspector.flush();
    const classes = todo.classes || todo.stroke || todo.roi;
    selection.changedCount = 0;
    if (classes) selection.refresh(shared.state.active);
    const picture = {
      theme, selection, points, state: shared.state, stroke: brushing.stroke, roi: brushing.roi,
      hovered: inspector.hovered, tool: tools.tool, parted: parts.parted,
    };
    for (const panel of board.panels.values()) {
      if (!panel.visible) {
        panel.invalidate();
        continue;
      }
      if (panel.stale.raster || classes) panel.drawData(picture);
      if (panel.stale.axes) panel.drawAxes(picture);
      if (panel.stale.overlay || classes || todo.hover || todo.overlay) panel.drawOverlay(picture);
    }
    if (classes || todo.toolbar || todo.layout) this.showToolbar();
    if (!this.prepared) this.prepare();
    probe.noteFrame(started, Boolean(todo.stroke || todo.roi), this.inputTime);
    this.inputTime = 0;
  }

  showToolbar() {
    const { brushing, points, shared: { history, state }, toolbar, tools } = this.explorer;
    const { selection, stroke } = brushing;
    /** @param {"A"|"B"} slot */
    const used = (slot) => selection.used[slot] || (selection.isLive && state.active === slot);
    toolbar.show({
      tool: tools.tool,
      mode: stroke?.mode ?? tools.held ?? tools.mode,
      active: state.active,
      counts: { A: selection.count("A", state.active), B: selection.count("B", state.active) },
      used: { A: used("A"), B: used("B") },
      total: selection.countWithin(),
      roi: Boolean(brushing.roi),
      maps: points.data.panels.some((spec) => spec.kind === "map"),
      canUndo: history.past.length > 0,
      canRedo: history.future.length > 0,
    });
  }

  /** Between the first picture and the first brush, do what that would otherwise wait for. */
  prepare() {
    this.prepared = true;
    const { board, points } = this.explorer;
    const jobs = [...board.panels.values()].map((panel) => () => {
      if (!board.panels.has(panel.id)) return;
      panel.rehearse();
      points.axesOf(panel.id)?.cells();
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
