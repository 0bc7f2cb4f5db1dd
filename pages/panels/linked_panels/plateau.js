/** The plateau plot: how many parts there are at each threshold, and a slider to choose one. */

import { context2d, h } from "../browser/dom.js";
import { Made } from "./made.js";
import { css } from "./colors.js";
import { formatNumber } from "./ticks.js";

/** @typedef {import("./data.js").Plateau} Plateau */

const STEPS = 400;
const HEIGHT = 132;
const MARGIN = { left: 60, right: 52, top: 10, bottom: 30 };
const DIGITS = 4;

/**
 * The threshold at a position of the slider, in few digits so that links stay short.
 * @param {Plateau} plateau
 * @param {number} position 0 to STEPS
 */
export function thresholdAt(plateau, position) {
  const [low, high] = ends(plateau);
  return Number((low * (high / low) ** (position / STEPS)).toPrecision(DIGITS));
}

/**
 * The position of the slider at a threshold.
 * @param {Plateau} plateau
 * @param {number} threshold
 */
export function positionOf(plateau, threshold) {
  const [low, high] = ends(plateau);
  if (!(high > low) || !(threshold > 0)) return 0;
  const position = (STEPS * Math.log(threshold / low)) / Math.log(high / low);
  return Math.round(Math.min(STEPS, Math.max(0, position)));
}

/**
 * The entry of a curve that holds at a threshold: that of the largest one not above it.
 * @param {number[]} thresholds ascending
 * @param {number} threshold
 */
export function stepAt(thresholds, threshold) {
  let [low, high] = [0, thresholds.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (thresholds[middle] <= threshold) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * @param {Plateau} plateau
 * @returns {import("./data.js").Pair}
 */
function ends({ thresholds }) {
  return [thresholds[0], thresholds[thresholds.length - 1]];
}

/**
 * Round positions on a logarithmic axis: the decades, and 2 and 5 between where there is room.
 * @param {number} low
 * @param {number} high
 */
export function decades(low, high) {
  const factors = high / low > 1000 ? [1] : [1, 2, 5];
  const values = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const factor of factors) {
      const value = factor * 10 ** power;
      if (value >= low * 0.9999 && value <= high * 1.0001) values.push(value);
    }
  }
  return values;
}

export class PlateauPlot {
  /**
   * @param {import("./parts.js").Parts} parts
   * @param {() => void} redraw the borders, which follow the slider
   */
  constructor(parts, redraw) {
    this.parts = parts;
    this.redraw = redraw;
    this.made = new Made();
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.slider = h("input", { type: "range", min: "0", max: String(STEPS), step: "1" });
    this.output = h("output", { class: "lp-count" });
    this.auto = h("button", { class: "lp-button", type: "button" }, "Automatic");
    this.auto.onclick = () => this.choose(null);
    this.slider.oninput = () => this.preview(Number(this.slider.value));
    this.slider.onchange = () => this.choose(this.at(Number(this.slider.value)));
    this.canvas.onpointerdown = (event) => this.drag(event, true);
    this.canvas.onpointermove = (event) => event.buttons & 1 && this.drag(event, false);
    this.canvas.onpointerup = () => this.choose(this.parts.threshold);
    this.element = h(
      "div",
      { class: "lp-plateau" },
      this.canvas,
      h("div", { class: "lp-cut" }, this.slider),
      h("div", { class: "lp-cut-text" }, this.output, this.auto),
    );
    this.element.hidden = true;
    // The keys of the slider are its own.
    this.element.onkeydown = (event) => event.stopPropagation();
  }

  get plateau() {
    return this.parts.spec?.plateau ?? null;
  }

  /** @param {number} position */
  at(position) {
    return this.plateau ? thresholdAt(this.plateau, position) : null;
  }

  /** @param {number} position */
  preview(position) {
    this.parts.preview = this.at(position);
    this.redraw();
  }

  /** @param {number|null} threshold */
  choose(threshold) {
    this.parts.choose(threshold);
    this.redraw();
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} begins
   */
  drag(event, begins) {
    if (event.button > 0) return;
    if (begins) this.canvas.setPointerCapture(event.pointerId);
    const { left, width } = this.canvas.getBoundingClientRect();
    const room = width - MARGIN.left - MARGIN.right;
    const share = (event.clientX - left - MARGIN.left) / room;
    this.preview(Math.round(STEPS * Math.min(1, Math.max(0, share))));
  }

  /**
   * Draw curve, marks and slider.
   * @param {import("./colors.js").Theme} theme
   */
  draw(theme) {
    const { plateau, parts: { threshold, spec, live } } = this;
    this.element.hidden = !plateau;
    if (!plateau || !spec || threshold === null) return;
    const width = this.element.clientWidth;
    const dpr = window.devicePixelRatio || 1;
    const asked = this.parts.shared.state.threshold ?? null;
    if (!this.made.differs("plot", [plateau, threshold, live, asked, width, dpr, theme])) return;
    this.slider.value = String(positionOf(plateau, threshold));
    const word = spec.word;
    const count = live === null ? plateau.found : plateau.counts[stepAt(plateau.thresholds, live)];
    const text = `threshold ${formatNumber(threshold)} · ${count.toLocaleString("en")} ${word}s`;
    this.output.textContent = text;
    this.slider.setAttribute("aria-label", `Threshold between ${word}s`);
    this.slider.setAttribute("aria-valuetext", text);
    this.auto.disabled = asked === null && live === null;
    this.auto.title = `Automatic: ${formatNumber(plateau.automatic)}, ${plateau.note}`;
    if (width < 200) return;
    this.canvas.width = Math.round(width * dpr);
    this.canvas.height = Math.round(HEIGHT * dpr);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${HEIGHT}px`;
    const c = context2d(this.canvas);
    c.setTransform(dpr, 0, 0, dpr, 0, 0);
    drawPlateau(c, width, plateau, threshold, "parts", theme);
  }
}

/**
 * @param {CanvasRenderingContext2D} c in CSS pixels
 * @param {number} width
 * @param {Plateau} plateau
 * @param {number} threshold
 * @param {string} words
 * @param {import("./colors.js").Theme} theme
 */
function drawPlateau(c, width, plateau, threshold, words, theme) {
  const { thresholds, counts, ari, automatic } = plateau;
  const box = {
    left: MARGIN.left, top: MARGIN.top,
    width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom,
  };
  const [low, high] = ends(plateau);
  const most = Math.max(10, ...counts);
  const span = Math.log(high / low);
  /** @param {number} t */
  const x = (t) => box.left + (span > 0 ? Math.log(t / low) / span : 0.5) * box.width;
  /** @param {number} k */
  const y = (k) => box.top + (1 - Math.log(Math.max(1, k)) / Math.log(most)) * box.height;
  c.clearRect(0, 0, width, HEIGHT);
  c.font = `11px ${theme.font}`;
  c.fillStyle = css(theme.text, 0.85);
  c.strokeStyle = css(theme.muted, 0.35);
  c.lineWidth = 1;
  c.textAlign = "center";
  c.textBaseline = "top";
  for (const tick of decades(low, high)) {
    line(c, [[x(tick), box.top], [x(tick), box.top + box.height]]);
    c.fillText(formatNumber(tick), x(tick), box.top + box.height + 4);
  }
  c.textAlign = "right";
  c.textBaseline = "middle";
  const rows = decades(1, most).filter((tick) => most <= 100 || Number.isInteger(Math.log10(tick)));
  for (const tick of rows) {
    line(c, [[box.left, y(tick)], [box.left + box.width, y(tick)]]);
    c.fillText(formatNumber(tick), box.left - 6, y(tick));
  }
  c.save();
  c.translate(12, box.top + box.height / 2);
  c.rotate(-Math.PI / 2);
  c.textAlign = "center";
  c.fillText(words, 0, 0);
  c.restore();
  c.strokeStyle = css(theme.text);
  c.lineWidth = 1.8;
  line(c, stairs(thresholds, counts).map(([t, k]) => [x(t), y(k)]));
  if (ari) {
    c.strokeStyle = css(theme.slots.B);
    /** @param {number} v */
    const level = (v) => box.top + (1 - Math.max(0, v)) * box.height;
    line(c, stairs(thresholds, ari).map(([t, v]) => [x(t), level(v)]));
    c.fillStyle = css(theme.slots.B);
    c.textAlign = "left";
    c.fillText("ARI 1", box.left + box.width + 6, box.top + 4);
    c.fillText("0", box.left + box.width + 6, box.top + box.height - 4);
  }
  c.lineWidth = 1.4;
  c.strokeStyle = css(theme.muted);
  c.setLineDash([5, 4]);
  line(c, [[x(automatic), box.top], [x(automatic), box.top + box.height]]);
  c.setLineDash([]);
  c.lineWidth = 2;
  c.strokeStyle = css(theme.primary);
  line(c, [[x(threshold), box.top - 4], [x(threshold), box.top + box.height]]);
}

/**
 * A curve that keeps its value until the next threshold.
 * @param {number[]} thresholds
 * @param {number[]} values
 * @returns {import("./data.js").Pair[]}
 */
function stairs(thresholds, values) {
  return thresholds.flatMap((t, k) => (
    k ? [[t, values[k - 1]], [t, values[k]]] : [[t, values[k]]]
  ));
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {import("./data.js").Pair[]} places
 */
function line(c, places) {
  c.beginPath();
  places.forEach(([px, py], k) => (k ? c.lineTo(px, py) : c.moveTo(px, py)));
  c.stroke();
}
