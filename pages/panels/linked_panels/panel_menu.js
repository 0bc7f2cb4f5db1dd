/** The menu of a panel: what it shows, its place, and adding and removing panels. */

import { h } from "../browser/dom.js";
import { icon } from "./icons.js";

/**
 * @typedef {import("./data.js").Choice} Choice
 * @typedef {import("./data.js").Menu} Menu
 */

const GAP_PX = 4;

export class PanelMenu {
  /**
   * @param {import("./points.js").Points} points
   * @param {import("./shared_state.js").SharedState} shared
   * @param {(panels: Choice[]) => void} change
   */
  constructor(points, shared, change) {
    this.points = points;
    this.shared = shared;
    this.change = change;
    this.place = 0;
    this.element = h("div", { class: "lp-menu", role: "dialog", "aria-label": "Panel" });
    this.element.hidden = true;
    // Letters choose in a list here, not a tool.
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") event.stopPropagation();
    });
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      const inside = relatedTarget instanceof Node && this.element.contains(relatedTarget);
      if (!inside && relatedTarget) this.close();
    });
    /**
     * Where the menu was opened from, to give the focus back.
     * @type {HTMLElement|null}
     */
    this.opener = null;
  }

  /** What can be chosen; null where nothing can. */
  get offers() {
    return this.points.data.menu ?? null;
  }

  /** What is asked for, drawn already or not. */
  get panels() {
    return this.shared.state.panels ?? this.offers?.shown ?? [];
  }

  get canAdd() {
    return this.offers !== null && this.panels.length < this.offers.most;
  }

  /**
   * Open it under the header of a panel.
   * @param {number} place
   * @param {HTMLElement} panel
   */
  open(place, panel) {
    if (!this.offers) return;
    if (!this.element.hidden && this.place === place) {
      this.close();
      return;
    }
    this.place = place;
    this.opener = /** @type {HTMLElement|null} */ (panel.querySelector(".lp-pick"));
    this.element.hidden = false;
    this.update();
    const around = /** @type {HTMLElement} */ (this.element.parentElement).getBoundingClientRect();
    const header = (panel.querySelector(".lp-header") ?? panel).getBoundingClientRect();
    const left = Math.min(header.left - around.left, around.width - this.element.offsetWidth);
    Object.assign(this.element.style, {
      left: `${Math.max(0, left)}px`, top: `${header.bottom - around.top + GAP_PX}px`,
    });
    this.element.querySelector("select")?.focus();
  }

  /** Put it away; says whether it was open. */
  close() {
    if (this.element.hidden) return false;
    this.element.hidden = true;
    this.opener?.focus();
    return true;
  }

  /** Show a histogram more. */
  add() {
    const kind = this.offers?.kinds.find(({ name }) => name === "histogram") ?? this.offers?.kinds[0];
    if (kind && this.canAdd) this.change([...this.panels, chosen(kind)]);
  }

  /** Follow what is offered and chosen now. */
  update() {
    if (this.element.hidden || !this.offers) return;
    const { kinds, lists } = this.offers;
    const choice = this.panels[this.place];
    if (!choice) {
      this.close();
      return;
    }
    const kind = kinds.find(({ name }) => name === choice[0]) ?? kinds[0];
    const focused = /** @type {ShadowRoot|Document} */ (this.element.getRootNode()).activeElement;
    const label = focused?.getAttribute("aria-label");
    const of = kinds.map(({ name, title }) => /** @type {[string, string]} */ ([name, title]));
    this.element.replaceChildren(
      picker("This panel shows", [["", of]], kind.name, (name) => {
        const found = kinds.find((one) => one.name === name);
        if (found) this.put(chosen(found));
      }),
      ...kind.fields.map(([text, list], k) => picker(text, lists[list], choice[k + 1] ?? "",
        (value) => this.put(choice.map((one, at) => (at === k + 1 ? value : one))))),
      this.buttons(),
    );
    if (label) {
      const same = this.element.querySelector(`[aria-label="${CSS.escape(label)}"]`);
      if (same instanceof HTMLElement) same.focus();
    }
  }

  /** What moves and removes the panel. */
  buttons() {
    const { place, panels } = this;
    /**
     * @param {string} label
     * @param {"left"|"right"|"clear"} name
     * @param {() => void} onclick
     * @param {boolean} off
     */
    const button = (label, name, onclick, off) => {
      const made = h("button", {
        class: "lp-button", type: "button", title: label, "aria-label": label, onclick,
      }, icon(name));
      made.disabled = off;
      return made;
    };
    return h("div", { class: "lp-group" },
      button("Move to the left", "left", () => this.move(-1), place === 0),
      button("Move to the right", "right", () => this.move(1), place === panels.length - 1),
      button("Remove this panel", "clear", () => {
        this.close();
        this.change(panels.filter((_, k) => k !== place));
      }, panels.length === 1));
  }

  /**
   * Show something else here.
   * @param {Choice} choice
   */
  put(choice) {
    this.change(this.panels.map((one, k) => (k === this.place ? choice : one)));
    this.update();
  }

  /** @param {-1|1} by */
  move(by) {
    const from = this.place;
    this.place += by;
    this.reorder(from, this.place);
    this.update();
  }

  /**
   * Put the panel at one place into another.
   * @param {number} from
   * @param {number} to
   */
  reorder(from, to) {
    const panels = [...this.panels];
    panels.splice(to, 0, ...panels.splice(from, 1));
    this.change(panels);
  }
}

/**
 * A kind of panel that follows the controls of the page.
 * @param {Menu["kinds"][number]} kind
 * @returns {Choice}
 */
function chosen({ name, fields }) {
  return [name, ...fields.map(() => "")];
}

/**
 * A labelled list. Texts come from files: they are set as text only.
 * @param {string} label
 * @param {Menu["lists"][string]} groups
 * @param {string|number} value
 * @param {(value: string|number) => void} choose
 */
function picker(label, groups, value, choose) {
  const select = h("select", { "aria-label": label });
  /** @type {Array<string|number>} */
  const values = [];
  for (const [title, options] of groups) {
    const made = options.map(([one, text]) => {
      const option = h("option", { value: String(values.length) }, text);
      option.selected = one === value;
      values.push(one);
      return option;
    });
    if (title && made.length) select.append(h("optgroup", { label: title }, ...made));
    else select.append(...made);
  }
  select.onchange = () => choose(values[Number(select.value)]);
  return h("label", { class: "lp-field" }, h("span", {}, label), select);
}
