/** The sliders of the region of interest: what they say is drawn at once, and sent after the last step. */

import { h } from "../browser/dom.js";
import { bordersOf, roiBetween } from "./roi.js";

/**
 * @typedef {import("./data.js").Grid} Grid
 * @typedef {import("./data.js").Roi} Roi
 * @typedef {{axis: 0|1, track: HTMLElement, text: HTMLElement, fill: HTMLElement,
 *   ends: [HTMLInputElement, HTMLInputElement]}} Slider
 */

const AXES = ["x", "y"];
const SEND_LATER_MS = 250;
/** Half of a thumb: that far from its ends a track is at its first and last value. */
const HALF_PX = 7;

export class RoiSliders {
  /**
   * @param {import("./brushing.js").Brushing} brushing
   * @param {HTMLButtonElement} clear the button that shows the whole scan
   */
  constructor(brushing, clear) {
    this.brushing = brushing;
    this.timer = 0;
    /** @type {Grid|null} */
    this.grid = null;
    this.sliders = [this.slider(0), this.slider(1)];
    this.element = h("div", { class: "lp-roi" }, h(
      "div",
      { class: "lp-roi-line", role: "group", "aria-label": "Region of interest" },
      h("span", {}, "ROI"), ...this.sliders.map(({ track }) => track), clear,
    ));
    this.element.hidden = true;
    // Arrow keys are the sliders' own; letters go on to the panels.
    this.element.onkeydown = (event) => {
      if (/^(Arrow|Page|Home|End)/.test(event.key)) event.stopPropagation();
    };
    this.element.addEventListener("focusout", () => this.commit());
  }

  /** @param {0|1} axis @returns {Slider} */
  slider(axis) {
    /** @param {string} end */
    const input = (end) => h("input", {
      type: "range", min: "0", step: "1", "aria-label": `ROI in ${AXES[axis]}: ${end}`,
    });
    const text = h("span", { class: "lp-roi-text" });
    const fill = h("span", { class: "lp-roi-fill" });
    /** @type {[HTMLInputElement, HTMLInputElement]} */
    const ends = [input("from"), input("below")];
    const track = h("div", { class: "lp-roi-track" }, text, fill, ...ends);
    const slider = { axis, track, text, fill, ends };
    for (const end of ends) {
      end.oninput = () => {
        this.preview(slider, end, Number(end.value));
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.commit(), SEND_LATER_MS);
      };
    }
    /** @type {HTMLInputElement|null} */
    let held = null;
    track.onpointerdown = (event) => {
      if (event.button > 0) return;
      event.preventDefault();
      track.setPointerCapture(event.pointerId);
      const at = valueAt(track, ends[0], event);
      const [from, below] = ends.map((end) => Math.abs(Number(end.value) - at));
      // Where both are as near, as at the end of a scan, the one that can move there.
      held = ends[from < below || (from === below && at < Number(ends[0].value)) ? 0 : 1];
      held.focus();
      this.preview(slider, held, at);
    };
    track.onpointermove = (event) => {
      if (held) this.preview(slider, held, valueAt(track, held, event));
    };
    track.onpointerup = () => {
      held = null;
      this.commit();
    };
    track.onpointercancel = track.onpointerup;
    return slider;
  }

  /**
   * Draw the ROI that the sliders say when one end is moved; at least a cell is left.
   * @param {Slider} slider
   * @param {HTMLInputElement} end
   * @param {number} value
   */
  preview({ axis, ends }, end, value) {
    if (!this.grid) return;
    const [from, below] = ends;
    const least = axis === 0 ? this.grid.wide : 1;
    end.value = String(end === from
      ? Math.min(value, Number(below.value) - least)
      : Math.max(value, Number(from.value) + least));
    const [x0, x1, y0, y1] = this.sliders.flatMap((one) => one.ends.map((e) => Number(e.value)));
    this.brushing.previewRoi(roiBetween(this.grid, [x0, x1, y0, y1]));
  }

  /** Make the ROI that is drawn the ROI. */
  commit() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.brushing.commitRoi();
  }

  /**
   * Show the ROI as it is drawn.
   * @param {Grid|null} grid null where there is no map
   * @param {Roi|null} roi
   */
  show(grid, roi) {
    this.grid = grid;
    this.element.hidden = !grid;
    if (!grid) return;
    const borders = bordersOf(grid, roi);
    const named = roi ?? roiBetween(grid, borders);
    this.sliders.forEach(({ axis, ends, fill, text, track }) => {
      const count = grid.shape[1 - axis];
      const name = AXES[axis];
      const unit = grid.unit && ` ${grid.unit}`;
      ends.forEach((end, k) => {
        const value = String(borders[2 * axis + k]);
        end.max = String(count);
        if (end.value !== value) end.value = value;
        end.setAttribute("aria-valuetext", `${named[2 * axis + k]}${unit}`);
      });
      const [from, below] = named.slice(2 * axis);
      text.textContent = `${name} ${number(from)}–${number(below)}`;
      track.title = `ROI: ${name} from ${from}${unit}, below ${below}${unit}`;
      fill.style.setProperty("--from", String(borders[2 * axis] / count));
      fill.style.setProperty("--below", String(borders[2 * axis + 1] / count));
    });
  }

  /** Send nothing more. */
  stop() {
    clearTimeout(this.timer);
  }
}

/** @param {number} value as short as a slider has room for */
function number(value) {
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/**
 * The value of a slider under the pointer.
 * @param {HTMLElement} track
 * @param {HTMLInputElement} end
 * @param {PointerEvent} event
 */
function valueAt(track, end, event) {
  const { left, width } = track.getBoundingClientRect();
  const share = (event.clientX - left - HALF_PX) / (width - 2 * HALF_PX);
  return Math.round(Number(end.max) * Math.min(1, Math.max(0, share)));
}
