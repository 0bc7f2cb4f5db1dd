/** Strokes, ROI and highlight: what the user is drawing and has drawn, and whom that selects. */

import { Selection } from "./selection.js";
import { cellStep } from "./data.js";

/**
 * @typedef {import("./data.js").Roi} Roi
 * @typedef {import("./data.js").Shape} Shape
 * @typedef {import("./data.js").Slot} Slot
 * @typedef {import("./data.js").State} State
 * @typedef {{array: string, label: number, url: string}} Highlight
 */

const MAX_STROKES = 60;

export class Brushing {
  /**
   * @param {import("./points.js").Points} points
   * @param {import("./shared_state.js").SharedState} shared
   * @param {{schedule: import("./drawing.js").Schedule, say: (messages: string[]) => void}} actions
   */
  constructor(points, shared, { schedule, say }) {
    this.points = points;
    this.shared = shared;
    this.schedule = schedule;
    this.say = say;
    this.selection = new Selection(0, () => null);
    /** @type {Highlight|null} */
    this.highlight = null;
    /**
     * The stroke being drawn, as of the last frame.
     * @type {Shape|null}
     */
    this.stroke = null;
    /** @type {(() => Shape|null)|null} */
    this.strokeMaker = null;
    /**
     * The ROI being drawn.
     * @type {Roi|undefined}
     */
    this.roiPreview = undefined;
  }

  /** The ROI as it is drawn now. */
  get roi() {
    return this.roiPreview ?? this.shared.state.roi;
  }

  /**
   * Follow new data.
   * @param {import("./points.js").News} news
   */
  take({ fresh, moved, filtered }) {
    const { data } = this.points;
    if (fresh) this.selection = new Selection(data.n, (id) => this.points.axesOf(id));
    const { highlight } = this;
    // Another clustering has other labels: the highlighted one means nothing any more.
    const dropped = highlight && (fresh || highlight.url !== data.arrays[highlight.array]?.url);
    if (dropped) this.setHighlight(null);
    const before = this.shared.state;
    const adopted = this.shared.adopt(data.state);
    if (moved) this.evaluate(null);
    else if (adopted) this.evaluate(before);
    if (filtered) this.applyRoi();
    if (fresh || dropped || filtered) this.schedule({ classes: true });
  }

  /**
   * Compute the masks that differ from those of a former state.
   * @param {State|null} before
   */
  evaluate(before) {
    const { state } = this.shared;
    for (const slot of /** @type {const} */ (["A", "B"])) {
      if (before?.selections[slot] === state.selections[slot]) continue;
      this.selection.setShapes(slot, state.selections[slot]);
    }
    if (!before || before.roi !== state.roi) this.applyRoi();
    this.schedule({ classes: true });
  }

  /** Compute which points are outside the ROI, or out of view. */
  applyRoi() {
    const { arrays, data, grid } = this.points;
    const x = arrays.get("x");
    const y = arrays.get("y");
    const kept = (data.arrays.kept && arrays.get("kept")) ?? null;
    const bounds = this.roi;
    const roi = bounds && grid && x && y ? { bounds, x, y, step: cellStep(grid) } : null;
    this.selection.setRoi(roi, kept);
  }

  /**
   * Change the state for good: undoable, drawn, sent.
   * @param {Partial<State>} part
   * @param {string} announcement
   * @param {boolean} [later] more of the same is likely to follow
   */
  change(part, announcement, later = false) {
    const before = this.shared.state;
    this.shared.change(part, announcement, later);
    this.evaluate(before);
  }

  /** @param {"undo"|"redo"} direction */
  restore(direction) {
    const before = this.shared.state;
    if (this.shared.restore(direction)) this.evaluate(before);
  }

  /** @param {Slot} slot */
  activate(slot) {
    if (slot === this.shared.state.active) return;
    this.change({ active: slot }, `Selection ${slot} is active.`);
  }

  /** Clear the active slot. */
  clear() {
    const { selections, active } = this.shared.state;
    if (!selections[active].length) return;
    this.change({ selections: { ...selections, [active]: [] } }, `Selection ${active} cleared.`);
  }

  /**
   * Draw a stroke, made when the next frame needs it; null gives it up.
   * @param {(() => Shape|null)|null} make
   */
  previewStroke(make) {
    this.strokeMaker = make;
    this.schedule({ stroke: true });
  }

  /** Bring the stroke being drawn up to date. */
  flushStroke() {
    this.stroke = this.strokeMaker?.() ?? null;
    this.selection.setLive(this.shared.state.active, this.stroke);
  }

  /** Make the stroke being drawn part of the selection. */
  commitStroke() {
    this.flushStroke();
    const shape = this.stroke;
    this.strokeMaker = null;
    this.stroke = null;
    if (shape) this.commit(shape);
    else this.schedule({ stroke: true });
  }

  /**
   * Select the part that a point is in; what is selected already is let go of.
   * @param {import("./parts.js").Parts} parts
   * @param {number} point or −1
   * @param {import("./data.js").Mode} mode
   */
  pick(parts, point, mode) {
    const { selections, active } = this.shared.state;
    const had = point >= 0 && this.selection.slots[active].bytes[point];
    const shape = parts.stroke(point, had && mode === "add" ? "subtract" : mode);
    const same = JSON.stringify(selections[active]) === JSON.stringify([shape]);
    if (!shape || same) {
      if (mode === "replace") this.clear();
      return;
    }
    this.selection.setLive(active, shape);
    this.commit(shape);
  }

  /**
   * Make the stroke that is shown part of the selection.
   * @param {Shape} shape
   */
  commit(shape) {
    const { selections, active } = this.shared.state;
    const strokes = shape.mode === "replace" ? [shape] : [...selections[active], shape];
    if (strokes.length > MAX_STROKES) {
      this.say([`A selection has at most ${MAX_STROKES} strokes; clear it or replace it.`]);
      this.schedule({ stroke: true });
      return;
    }
    this.selection.commitLive(active);
    this.shared.change(
      { selections: { ...selections, [active]: strokes } },
      `${this.selection.count(active, active)} points selected.`,
    );
    this.schedule({ classes: true });
  }

  /**
   * Draw a ROI; undefined gives it up.
   * @param {Roi|undefined} roi
   */
  previewRoi(roi) {
    if (roi === undefined && this.roiPreview === undefined) return;
    this.roiPreview = roi;
    this.schedule({ roi: true });
  }

  /** Make the ROI being drawn the ROI. */
  commitRoi() {
    const roi = this.roiPreview;
    this.roiPreview = undefined;
    if (roi) this.change({ roi }, "Region of interest changed.");
  }

  /** Show the whole scan. */
  clearRoi() {
    this.change({ roi: null }, "Region of interest cleared.");
  }

  /**
   * Let one label stand out, or no longer.
   * @param {string} array
   * @param {number} label
   */
  toggleHighlight(array, label) {
    const same = this.highlight?.array === array && this.highlight.label === label;
    this.setHighlight(same ? null : { array, label, url: this.points.data.arrays[array].url });
    this.schedule({ classes: true });
  }

  /** @param {Highlight|null} highlight */
  setHighlight(highlight) {
    this.highlight = highlight;
    const labels = highlight && this.points.arrays.get(highlight.array);
    this.selection.setHighlight(labels ?? null, highlight?.label);
  }
}
