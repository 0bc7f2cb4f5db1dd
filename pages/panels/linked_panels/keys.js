/** The keyboard: tools, slots, undo, and arrows in the panel that has the focus. */

import { BINDINGS, keyOf } from "./bindings.js";

/**
 * @typedef {import("./panel.js").Panel} Panel
 * @typedef {Record<string, () => void>} Actions by key
 */

const PAN_STEP = 0.1;
const ZOOM_STEP = 1.25;

export class Keys {
  /** @param {import("./explorer.js").Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    const { root, tools } = explorer;
    root.onkeydown = (event) => this.down(event);
    root.onkeyup = (event) => this.up(event);
    root.addEventListener("focusout", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && root.contains(relatedTarget))) tools.space = false;
    });
  }

  /** @param {KeyboardEvent} event */
  down(event) {
    const { explorer } = this;
    if (!explorer.points.known || event.metaKey) return;
    const action = this.actionOf(event);
    if (event.ctrlKey && !action) return;
    if (action) {
      action();
      event.preventDefault();
    }
    // Streamlit reacts to letters too ("r" runs the script again).
    if (action || event.key.length === 1) event.stopPropagation();
    // Alone it would open the browser's menu.
    if (event.key === "Alt") event.preventDefault();
    this.modifiers(event);
    for (const panel of explorer.board.panels.values()) panel.overlay.classList.remove("lp-quiet");
  }

  /** @param {KeyboardEvent} event */
  up(event) {
    if (event.key === " ") this.explorer.tools.space = false;
    this.modifiers(event);
  }

  /** @param {KeyboardEvent} event */
  modifiers(event) {
    if (event.key === "Shift" || event.key === "Alt") this.explorer.tools.hold(event);
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {(() => void)|null}
   */
  actionOf(event) {
    const { explorer } = this;
    const target = /** @type {Element} */ (event.composedPath()[0]);
    const panel = [...explorer.board.panels.values()].find((p) => p.element.contains(target));
    // On a button the arrows and the space bar are the button's.
    const own = panel && !event.ctrlKey && target.tagName !== "BUTTON" ? this.within(panel) : {};
    if (Object.hasOwn(own, event.key)) return own[event.key];
    const name = keyOf(event);
    const found = BINDINGS.find(({ key }) => key === name);
    return found ? () => found.act(explorer) : null;
  }

  /**
   * The keys of a panel.
   * @param {Panel} panel
   * @returns {Actions}
   */
  within(panel) {
    return {
      " ": () => {
        this.explorer.tools.space = true;
      },
      Enter: () => {
        const { brushing, parts, shared, tools } = this.explorer;
        if (parts.spec) brushing.pick(parts, shared.state.pinned ?? -1, tools.held ?? tools.mode);
      },
      "+": () => this.zoom(panel, 1 / ZOOM_STEP),
      "-": () => this.zoom(panel, ZOOM_STEP),
      ArrowLeft: () => this.arrow(panel, -1, 0),
      ArrowRight: () => this.arrow(panel, 1, 0),
      ArrowUp: () => this.arrow(panel, 0, -1),
      ArrowDown: () => this.arrow(panel, 0, 1),
    };
  }

  /**
   * @param {Panel} panel
   * @param {number} factor
   */
  zoom(panel, factor) {
    this.explorer.board.zoomAt(panel, panel.projection.middle, factor);
  }

  /**
   * An arrow key pans a scatter, and on a map goes to the next scanned cell.
   * @param {Panel} panel
   * @param {number} dx
   * @param {number} dy
   */
  arrow(panel, dx, dy) {
    if (panel.isMap) {
      this.explorer.inspector.stepPin(panel, dx, dy);
      return;
    }
    const { width, height } = panel.projection.plot;
    this.explorer.board.panBy(panel, -dx * PAN_STEP * width, -dy * PAN_STEP * height);
  }
}
