/** The legend of labels beside a panel; the colour bar of continuous values is in axes.js. */

import { css, parseColor, shade } from "./colors.js";
import { formatNumber } from "./axes.js";
import { h } from "./dom.js";

const NUMBER = new Intl.NumberFormat("en");

/**
 * Fill the legend of a panel.
 * @param {HTMLElement} place
 * @param {object} coloring as sent by view.py
 * @param {{counts: Map<number, number>, missing: boolean}} colors
 * @param {{array: string, label: number}|null} highlight
 * @param {(array: string, label: number) => void} toggle
 */
export function fillLegend(place, coloring, { counts, missing }, highlight, toggle) {
  place.replaceChildren();
  if (coloring.type === "continuous") return;
  const array = coloring.type === "shaded" ? coloring.labels : coloring.array;
  if (coloring.label) place.append(h("div", { class: "lp-legend-title" }, coloring.label));
  const labels = [...counts.keys()].filter((k) => coloring.palette[k]).sort((a, b) => a - b);
  // Noise is no cluster: it comes last.
  labels.sort((a, b) => (a < 0 ? 1 : 0) - (b < 0 ? 1 : 0));
  for (const [color, name] of coloring.key ?? []) place.append(still(color, name));
  for (const label of labels) {
    const on = highlight?.array === array && highlight.label === label;
    const name = coloring.names[label] ?? (label < 0 ? "noise" : String(label));
    const swatch = h("span", { class: "lp-chip" });
    swatch.style.background = chip(coloring, label);
    const range = coloring.type === "shaded" ? coloring.ranges[label] : null;
    const detail = range
      ? `${name}: ${formatNumber(range[0])} (dark) to ${formatNumber(range[1])} (light)`
      : name;
    place.append(h(
      "button",
      {
        class: "lp-key",
        type: "button",
        "aria-pressed": String(on),
        title: `${detail}, ${NUMBER.format(counts.get(label))} points. Click to highlight.`,
        onclick: () => toggle(array, label),
      },
      swatch,
      h("span", { class: "lp-name" }, name),
    ));
  }
  if (missing) place.append(still(coloring.nan, "no value"));
}

/** An entry that explains a colour and can't be clicked. */
function still(color, name) {
  const swatch = h("span", { class: "lp-chip" });
  swatch.style.background = color;
  return h("div", { class: "lp-key lp-still" }, swatch, h("span", { class: "lp-name" }, name));
}

function chip(coloring, label) {
  const base = parseColor(coloring.palette[label]);
  if (coloring.type !== "shaded" || !coloring.ranges[label]) return css(base);
  const stops = [0, 0.5, 1].map((t) => css(shade(base, t, coloring.dark, coloring.light)));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
