/** Which points are selected: the two slots, the stroke being drawn, the ROI and a highlight. */

import { markBox, markLasso, markOutsideRoi } from "./geometry.js";

/** Bits of a point's class. */
export const EMPHASIZED = 1;
export const OUTSIDE = 2;
export const OTHER = 4;

const ONES = 0x01010101;

/** Masks are bytes of 0 or 1, padded so that four of them can be handled as one word. */
class Mask {
  /** @param {number} n */
  constructor(n) {
    this.bytes = new Uint8Array(Math.ceil(n / 4) * 4);
    this.words = new Uint32Array(this.bytes.buffer);
  }
}

/**
 * @typedef {import("./data.js").Mode} Mode
 * @typedef {import("./data.js").Numbers} Numbers
 * @typedef {import("./data.js").Shape} Shape
 * @typedef {import("./data.js").Slot} Slot
 * @typedef {(panel: string) => import("./points.js").Axes|null} AxesOf null where a panel is not
 *   known
 */

export class Selection {
  /**
   * @param {number} n
   * @param {AxesOf} axesOf
   * @param {number} [even] how many of them, the first, are counted
   */
  constructor(n, axesOf, even = n) {
    this.n = n;
    this.even = even;
    this.axesOf = axesOf;
    this.slots = { A: new Mask(n), B: new Mask(n) };
    this.used = { A: false, B: false };
    this.stroke = new Mask(n);
    this.live = new Mask(n);
    this.isLive = false;
    this.outside = new Mask(n);
    this.hasRoi = false;
    /** @type {Mask|null} */
    this.highlight = null;
    /** Class of every point as it is drawn now. */
    this.classes = new Uint8Array(Math.ceil(n / 4) * 4);
    this.classWords = new Uint32Array(this.classes.buffer);
    /** Points whose class changed in the last `refresh`, with the class they had. */
    this.changed = new Int32Array(n);
    this.former = new Uint8Array(n);
    this.changedCount = 0;
    /** How many points are emphasized. */
    this.emphasized = 0;
    /** How often the classes were brought up to date: the changes above lead to this version. */
    this.version = 0;
    /** Whether some points stand out, so that the others are dimmed. */
    this.focus = false;
  }

  /**
   * Evaluate all shapes of a slot.
   * @param {Slot} slot
   * @param {Shape[]} shapes
   */
  setShapes(slot, shapes) {
    const mask = this.slots[slot];
    mask.bytes.fill(0);
    for (const shape of shapes) {
      this.mark(shape);
      combine(mask.words, mask.words, this.stroke.words, shape.mode);
    }
    this.used[slot] = shapes.length > 0;
  }

  /**
   * Show a stroke that is being drawn, on top of the slot's shapes.
   * @param {Slot} slot
   * @param {Shape|null} shape null ends it
   */
  setLive(slot, shape) {
    this.isLive = shape !== null;
    if (!shape) return;
    this.mark(shape);
    combine(this.live.words, this.slots[slot].words, this.stroke.words, shape.mode);
  }

  /**
   * Make the stroke that is shown part of its slot.
   * @param {Slot} slot
   */
  commitLive(slot) {
    this.slots[slot].words.set(this.live.words);
    this.used[slot] = true;
    this.isLive = false;
  }

  /**
   * Mark the points of one shape in the scratch mask.
   * @param {Shape} shape
   */
  mark(shape) {
    const mask = this.stroke.bytes;
    mask.fill(0);
    const axes = this.axesOf(shape.panel);
    if (!axes) return;
    if (shape.kind === "box") markBox(mask, axes.x, axes.y, shape.points, axes.built);
    else markLasso(mask, axes.x, axes.y, shape.points, axes.cells());
  }

  /**
   * Set the ROI, and which points the page keeps in it.
   * @param {{bounds: import("./data.js").Roi, x: Numbers, y: Numbers,
   *   step: import("./data.js").Pair}|null} roi
   * @param {Numbers|null} kept 0 where a point is out of view
   */
  setRoi(roi, kept) {
    const { bytes } = this.outside;
    this.hasRoi = roi !== null || kept !== null;
    for (let i = 0; i < this.n; i++) bytes[i] = kept && !kept[i] ? 1 : 0;
    if (roi) markOutsideRoi(bytes, roi.x, roi.y, roi.bounds, roi.step);
  }

  /**
   * Let one label stand out, in this browser only.
   * @param {Numbers|null} labels
   * @param {number} [label]
   */
  setHighlight(labels, label) {
    if (!labels) {
      this.highlight = null;
      return;
    }
    this.highlight ??= new Mask(this.n);
    const { bytes } = this.highlight;
    for (let i = 0; i < this.n; i++) bytes[i] = labels[i] === label ? 1 : 0;
  }

  /**
   * Return the mask of a slot, the live stroke included where the slot is the active one.
   * @param {Slot} slot
   * @param {Slot} active
   */
  maskOf(slot, active) {
    return this.isLive && slot === active ? this.live : this.slots[slot];
  }

  /**
   * Count the selected points of a slot inside the ROI.
   * @param {Slot} slot
   * @param {Slot} active
   */
  count(slot, active) {
    if (!this.used[slot] && !(this.isLive && slot === active)) return 0;
    const { words } = this.maskOf(slot, active);
    const outside = this.outside.words;
    return this.counted((k) => words[k] & ~outside[k]);
  }

  /**
   * Count the points that are set, as far as points count.
   * @param {(k: number) => number} wordAt four of them
   */
  counted(wordAt) {
    const whole = this.even >> 2;
    let sum = 0;
    for (let k = 0; k < whole; k++) {
      const word = wordAt(k);
      if (word) sum += Math.imul(word, ONES) >>> 24;
    }
    const rest = this.even & 3;
    if (rest) sum += Math.imul(wordAt(whole) & ((1 << (8 * rest)) - 1), ONES) >>> 24;
    return sum;
  }

  /** Count the points inside the ROI. */
  countWithin() {
    if (!this.hasRoi) return this.even;
    const { words } = this.outside;
    return this.even - this.counted((k) => words[k]);
  }

  /**
   * Return the numbers of the selected points of a slot.
   * @param {Slot} slot
   * @param {Slot} active
   */
  ids(slot, active) {
    const { bytes } = this.maskOf(slot, active);
    const ids = [];
    for (let i = 0; i < this.n; i++) if (bytes[i] && !this.outside.bytes[i]) ids.push(i);
    return ids;
  }

  /**
   * Bring the classes up to date and list what changed.
   * @param {Slot} active
   */
  refresh(active) {
    const selecting = this.isLive || this.used[active];
    this.focus = selecting || this.highlight !== null;
    const chosen = this.maskOf(active, active).words;
    const other = this.slots[active === "A" ? "B" : "A"].words;
    const shown = this.highlight?.words;
    const outside = this.outside.words;
    const { classWords, classes, changed, former, n, even } = this;
    let count = 0;
    for (let k = 0; k < classWords.length; k++) {
      let bright = selecting ? chosen[k] : this.focus ? ONES : 0;
      if (shown) bright &= shown[k];
      const out = outside[k];
      bright &= ~out;
      const word = (bright | (out << 1) | ((other[k] & ~out & ~bright) << 2)) >>> 0;
      if (word === classWords[k]) continue;
      for (let b = 0; b < 4; b++) {
        const i = 4 * k + b;
        const now = (word >>> (8 * b)) & 255;
        if (i < n && now !== classes[i]) {
          if (i < even) this.emphasized += (now & EMPHASIZED) - (classes[i] & EMPHASIZED);
          changed[count] = i;
          former[count++] = classes[i];
        }
      }
      classWords[k] = word;
    }
    this.changedCount = count;
    this.version += 1;
  }
}

/**
 * @param {Uint32Array} target
 * @param {Uint32Array} base
 * @param {Uint32Array} stroke
 * @param {Mode} mode
 */
function combine(target, base, stroke, mode) {
  const length = target.length;
  if (mode === "replace") target.set(stroke);
  else if (mode === "add") for (let k = 0; k < length; k++) target[k] = base[k] | stroke[k];
  else if (mode === "subtract") for (let k = 0; k < length; k++) target[k] = base[k] & ~stroke[k];
  else for (let k = 0; k < length; k++) target[k] = base[k] & stroke[k];
}
