/** Virtual detectors: drag one on a pattern, and see its map of the scan at once. */

import { loadArray } from "../browser/arrays.js";
import { cursorOf, dragged, gripAt } from "./detector.js";
import { drawDetector, makeElements } from "./elements.js";
import { arraysOf, load } from "./loader.js";
import { colorOf, limits, paint } from "./picture.js";
import { aboutMap, preview, titleOfMap } from "./preview.js";

/**
 * @typedef {import("./detector.js").Detector} Detector
 * @typedef {import("./detector.js").Grip} Grip
 * @typedef {import("./loader.js").Data} Data
 * @typedef {import("./loader.js").Arrays} Arrays
 * @typedef {{data: Data, parentElement: ShadowRoot|HTMLElement,
 *   setStateValue: (name: string, value: unknown) => void}} Component as Streamlit hands it in
 */

const NEAR_PX = 7;
const SEND_LATER_MS = 300;
const WIDEST_PX = 560;

export class Board {
  /** @param {Component} component */
  constructor(component) {
    this.component = component;
    this.data = component.data;
    this.revision = 0;
    this.active = 0;
    /** @type {Detector[]} */
    this.detectors = [];
    /** @type {Arrays|null} */
    this.arrays = null;
    this.loaded = "";
    /** @type {Float32Array|null} */
    this.exact = null;
    this.exactAbout = "";
    /** @type {ArrayLike<number>} */
    this.values = [];
    this.frame = 0;
    this.timer = 0;
    this.elements = makeElements();
    this.root = this.elements.root;
    this.overlay = this.elements.overlay;
    component.parentElement.append(this.root);
    this.listen();
    /** @type {any} */ (window).__latentDetectors = this;
  }

  /** Leave the page. */
  destroy() {
    this.root.remove();
  }

  listen() {
    this.overlay.addEventListener("pointerdown", (event) => this.press(event));
    this.overlay.addEventListener("pointermove", (event) => {
      if (!this.arrays || event.buttons) return;
      this.overlay.style.cursor = cursorOf(gripAt(this.chosen, this.at(event), this.near));
    });
    this.overlay.addEventListener("keydown", (event) => this.key(event));
    this.elements.map.addEventListener("pointerdown", (event) => this.pick(event));
    this.elements.back.addEventListener("click", () => this.show(-1));
  }

  /** @param {Component} component */
  update(component) {
    this.component = component;
    const { data } = component;
    this.data = data;
    // What the user did meanwhile counts; the server's answer to it is on its way.
    if (data.answered >= this.revision) {
      this.revision = data.answered;
      this.detectors = data.detectors.map((one) => ({ ...one }));
      this.active = data.active;
    }
    this.load(data).catch((error) => {
      this.elements.status.textContent = `The map could not be loaded: ${error.message} Reload the page.`;
      console.error(error);
    });
  }

  /** @param {Data} data */
  async load(data) {
    if (arraysOf(data) !== this.loaded) {
      const arrays = await load(data);
      if (this.data !== data) return;
      this.arrays = arrays;
      this.loaded = arraysOf(data);
      this.fit();
    }
    if (data.exact && data.exact.about !== this.exactAbout) {
      const values = await loadArray(data.exact);
      if (this.data !== data) return;
      this.exact = /** @type {Float32Array} */ (values);
      this.exactAbout = data.exact.about;
    }
    this.schedule();
  }

  /** Show other patterns: their sizes, and their mean. */
  fit() {
    const { height, width, raster } = this.data;
    const { stage, field } = this.elements;
    this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    stage.style.aspectRatio = `${width} / ${height}`;
    field.style.aspectRatio = `${raster.aspect}`;
    field.style.maxWidth = `${Math.round(WIDEST_PX * Math.min(1, raster.aspect))}px`;
    this.show(-1);
    this.drawPattern();
  }

  get chosen() {
    return this.detectors[this.active];
  }

  /** How near counts as at the rim, in pixels of the pattern. */
  get near() {
    return NEAR_PX * this.data.width / Math.max(1, this.overlay.getBoundingClientRect().width);
  }

  /** @param {MouseEvent} event */
  at(event) {
    const { left, top, width, height } = this.overlay.getBoundingClientRect();
    return {
      x: (event.clientX - left) / width * this.data.width,
      y: (event.clientY - top) / height * this.data.height,
    };
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button || !this.arrays) return;
    const from = this.at(event);
    let grip = gripAt(this.chosen, from, this.near);
    if (grip === null) {
      const other = this.detectors.findIndex((one) => gripAt(one, from, 0) !== null);
      if (other >= 0) {
        this.active = other;
        grip = "move";
      }
    }
    const before = { ...this.chosen };
    const does = grip ?? "draw";
    this.overlay.setPointerCapture(event.pointerId);
    /** @param {PointerEvent} moved */
    const move = (moved) => {
      const { height, width } = this.data;
      this.change(dragged(before, does, from, this.at(moved), height, width));
    };
    const end = () => {
      this.overlay.removeEventListener("pointermove", move);
      this.overlay.removeEventListener("lostpointercapture", end);
      this.send();
    };
    this.overlay.addEventListener("pointermove", move);
    this.overlay.addEventListener("lostpointercapture", end);
    this.change(before.numbers);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[/** @type {keyof steps} */ (event.key)];
    if (!step || !this.arrays) return;
    event.preventDefault();
    const { height, width } = this.data;
    const { kind, numbers } = this.chosen;
    const [x, y] = step;
    if (event.shiftKey && kind === "disk") {
      this.change([numbers[0], numbers[1], Math.max(1, numbers[2] + x - y)]);
    } else {
      /** @type {Grip} */
      const grip = event.shiftKey ? { x: Math.abs(x), y: Math.abs(y) } : "move";
      this.change(dragged(this.chosen, grip, { x: 0, y: 0 }, { x, y }, height, width));
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), SEND_LATER_MS);
  }

  /** @param {number[]} numbers of the chosen detector */
  change(numbers) {
    this.chosen.numbers = numbers;
    this.revision += 1;
    this.schedule();
  }

  /** Tell the server, which computes the exact map. */
  send() {
    clearTimeout(this.timer);
    const { revision, active } = this;
    this.component.setStateValue("state", { revision, active, numbers: this.chosen.numbers });
  }

  /** @param {PointerEvent} event */
  pick(event) {
    if (!this.arrays) return;
    const { map, marker } = this.elements;
    const { left, top, width, height } = map.getBoundingClientRect();
    const { rows, columns } = this.data.raster;
    const column = Math.min(columns - 1, Math.floor((event.clientX - left) / width * columns));
    const row = Math.min(rows - 1, Math.floor((event.clientY - top) / height * rows));
    this.show(this.arrays.points[row * columns + column]);
    marker.style.left = `${(column + 0.5) / columns * 100}%`;
    marker.style.top = `${(row + 0.5) / rows * 100}%`;
  }

  /**
   * Show the pattern of a point, or the mean pattern.
   * @param {number} point −1 for the mean
   */
  show(point) {
    const { image, marker, back, caption } = this.elements;
    const mean = point < 0;
    for (const element of [image, marker, back]) element.hidden = mean;
    caption.textContent = mean ? "Mean pattern" : `Pattern in row ${point} of the file`;
    if (!mean) image.src = `${this.data.patterns}/${point}.png`;
  }

  schedule() {
    if (this.frame || !this.arrays) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    const { data, detectors, active } = this;
    const arrays = /** @type {Arrays} */ (this.arrays);
    const exact = this.exactAbout === aboutMap(data, detectors, active) ? this.exact : null;
    this.values = exact ?? preview(data, arrays, detectors, active);
    this.drawMap(arrays);
    this.overlay.replaceChildren(...detectors.flatMap(
      (one, index) => drawDetector(one, index === active, data.height, data.width)));
    const bins = `${data.bins.columns.length - 1} × ${data.bins.rows.length - 1}`;
    const how = exact ? "exact" : `preview from ${bins} bins${data.waiting}`;
    this.elements.status.textContent = `${titleOfMap(data, detectors, active)}: ${how}`;
    this.root.dataset.map = exact ? "exact" : "preview";
  }

  /** @param {Arrays} arrays */
  drawMap({ points }) {
    const { raster, colors, diverging } = this.data;
    const { map, bar } = this.elements;
    const [low, high] = limits(this.values, diverging);
    paint(map, raster.columns, raster.rows, (k) => {
      const value = points[k] < 0 ? NaN : this.values[points[k]];
      return Number.isFinite(value) ? colorOf(colors, (value - low) / (high - low)) : null;
    });
    paint(bar, 256, 1, (k) => colorOf(colors, k / 255));
    const digits = { maximumSignificantDigits: 4 };
    this.elements.low.textContent = low.toLocaleString("en", digits);
    this.elements.high.textContent = high.toLocaleString("en", digits);
  }

  drawPattern() {
    const { mean } = /** @type {Arrays} */ (this.arrays);
    const { height, width } = this.data;
    const low = mean.reduce((a, b) => Math.min(a, b), Infinity);
    const high = mean.reduce((a, b) => Math.max(a, b), -Infinity);
    paint(this.elements.pattern, width, height, (k) => {
      const level = high > low ? Math.round((mean[k] - low) / (high - low) * 255) : 128;
      return [level, level, level];
    });
  }
}
