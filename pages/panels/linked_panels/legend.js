/** The legend of labels beside a panel; that of continuous values is a color bar. */

import { css, parseColor } from "./colors.js";
import { formatNumber } from "./ticks.js";
import { h } from "./dom.js";
import { shade } from "./coloring.js";

/** @typedef {import("./data.js").Categorical|import("./data.js").Shaded} Labeled */

const NUMBER = new Intl.NumberFormat("en");

/**
 * Fill the legend of a panel.
 * @param {HTMLElement} place
 * @param {import("./data.js").Coloring} coloring
 * @param {import("./coloring.js").Colors} colors
 * @param {import("./brushing.js").Highlight|null} highlight
 * @param {(array: string, label: number) => void} toggle
 */
export function fillLegend(place, coloring, { counts, missing }, highlight, toggle) {
  place.replaceChildren();
  if (coloring.type === "continuous") return;
  if (coloring.label) place.append(h("div", { class: "lp-legend-title" }, coloring.label));
  if (coloring.type === "direct") {
    for (const [color, name] of coloring.key) place.append(still(color, name));
  } else {
    const array = coloring.type === "shaded" ? coloring.labels : coloring.array;
    const labels = [...counts.keys()].filter((k) => coloring.palette[k]).sort((a, b) => a - b);
    // Noise is no cluster: it comes last.
    labels.sort((a, b) => (a < 0 ? 1 : 0) - (b < 0 ? 1 : 0));
    const plain = [...counts.keys()].filter((k) => !coloring.palette[k] && coloring.names[k]);
    for (const label of labels) {
      const on = highlight?.array === array && highlight.label === label;
      place.append(
        entry(coloring, label, counts.get(label) ?? 0, on, () => toggle(array, label)),
      );
    }
    for (const label of plain) place.append(still(coloring.nan, coloring.names[label]));
    if (plain.length || Object.values(coloring.palette).includes(coloring.nan)) return;
  }
  if (missing) place.append(still(coloring.nan, "no value"));
}

/**
 * The entry of a label: a button that highlights it.
 * @param {Labeled} coloring
 * @param {number} label
 * @param {number} count
 * @param {boolean} on
 * @param {() => void} onclick
 */
function entry(coloring, label, count, on, onclick) {
  const name = coloring.names[label] ?? (label < 0 ? "noise" : String(label));
  const swatch = h("span", { class: "lp-chip" });
  swatch.style.background = chip(coloring, label);
  const range = coloring.type === "shaded" ? coloring.ranges[label] : null;
  const detail = range
    ? `${name}: ${formatNumber(range[0])} (dark) to ${formatNumber(range[1])} (light)`
    : name;
  const title = `${detail}, ${NUMBER.format(count)} points. Click to highlight.`;
  return h(
    "button",
    { class: "lp-key", type: "button", "aria-pressed": String(on), title, onclick },
    swatch,
    h("span", { class: "lp-name" }, name),
  );
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
