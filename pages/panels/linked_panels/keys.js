/** The keyboard: tools, slots, undo, and arrows in the panel that has the focus. */

import { modeOf } from "./pointer.js";

const PAN_STEP = 0.1;
const ZOOM_STEP = 1.25;

export class Keys {
  /** @param {import("./explorer.js").Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    /** Whether the space bar is held: dragging pans. */
    this.space = false;
    explorer.root.onkeydown = (event) => this.down(event);
    explorer.root.onkeyup = (event) => this.up(event);
    explorer.root.onfocusout = () => {
      this.space = false;
    };
  }

  down(event) {
    const { explorer } = this;
    if (!explorer.state || event.metaKey || (event.ctrlKey && !/^[zy]$/i.test(event.key))) return;
    const action = event.ctrlKey ? this.undo(event) : this.plain(event);
    if (action) {
      action();
      event.preventDefault();
    }
    // Streamlit reacts to letters too ("r" runs the script again).
    if (action || event.key.length === 1) event.stopPropagation();
    // Alone it would open the browser's menu.
    if (event.key === "Alt") event.preventDefault();
    this.modifiers(event);
    for (const panel of explorer.panels.values()) panel.overlay.classList.remove("lp-quiet");
  }

  up(event) {
    if (event.key === " ") this.space = false;
    this.modifiers(event);
  }

  /** Show in the toolbar what a stroke would do now. */
  modifiers(event) {
    if (event.key !== "Shift" && event.key !== "Alt") return;
    this.explorer.heldMode = modeOf(event, null);
    this.explorer.schedule({ toolbar: true });
  }

  undo(event) {
    const redo = event.shiftKey || event.key.toLowerCase() === "y";
    return () => this.explorer.restore(redo ? "redo" : "undo");
  }

  plain(event) {
    const { explorer } = this;
    const target = event.composedPath()[0];
    const panel = [...explorer.panels.values()].find((p) => p.element.contains(target));
    const keys = {
      b: () => explorer.setTool("box"),
      l: () => explorer.setTool("lasso"),
      p: () => explorer.setTool("pan"),
      r: () => explorer.setTool("roi"),
      1: () => explorer.setSlot("A"),
      2: () => explorer.setSlot("B"),
      0: () => explorer.resetView(null),
      Delete: () => explorer.clear(),
      Backspace: () => explorer.clear(),
      Escape: () => explorer.escape(),
    };
    // On a button the arrows and the space bar are the button's.
    if (panel && target.tagName !== "BUTTON") {
      Object.assign(keys, {
        " ": () => {
          this.space = true;
        },
        "+": () => this.zoom(panel, 1 / ZOOM_STEP),
        "-": () => this.zoom(panel, ZOOM_STEP),
        ArrowLeft: () => this.arrow(panel, -1, 0),
        ArrowRight: () => this.arrow(panel, 1, 0),
        ArrowUp: () => this.arrow(panel, 0, -1),
        ArrowDown: () => this.arrow(panel, 0, 1),
      });
    }
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    return Object.hasOwn(keys, name) ? keys[name] : null;
  }

  zoom(panel, factor) {
    const { left, top, width, height } = panel.plot;
    this.explorer.zoomAt(panel, [left + width / 2, top + height / 2], factor);
  }

  /** An arrow key pans a scatter, and on a map goes to the next scanned cell. */
  arrow(panel, dx, dy) {
    if (panel.isMap) {
      this.explorer.stepPin(panel, dx, dy);
      return;
    }
    const { width, height } = panel.plot;
    this.explorer.panBy(panel, -dx * PAN_STEP * width, -dy * PAN_STEP * height);
  }
}
