/** Strokes, ROI and highlight: what the user is drawing and has drawn, and whom that selects. */

import { Made } from "./made.js";
import { Selection } from "./selection.js";
import { cellStep } from "./data.js";
import { estimate } from "./sampled.js";

/**
 * @typedef {import("./data.js").Roi} Roi
 * @typedef {import("./data.js").Shape} Shape
 * @typedef {import("./data.js").Slot} Slot
 * @typedef {import("./data.js").State} State
 * @typedef {{array: string, label: number, url: string}} Highlight
 */

const MAX_STROKES = 60;
/** @type {Slot[]} */
const SLOTS = ["A", "B"];

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
    this.made = new Made();
    /** How often any mask was made anew. */
    this.masks = 0;
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
  take({ fresh }) {
    const { data } = this.points;
    if (fresh || this.selection.even !== this.points.even) {
      this.selection = new Selection(data.n, (id) => this.points.axesOf(id), this.points.even);
    }
    const { highlight } = this;
    // Another clustering has other labels: the highlighted one means nothing any more.
    if (highlight && (fresh || highlight.url !== data.arrays[highlight.array]?.url)) {
      this.highlight = null;
    }
    this.shared.adopt(data.state);
    this.update();
  }

  /** Bring every mask up to date that was made from something else. */
  update() {
    const { highlight, made, points, selection, shared: { state } } = this;
    this.stroke = this.strokeMaker?.() ?? null;
    let changed = made.differs("active", [selection, state.active]);
    for (const slot of SLOTS) {
      if (!made.differs(slot, this.slotFrom(slot))) continue;
      selection.setShapes(slot, state.selections[slot]);
      changed = true;
    }
    const { lattice, places } = points;
    const roi = JSON.stringify([this.roi, points.urls(["kept"])]);
    if (made.differs("roi", [selection, places, lattice, roi])) {
      this.applyRoi();
      changed = true;
    }
    if (made.differs("highlight", [selection, highlight])) {
      const labels = highlight && points.arrays.get(highlight.array);
      selection.setHighlight(labels ?? null, highlight?.label);
      changed = true;
    }
    // On top of the shapes of its slot, hence made anew with them.
    if (made.differs("stroke", [JSON.stringify(this.stroke)]) || changed) {
      selection.setLive(state.active, this.stroke);
      changed = true;
    }
    if (changed) this.masks += 1;
  }

  /**
   * All that the mask of a slot is made from.
   * @param {Slot} slot
   */
  slotFrom(slot) {
    return [this.selection, this.points.places, this.shared.state.selections[slot]];
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
    this.shared.change(part, announcement, later);
    this.update();
    this.schedule();
  }

  /** @param {"undo"|"redo"} direction */
  restore(direction) {
    if (!this.shared.restore(direction)) return;
    this.update();
    this.schedule();
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
    this.schedule();
  }

  /** Make the stroke being drawn part of the selection. */
  commitStroke() {
    this.update();
    const shape = this.stroke;
    this.strokeMaker = null;
    this.stroke = null;
    if (shape) this.commit(shape);
    else this.schedule();
  }

  /**
   * Select the part that a point is in; what is selected already is let go of.
   * @param {import("./parts.js").Parts} parts
   * @param {number} point or −1
   * @param {import("./data.js").Mode} mode
   */
  pick(parts, point, mode) {
    const { active } = this.shared.state;
    const had = point >= 0 && this.selection.slots[active].bytes[point];
    const shape = parts.stroke(point, had && mode === "add" ? "subtract" : mode);
    if (shape) this.choose(shape);
    else if (mode === "replace") this.clear();
  }

  /**
   * Make a stroke that nobody drew part of the selection; the same alone again clears it.
   * @param {Shape} shape
   */
  choose(shape) {
    const { selections, active } = this.shared.state;
    if (JSON.stringify(selections[active]) === JSON.stringify([shape])) {
      if (shape.mode === "replace") this.clear();
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
      this.schedule();
      return;
    }
    this.selection.commitLive(active);
    this.shared.change(
      { selections: { ...selections, [active]: strokes } },
      `${estimate(this.points.data, this.selection.count(active, active))} points selected.`,
    );
    // The mask that was shown is that of the strokes now.
    this.made.differs(active, this.slotFrom(active));
    this.made.differs("stroke", [JSON.stringify(null)]);
    this.masks += 1;
    this.schedule();
  }

  /**
   * Draw a ROI; undefined gives it up.
   * @param {Roi|undefined} roi
   */
  previewRoi(roi) {
    if (roi === undefined && this.roiPreview === undefined) return;
    this.roiPreview = roi;
    this.schedule();
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
    this.highlightLabel(same ? null : { array, label });
  }

  /**
   * Let one label stand out, or none.
   * @param {{array: string, label: number}|null} wanted
   */
  highlightLabel(wanted) {
    const url = wanted && this.points.data.arrays[wanted.array]?.url;
    this.highlight = wanted && url ? { ...wanted, url } : null;
    this.schedule();
  }
}
