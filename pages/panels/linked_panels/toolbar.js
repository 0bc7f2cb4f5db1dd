/** The bar above the panels: tools, modes, slots, undo. */

import { h } from "../browser/dom.js";
import { icon } from "./icons.js";

/**
 * @typedef {import("./data.js").Mode} Mode
 * @typedef {import("./data.js").Slot} Slot
 * @typedef {import("./tools.js").Tool} Tool
 * @typedef {{tool: (tool: Tool) => void, mode: (mode: Mode) => void, slot: (slot: Slot) => void,
 *   clear: () => void, clearRoi: () => void, undo: () => void, redo: () => void,
 *   reset: () => void, add: () => void, sheet: () => void}} Actions
 */

/** @type {Array<[Tool, string, string]>} */
const TOOLS = [
  ["box", "Box", "b"],
  ["lasso", "Lasso", "l"],
  ["pan", "Pan", "p"],
  ["roi", "Region of interest (maps)", "r"],
];
/** @type {Array<[Mode, string, string]>} */
const MODES = [
  ["replace", "Replace the selection", "n"],
  ["add", "Add to the selection", "a or Shift"],
  ["subtract", "Subtract from the selection", "s or Alt"],
  ["intersect", "Intersect with the selection", "i or Shift+Alt"],
];
/** @type {Array<[Slot, string]>} */
const SLOTS = [["A", "1"], ["B", "2"]];

export class Toolbar {
  /** @param {Actions} actions */
  constructor(actions) {
    /** @type {Map<Tool, HTMLButtonElement>} */
    this.tools = new Map();
    /** @type {Map<Mode, HTMLButtonElement>} */
    this.modes = new Map();
    /** @type {Map<Slot, {element: HTMLButtonElement, count: HTMLElement}>} */
    this.slots = new Map();
    /**
     * @param {string} label
     * @param {string} key
     * @param {() => void} onclick
     * @param {...(Node|string)} children
     */
    const button = (label, key, onclick, ...children) => {
      const text = key ? `${label} (${key})` : label;
      return h(
        "button",
        { class: "lp-button", type: "button", title: text, "aria-label": text, onclick },
        ...children,
      );
    };
    /** @param {string} label @param {...Node} children */
    const group = (label, ...children) =>
      h("div", { class: "lp-group", role: "group", "aria-label": label }, ...children);
    for (const [name, label, key] of TOOLS) {
      this.tools.set(name, button(label, key, () => actions.tool(name), icon(name)));
    }
    for (const [name, label, key] of MODES) {
      this.modes.set(name, button(label, key, () => actions.mode(name), icon(name)));
    }
    for (const [slot, key] of SLOTS) {
      const count = h("span", { class: "lp-count" });
      const element = button(`Selection ${slot}`, key, () => actions.slot(slot),
        h("span", { class: "lp-swatch" }), h("b", {}, slot), count);
      element.classList.add("lp-slot");
      element.dataset.slot = slot;
      this.slots.set(slot, { element, count });
    }
    this.clear = button("Clear the selection", "Delete", actions.clear, icon("clear"));
    this.clearRoi = button("Clear the region of interest", "x", actions.clearRoi, icon("clear"));
    this.undo = button("Undo", "Ctrl+Z", actions.undo, icon("undo"));
    this.redo = button("Redo", "Ctrl+Shift+Z", actions.redo, icon("redo"));
    const reset = button("Reset the view", "0 or double click", actions.reset, icon("reset"));
    this.add = button("Add a panel", "", actions.add, icon("panel"));
    const sheet = button("Keys and mouse", "?", actions.sheet, "?");
    this.drawn = h("span", { class: "lp-drawn" });
    this.live = h("span", { class: "lp-hidden", role: "status", "aria-live": "polite" });
    this.element = h(
      "div",
      { class: "lp-toolbar", role: "toolbar", "aria-label": "Linked panels" },
      group("Tool", ...this.tools.values()),
      group("Mode", ...this.modes.values()),
      group("Selection", ...[...this.slots.values()].map((s) => s.element), this.clear),
      group("History and view", this.undo, this.redo, reset, this.add, sheet),
      this.drawn,
      this.live,
    );
    this.element.onkeydown = (event) => this.move(event);
    this.element.addEventListener("focusin", ({ target }) => {
      if (target instanceof HTMLButtonElement) this.stop(target);
    });
  }

  /** The buttons that can be pressed now. */
  get buttons() {
    const all = [...this.element.querySelectorAll("button")];
    return all.filter((button) => !button.disabled && !button.hidden);
  }

  /**
   * Make the bar one stop of the tab key, at a button; arrow keys go on from there.
   * @param {HTMLElement} [at]
   */
  stop(at = this.buttons.find((button) => button.tabIndex === 0) ?? this.buttons[0]) {
    for (const button of this.element.querySelectorAll("button")) {
      button.tabIndex = button === at ? 0 : -1;
    }
  }

  /** @param {KeyboardEvent} event */
  move(event) {
    const { buttons } = this;
    const here = buttons.findIndex((button) => button.matches(":focus"));
    const last = buttons.length - 1;
    /** @type {Record<string, number>} */
    const to = { ArrowLeft: here ? here - 1 : last, ArrowRight: here === last ? 0 : here + 1,
      Home: 0, End: last };
    if (here < 0 || !Object.hasOwn(to, event.key)) return;
    event.preventDefault();
    buttons[to[event.key]].focus();
  }

  /**
   * Show the state.
   * @param {{tool: Tool, mode: Mode, active: Slot, counts: Record<Slot, string>,
   *   used: Record<Slot, boolean>, drawn: [string, string], roi: boolean, maps: boolean,
   *   canUndo: boolean, canRedo: boolean, canAdd: boolean}} state
   */
  show(state) {
    press(this.tools, state.tool);
    press(this.modes, state.mode);
    for (const [name, element] of this.tools) element.hidden = name === "roi" && !state.maps;
    for (const [slot, { element, count }] of this.slots) {
      const active = slot === state.active;
      element.setAttribute("aria-pressed", String(active));
      const shown = state.used[slot] ? ` ${state.counts[slot]}` : " –";
      if (count.textContent !== shown) count.textContent = shown;
    }
    [this.drawn.textContent, this.drawn.title] = state.drawn;
    this.add.hidden = !state.canAdd;
    this.clear.disabled = !state.used[state.active];
    this.clearRoi.hidden = !state.roi;
    this.undo.disabled = !state.canUndo;
    this.redo.disabled = !state.canRedo;
    this.stop();
  }

  /**
   * Tell screen readers.
   * @param {string} text
   */
  announce(text) {
    this.live.textContent = text;
  }
}

/**
 * @template T
 * @param {Map<T, HTMLElement>} buttons
 * @param {T} chosen
 */
function press(buttons, chosen) {
  for (const [name, element] of buttons) {
    element.setAttribute("aria-pressed", String(name === chosen));
  }
}
