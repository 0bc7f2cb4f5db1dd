/** The sheet that lists keys and ways of the mouse. */

import { BINDINGS, MOUSE } from "./bindings.js";
import { h } from "../browser/dom.js";

export class Sheet {
  constructor() {
    /** @param {string} title @param {Array<[string, string]>} rows */
    const list = (title, rows) => h("section", {}, h("h4", {}, title), h("dl", {},
      ...rows.flatMap(([way, what]) => [h("dt", {}, h("kbd", {}, way)), h("dd", {}, what)])));
    /** @type {Array<[string, string]>} */
    const keys = BINDINGS.map(({ key, label, what }) => [label ?? key.toUpperCase(), what]);
    const half = Math.ceil(keys.length / 2);
    /** @type {HTMLDialogElement} */
    this.element = h("dialog", { class: "lp-sheet", "aria-label": "Keys and mouse" },
      h("button", {
        class: "lp-button", type: "button", "aria-label": "Close", onclick: () => this.element.close(),
      }, "×"),
      h("div", { class: "lp-lists" }, list("Keys", keys.slice(0, half)),
        list("Keys", keys.slice(half)), list("Mouse", MOUSE)));
    this.element.onkeydown = (event) => event.stopPropagation();
    this.element.onclick = (event) => {
      if (event.target === this.element) this.element.close();
    };
  }

  /** Show it over the page; closed, the focus goes back to where it was. */
  open() {
    if (!this.element.open) this.element.showModal();
  }
}
