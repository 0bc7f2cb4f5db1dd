/** Frames: what is drawn when, and what the browser prepares in its idle time. */

import { Made } from "./made.js";
import { lookForCard } from "./engine.js";
import { goOn } from "./pieces.js";
import { countText, drawnText } from "./sampled.js";

/**
 * @typedef {() => void} Schedule asks for a frame, which brings everything up to date
 * @typedef {import("./panel.js").Panel} Panel
 */

/** A frame that took this long leaves the rest to the next one; a brush follows the hand. */
const SLICE_MS = 40;
const BRUSH_SLICE_MS = 20;
/** A piece of work in idle time takes about this long. */
const PIECE_MS = 4;

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
     * Panels that the last frame had no time for, those that got none first.
     * @type {Panel[]}
     */
    this.left = [];
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
    const brushes = Boolean(brushing.stroke || brushing.roiPreview);
    const slice = brushes ? BRUSH_SLICE_MS : SLICE_MS;
    const late = () => performance.now() - started > slice;
    const shown = new Set([...board.panels.values()].filter((panel) => panel.visible));
    // Those that were left go first, so that each has its turn however much there is to do.
    const order = new Set([...this.left.filter((panel) => shown.has(panel)), ...shown]);
    /** @type {Panel[]} */
    const begun = [];
    this.left = [];
    let served = false;
    for (const panel of order) {
      if (served && late() && !panel.isQuick(picture)) this.left.push(panel);
      else if (!panel.draw(picture, late)) begun.push(panel);
      served = true;
    }
    this.left.push(...begun);
    this.showToolbar();
    this.explorer.focus.follow();
    const whole = this.left.length === 0;
    probe.noteFrame(started, brushes, this.inputTime, whole);
    this.inputTime = 0;
    if (!whole) this.schedule();
    else if (!this.prepared) this.prepare();
  }

  showToolbar() {
    this.explorer.legends.press();
    const { brushing, points, roiSliders, shared: { history, state }, toolbar, tools } = this.explorer;
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
    const maps = points.data.panels.some((spec) => spec.kind === "map");
    roiSliders.show(maps ? points.grid : null, brushing.roi);
    const total = selection.countWithin();
    /** @param {"A"|"B"} slot */
    const text = (slot) => countText(points.data, brushing, slot, count(slot), total);
    toolbar.show({
      tool: tools.tool,
      mode,
      active: state.active,
      counts: { A: text("A"), B: text("B") },
      used: { A: used("A"), B: used("B") },
      drawn: drawnText(points.data),
      roi: Boolean(brushing.roi),
      maps,
      canAdd: this.explorer.menu.canAdd,
      canUndo,
      canRedo,
    });
  }

  /** Between the first picture and the first brush, do what that would otherwise wait for. */
  prepare() {
    this.prepared = true;
    const { board, points } = this.explorer;
    const work = (function* () {
      lookForCard(points.data.n);
      yield;
      for (const panel of board.panels.values()) {
        panel.rehearse();
        yield;
        const axes = panel.along !== null ? null : points.axesOf(panel.axesId);
        if (!axes) continue;
        /** @type {Iterable<void>} */
        let steps = [];
        axes.cells((found) => {
          steps = found;
        });
        yield* steps;
      }
    })();
    /** @param {IdleDeadline} deadline */
    const next = (deadline) => {
      const done = goOn(work, () => deadline.timeRemaining() < PIECE_MS);
      this.idle = done ? 0 : requestIdleCallback(next, { timeout: 500 });
    };
    this.idle = requestIdleCallback(next, { timeout: 500 });
  }

  /** Draw nothing more. */
  stop() {
    cancelAnimationFrame(this.frame);
    cancelIdleCallback(this.idle);
  }
}
