/** The elements of the board: the pattern with the detectors on it, and the map beside it. */

import { h } from "../browser/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const KEYS = "Arrow keys move the chosen one, with Shift they change its size.";

/** @typedef {import("./detector.js").Detector} Detector */

export function makeElements() {
  const pattern = h("canvas", { class: "db-picture" });
  const image = h("img", { class: "db-picture", alt: "" });
  image.hidden = true;
  const overlay = document.createElementNS(SVG, "svg");
  const about = {
    class: "db-overlay", tabindex: "0", role: "application",
    "aria-label": `Detectors on the pattern. ${KEYS}`,
  };
  for (const [name, value] of Object.entries(about)) overlay.setAttribute(name, value);
  const map = h("canvas", { class: "db-picture db-map" });
  const marker = h("div", { class: "db-marker", hidden: "" });
  const bar = h("canvas", { class: "db-bar", width: "256", height: "1" });
  const [low, high, caption] = [h("span"), h("span"), h("span")];
  const status = h("div", { class: "db-status", role: "status" });
  const back = h("button", { class: "db-button", type: "button", hidden: "" }, "Mean pattern");
  const stage = h("div", { class: "db-stage" }, pattern, image, overlay);
  const field = h("div", { class: "db-stage" }, map, marker);
  const root = h("div", { class: "db-root" },
    h("div", { class: "db-side" }, h("div", { class: "db-caption" }, caption, back), stage),
    h("div", { class: "db-side" }, h("div", { class: "db-caption" }, status), field,
      h("div", { class: "db-scale" }, low, bar, high)));
  return { pattern, image, overlay, map, marker, bar, low, high, caption, status, back, stage, field, root };
}

/**
 * The outline and the name of a detector.
 * @param {Detector} detector
 * @param {boolean} chosen
 * @param {number} height of the pattern
 * @param {number} width of the pattern
 */
export function drawDetector({ name, kind, numbers }, chosen, height, width) {
  const flag = chosen ? "db-chosen" : "";
  const [x0, x1, y0, y1] = kind === "rectangle" ? numbers : [
    numbers[0] - numbers[2], numbers[0] + numbers[2], numbers[1] - numbers[2], numbers[1] + numbers[2],
  ];
  const shape = kind === "rectangle"
    ? svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0 })
    : svg("circle", { cx: numbers[0], cy: numbers[1], r: numbers[2] });
  shape.setAttribute("class", `db-shape ${flag}`);
  const size = height / 22;
  const label = svg("text", {
    x: Math.min(Math.max(x0 + size / 4, 0), width - size),
    y: Math.min(Math.max(y0 + size, size), height), "font-size": size,
  });
  label.setAttribute("class", `db-name ${flag}`);
  label.textContent = name;
  return [shape, label];
}

/** @param {string} tag @param {Record<string, number>} attributes */
function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
