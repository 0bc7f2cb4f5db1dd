/** What a drag in a panel does: the chosen tool, and how a stroke changes the selection. */

/**
 * @typedef {import("./data.js").Mode} Mode
 * @typedef {"box"|"lasso"|"pan"|"roi"} Tool
 * @typedef {{shiftKey: boolean, altKey: boolean}} Modifiers
 */

/**
 * Mode of a stroke by the modifier keys; null where they say nothing.
 * @param {Modifiers} event
 * @returns {Mode|null}
 */
export function heldMode({ shiftKey, altKey }) {
  if (shiftKey) return altKey ? "intersect" : "add";
  return altKey ? "subtract" : null;
}

export class Tools {
  /** @param {import("./drawing.js").Schedule} schedule */
  constructor(schedule) {
    this.schedule = schedule;
    /** @type {Tool} */
    this.tool = "box";
    /** @type {Mode} */
    this.mode = "replace";
    /**
     * The mode that held keys ask for.
     * @type {Mode|null}
     */
    this.held = null;
    /** Whether the space bar is held: dragging pans. */
    this.space = false;
  }

  /** @param {Tool} tool */
  choose(tool) {
    this.tool = tool;
    this.schedule();
  }

  /** @param {Mode} mode */
  combine(mode) {
    this.mode = mode;
    this.schedule();
  }

  /**
   * Show in the toolbar what a stroke would do now.
   * @param {Modifiers} event
   */
  hold(event) {
    this.held = heldMode(event);
    this.schedule();
  }
}
