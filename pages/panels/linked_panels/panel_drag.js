/** Dragging a panel by its title onto the place of another. */

/** A hand that clicks moves less. */
const CLICK_PX = 6;

/**
 * @typedef {import("./panel.js").Panel} Panel
 * @typedef {{panel: Panel, from: {x: number, y: number}, over: Panel|null, moved: boolean}} Drag
 */

export class PanelDrag {
  /**
   * @param {import("./board.js").Board} board
   * @param {import("./panel_menu.js").PanelMenu} menu
   */
  constructor(board, menu) {
    this.board = board;
    this.menu = menu;
    /** @type {Drag|null} */
    this.drag = null;
    const { element } = board;
    element.addEventListener("pointerdown", (event) => this.begin(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", () => this.end());
    element.addEventListener("pointercancel", () => this.cancel());
  }

  /** @param {PointerEvent} event */
  begin({ target, button, pointerType, clientX: x, clientY: y }) {
    // A finger scrolls the page.
    if (button !== 0 || pointerType === "touch" || !this.menu.offers || this.board.enlarged) return;
    if (!(target instanceof Element) || !target.closest(".lp-title")) return;
    const panel = this.panelAt(x, y);
    if (panel) this.drag = { panel, from: { x, y }, over: null, moved: false };
  }

  /** @param {PointerEvent} event */
  move({ clientX: x, clientY: y, pointerId }) {
    const { drag } = this;
    if (!drag) return;
    if (!drag.moved) {
      if (Math.hypot(x - drag.from.x, y - drag.from.y) < CLICK_PX) return;
      drag.moved = true;
      this.menu.close();
      // From here on the title's button gets no click.
      this.board.element.setPointerCapture(pointerId);
    }
    const over = this.panelAt(x, y);
    drag.over = over === drag.panel ? null : over;
    this.mark();
  }

  /** Let the panel go where it is. */
  end() {
    const { drag } = this;
    this.cancel();
    if (drag?.over) this.menu.reorder(drag.panel.spec.place ?? 0, drag.over.spec.place ?? 0);
  }

  /** Leave all panels where they are; says whether one was being dragged. */
  cancel() {
    const was = this.drag?.moved ?? false;
    this.drag = null;
    this.mark();
    return was;
  }

  /** Show what is dragged, and whose place it would take. */
  mark() {
    for (const panel of this.board.panels.values()) {
      const { classList } = panel.element;
      classList.toggle("lp-dragged", Boolean(this.drag?.moved) && panel === this.drag?.panel);
      classList.toggle("lp-drop", panel === this.drag?.over);
    }
  }

  /** @param {number} x @param {number} y @returns {Panel|null} */
  panelAt(x, y) {
    for (const panel of this.board.panels.values()) {
      const { left, right, top, bottom } = panel.element.getBoundingClientRect();
      if (x >= left && x < right && y >= top && y < bottom) return panel;
    }
    return null;
  }
}
