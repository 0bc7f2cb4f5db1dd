/** The bar above the panels: tools, modes, slots, undo. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const TOOLS = [
  ["box", "Box", "b"],
  ["lasso", "Lasso", "l"],
  ["pan", "Pan", "p"],
  ["roi", "Region of interest (maps)", "r"],
];
const MODES = [
  ["replace", "Replace the selection", ""],
  ["add", "Add to the selection", "Shift"],
  ["subtract", "Subtract from the selection", "Alt"],
  ["intersect", "Intersect with the selection", "Shift+Alt"],
];
const NUMBER = new Intl.NumberFormat("en");

export class Toolbar {
  /** @param {object} actions called by name: tool, mode, slot, clear, clearRoi, undo, redo, reset */
  constructor(actions) {
    this.tools = new Map();
    this.modes = new Map();
    this.slots = new Map();
    const button = (label, key, onclick, ...children) => {
      const text = key ? `${label} (${key})` : label;
      return h(
        "button",
        { class: "lp-button", type: "button", title: text, "aria-label": text, onclick },
        ...children,
      );
    };
    const group = (label, ...children) =>
      h("div", { class: "lp-group", role: "group", "aria-label": label }, ...children);
    for (const [name, label, key] of TOOLS) {
      this.tools.set(name, button(label, key, () => actions.tool(name), icon(name)));
    }
    for (const [name, label, key] of MODES) {
      this.modes.set(name, button(label, key, () => actions.mode(name), icon(name)));
    }
    for (const [slot, key] of [["A", "1"], ["B", "2"]]) {
      const count = h("span", { class: "lp-count" });
      const element = button(`Selection ${slot}`, key, () => actions.slot(slot),
        h("span", { class: "lp-swatch" }), h("b", {}, slot), count);
      element.classList.add("lp-slot");
      element.dataset.slot = slot;
      this.slots.set(slot, { element, count });
    }
    this.clear = button("Clear the selection", "Delete", actions.clear, icon("clear"));
    this.clearRoi = button("Clear the region of interest", "", actions.clearRoi, "ROI ×");
    this.undo = button("Undo", "Ctrl+Z", actions.undo, icon("undo"));
    this.redo = button("Redo", "Ctrl+Shift+Z", actions.redo, icon("redo"));
    const reset = button("Reset the view", "0 or double click", actions.reset, icon("reset"));
    this.live = h("span", { class: "lp-hidden", role: "status", "aria-live": "polite" });
    this.element = h(
      "div",
      { class: "lp-toolbar", role: "toolbar", "aria-label": "Linked panels" },
      group("Tool", ...this.tools.values()),
      group("Mode", ...this.modes.values()),
      group("Selection", ...[...this.slots.values()].map((s) => s.element), this.clear),
      group("History and view", this.undo, this.redo, reset, this.clearRoi),
      this.live,
    );
  }

  /**
   * Show the state.
   * @param {{tool: string, mode: string, active: string, counts: Record<string, number>,
   *   used: Record<string, boolean>, total: number, roi: boolean, maps: boolean,
   *   canUndo: boolean, canRedo: boolean}} state
   */
  show(state) {
    press(this.tools, state.tool);
    press(this.modes, state.mode);
    this.tools.get("roi").hidden = !state.maps;
    for (const [slot, { element, count }] of this.slots) {
      const active = slot === state.active;
      element.setAttribute("aria-pressed", String(active));
      const shown = state.used[slot]
        ? ` ${NUMBER.format(state.counts[slot])} of ${NUMBER.format(state.total)}`
        : " –";
      if (count.textContent !== shown) count.textContent = shown;
    }
    this.clear.disabled = !state.used[state.active];
    this.clearRoi.hidden = !state.roi;
    this.undo.disabled = !state.canUndo;
    this.redo.disabled = !state.canRedo;
  }

  /** Tell screen readers. */
  announce(text) {
    this.live.textContent = text;
  }
}

function press(buttons, chosen) {
  for (const [name, element] of buttons) {
    element.setAttribute("aria-pressed", String(name === chosen));
  }
}
