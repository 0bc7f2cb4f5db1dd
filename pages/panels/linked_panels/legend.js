/**
 * The legend of labels beside a panel; that of continuous values is a color bar. A click selects
 * the points of a label, and while the pointer rests on one, it stands out.
 */

import { css, parseColor } from "./colors.js";
import { formatNumber } from "./ticks.js";
import { h } from "../browser/dom.js";
import { estimate } from "./sampled.js";
import { heldMode } from "./tools.js";
import { shade } from "./coloring.js";

/**
 * @typedef {import("./data.js").Categorical|import("./data.js").Shaded} Labeled
 * @typedef {import("./data.js").Shape} Shape
 */

const REST_MS = 120;

export class Legends {
  /** @param {import("./explorer.js").Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    this.timer = 0;
  }

  /**
   * Fill the legend of a panel.
   * @param {import("./panel.js").Panel} panel
   */
  fill({ legend, coloring, colors: { counts, missing } }) {
    legend.replaceChildren();
    if (coloring.type === "continuous") return;
    if (coloring.label) legend.append(h("div", { class: "lp-legend-title" }, coloring.label));
    if (coloring.type === "direct") {
      for (const [color, name] of coloring.key) legend.append(still(color, name));
    } else {
      const labels = [...counts.keys()].filter((k) => coloring.palette[k]).sort((a, b) => a - b);
      // Noise is no cluster: it comes last.
      labels.sort((a, b) => (a < 0 ? 1 : 0) - (b < 0 ? 1 : 0));
      const plain = [...counts.keys()].filter((k) => !coloring.palette[k] && coloring.names[k]);
      for (const label of labels) {
        legend.append(this.entry(coloring, label, counts.get(label) ?? 0));
      }
      for (const label of plain) legend.append(still(coloring.nan, coloring.names[label]));
      this.press();
      if (plain.length || Object.values(coloring.palette).includes(coloring.nan)) return;
    }
    if (missing) legend.append(still(coloring.nan, "no value"));
  }

  /**
   * The entry of a label: a button that selects its points.
   * @param {Labeled} coloring
   * @param {number} label
   * @param {number} count
   */
  entry(coloring, label, count) {
    const name = coloring.names[label] ?? (label < 0 ? "noise" : String(label));
    const swatch = h("span", { class: "lp-chip" });
    swatch.style.background = chip(coloring, label);
    const range = coloring.type === "shaded" ? coloring.ranges[label] : null;
    const detail = range
      ? `${name}: ${formatNumber(range[0])} (dark) to ${formatNumber(range[1])} (light)`
      : name;
    const does = coloring.panel
      ? "Click to select, with Shift to add, with Alt or Ctrl to take away."
      : "Click to highlight.";
    const title = `${detail}, ${estimate(this.explorer.points.data, count)} points. ${does}`;
    const button = h(
      "button",
      { class: "lp-key", type: "button", "aria-pressed": "false", title },
      swatch,
      h("span", { class: "lp-name" }, name),
    );
    const array = coloring.type === "shaded" ? coloring.labels : coloring.array;
    button.dataset.key = `${coloring.panel ?? ""} ${array} ${label}`;
    button.onclick = (event) => this.click(event, coloring.panel, array, label);
    if (coloring.panel) {
      button.onpointerenter = () => this.rest(array, label);
      button.onpointerleave = () => this.rest(array, null);
    }
    return button;
  }

  /**
   * @param {MouseEvent} event
   * @param {string|undefined} panel
   * @param {string} array
   * @param {number} label
   */
  click(event, panel, array, label) {
    const { brushing, tools } = this.explorer;
    if (!panel) brushing.toggleHighlight(array, label);
    else {
      this.rest(array, null);
      const taken = event.ctrlKey || event.metaKey ? "subtract" : null;
      const mode = taken ?? heldMode(event) ?? tools.mode;
      const [low, high] = [label - 0.5, label + 0.5];
      brushing.choose({ panel, kind: "box", points: [[low, low], [high, high]], mode });
    }
    this.press();
  }

  /**
   * Let a label stand out while the pointer rests on it; null lets go at once.
   * @param {string} array
   * @param {number|null} label
   */
  rest(array, label) {
    clearTimeout(this.timer);
    const { brushing } = this.explorer;
    if (label === null) brushing.highlightLabel(null);
    else this.timer = setTimeout(() => brushing.highlightLabel({ array, label }), REST_MS);
  }

  /** Show which labels are selected in the active slot, or stand out. */
  press() {
    const { board, brushing: { highlight }, shared: { state } } = this.explorer;
    const on = selectedLabels(state.selections[state.active]);
    for (const { legend } of board.panels.values()) {
      for (const button of legend.querySelectorAll("button")) {
        const [panel, array, label] = (button.dataset.key ?? "").split(" ");
        const pressed = panel
          ? on.has(`${panel} ${label}`)
          : highlight?.array === array && highlight.label === Number(label);
        button.setAttribute("aria-pressed", String(pressed));
      }
    }
  }
}

/**
 * The labels that strokes select as wholes, as "panel label".
 * @param {Shape[]} shapes
 */
export function selectedLabels(shapes) {
  /** @type {Set<string>} */
  const on = new Set();
  for (const { panel, points: [[x, y]], mode } of shapes) {
    const label = `${panel} ${x + 0.5}`;
    const whole = panel.startsWith("labels-") && x === y;
    if (mode === "replace") on.clear();
    if (mode === "intersect") {
      const stays = whole && on.has(label);
      on.clear();
      if (stays) on.add(label);
    } else if (whole && mode === "subtract") on.delete(label);
    else if (whole) on.add(label);
  }
  return on;
}

/**
 * An entry that explains a color and can't be clicked.
 * @param {string} color
 * @param {string} name
 */
function still(color, name) {
  const swatch = h("span", { class: "lp-chip" });
  swatch.style.background = color;
  return h("div", { class: "lp-key lp-still" }, swatch, h("span", { class: "lp-name" }, name));
}

/**
 * @param {Labeled} coloring
 * @param {number} label
 */
function chip(coloring, label) {
  const base = parseColor(coloring.palette[label]);
  if (coloring.type !== "shaded" || !coloring.ranges[label]) return css(base);
  const stops = [0, 0.5, 1].map((t) => css(shade(base, t, coloring.dark, coloring.light)));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
