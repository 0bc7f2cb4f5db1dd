/** Violins with boxes: a quantity in each cluster or class, or in what is selected. */

import { Made, onceForEach } from "./made.js";
import { NODES, bucketed, described, shares } from "./distribution.js";
import { css, mix, parseColor } from "./colors.js";
import { estimate } from "./sampled.js";
import { formatNumber } from "./ticks.js";
import { pointRange } from "./data.js";

/**
 * @typedef {import("./colors.js").Theme} Theme
 * @typedef {import("./data.js").Coloring} Coloring
 * @typedef {import("./data.js").Numbers} Numbers
 * @typedef {import("./data.js").Rgb} Rgb
 * @typedef {import("./distribution.js").Distribution} Distribution
 * @typedef {import("./panel.js").Picture} Picture
 * @typedef {{name: string, label: number|null, color: Rgb|null}} Group label: null where the group
 *   is no label; color: null for that of the theme
 */

/** More violins than this can't be told apart. */
const MOST_GROUPS = 30;
/** Of the room that a group has. */
const WIDEST = 0.44;
const BOX = 0.07;
/** @type {Array<"A"|"B">} */
const SLOTS = ["A", "B"];

const countsOf = onceForEach((/** @type {Numbers} */ labels) => {
  const counts = new Map();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
});

/** @param {import("./data.js").Categorical} coloring @param {Numbers} labels */
function labelsWithColor({ nan, palette }, labels) {
  return [...countsOf(labels).keys()].filter((one) => palette[one] && palette[one] !== nan);
}

/**
 * The groups of a panel: the labels of its colors, the largest where there are many, or else what
 * is in view and selected.
 * @param {Coloring} coloring
 * @param {Numbers} labels
 * @returns {Group[]}
 */
function groupsOf(coloring, labels) {
  if (coloring.type !== "categorical") {
    return ["in view", ...SLOTS].map((name) => ({ name, label: null, color: null }));
  }
  const { names, palette } = coloring;
  const counts = countsOf(labels);
  const there = labelsWithColor(coloring, labels).sort((a, b) => counts.get(b) - counts.get(a));
  // Noise is no cluster: it comes last.
  const shown = there.slice(0, MOST_GROUPS).sort((a, b) => Number(a < 0) - Number(b < 0) || a - b);
  return shown.map((label) => ({
    name: names[label] ?? String(label), label, color: parseColor(palette[label]),
  }));
}

/**
 * The range of the axes: each group is one unit wide.
 * @param {Numbers} values
 * @param {Coloring} coloring
 * @param {Numbers} labels
 * @returns {import("./data.js").Range}
 */
export function violinRange(values, coloring, labels) {
  const { y0, y1 } = pointRange(values, values);
  return { x0: 0, x1: Math.max(1, groupsOf(coloring, labels).length), y0, y1 };
}

export class ViolinRaster {
  constructor() {
    /** The classes that were painted last, as `Selection.version` counts them. */
    this.version = -1;
    this.made = new Made();
    /** @type {Group[]} */
    this.groups = [];
    /** @type {Array<Distribution|null>} */
    this.found = [];
    this.groupOf = new Int16Array(0);
    /** @type {import("./data.js").Data|null} */
    this.data = null;
    /** How many groups there is no room for. */
    this.left = 0;
  }

  /**
   * @param {CanvasRenderingContext2D} c in device pixels
   * @param {import("./panel.js").Panel} panel
   * @param {Picture} picture
   */
  paint(c, panel, picture) {
    const { selection, theme, state: { active } } = picture;
    this.version = selection.version;
    this.find(panel, picture);
    const { width, height } = c.canvas;
    c.fillStyle = css(theme.background);
    c.fillRect(0, 0, width, height);
    const { view } = panel.projection;
    /** @param {number} x */
    const toX = (x) => ((x - view.x0) / (view.x1 - view.x0)) * width;
    /** @param {number} y */
    const toY = (y) => (1 - (y - view.y0) / (view.y1 - view.y0)) * height;
    const place = { toX, toY, line: panel.dpr };
    const grouped = this.groups.some(({ label }) => label !== null);
    const over = grouped ? SLOTS.filter((slot) => (
      selection.used[slot] || (selection.isLive && slot === active)
    )).map((slot) => ({
      color: theme.slots[slot],
      parts: shares(panel.y, this.groupOf, this.found, selection.maskOf(slot, active).bytes,
        selection.outside.bytes),
    })) : [];
    this.found.forEach((one, k) => {
      if (!one) return;
      // As wide as there is room: next to a narrow group a broad one would be a line.
      const most = Math.max(0, ...one.density);
      const own = this.groups[k].color ?? this.slotColor(k, theme);
      const fill = mix(theme.background, own, over.length ? 0.35 : 0.7);
      violin(c, one, k + 0.5, one.density, most, css(fill), place);
      for (const { color, parts } of over) {
        violin(c, one, k + 0.5, parts[k], most, css(color, 0.62), place);
      }
      box(c, one, k + 0.5, theme, place);
    });
  }

  /** @param {number} k @param {Theme} theme */
  slotColor(k, theme) {
    return k ? theme.slots[SLOTS[k - 1]] : theme.muted;
  }

  /**
   * Compute what is drawn, where it is not known.
   * @param {import("./panel.js").Panel} panel
   * @param {Picture} picture
   */
  find({ y: values, coloring, hue }, { points, roi, selection, state: { active } }) {
    this.data = points.data;
    const found = points.arrays.get(coloring.type === "categorical" ? coloring.array : "");
    const labels = found && points.evenly(found);
    const view = JSON.stringify([roi, points.urls(["kept"])]);
    const from = [values, labels, hue, view, points.lattice, selection];
    const { bytes: outside } = selection.outside;
    this.left = 0;
    if (labels && coloring.type === "categorical") {
      this.left = Math.max(0, labelsWithColor(coloring, labels).length - MOST_GROUPS);
      if (!this.made.differs("groups", from)) return;
      this.groups = groupsOf(coloring, labels);
      const order = new Map(this.groups.map(({ label }, k) => [label, k]));
      this.groupOf = Int16Array.from(labels, (label) => order.get(label) ?? -1);
      this.found = bucketed(values, this.groupOf, this.groups.length, outside).map(described);
      return;
    }
    if (!this.made.differs("groups", [...from, selection.version, active])) return;
    this.groups = groupsOf(coloring, values);
    const all = new Uint8Array(values.length);
    this.found = [null, ...SLOTS].map((slot) => {
      if (slot && !selection.used[slot] && !(selection.isLive && slot === active)) return null;
      const mask = slot && selection.maskOf(slot, active).bytes;
      const left = mask ? all.map((_, i) => (outside[i] || !mask[i] ? 1 : 0)) : outside;
      return described(bucketed(values, all, 1, left)[0]);
    });
  }

  /**
   * What is written below the groups.
   * @returns {Array<[number, string]>} middles and names
   */
  get names() {
    return this.groups.map(({ name }, k) => [k + 0.5, name]);
  }

  /**
   * Numbers of the group at a place of the x axis, in words; "" where there is none.
   * @param {number} x
   */
  words(x) {
    const k = Math.floor(x);
    const [group, one] = [this.groups[k], this.found[k]];
    if (!group || !this.data) return "";
    if (!one) return `${group.name}: no values`;
    const [q1, median, q3] = one.quartiles.map(formatNumber);
    const [first, last] = one.whiskers.map(formatNumber);
    return [
      `${group.name}: ${estimate(this.data, one.n)} values, median ${median}`,
      this.data.sampled ? "Median, quartiles and density are of the points drawn" : "",
      `Box: quartiles ${q1} and ${q3}`,
      `Whiskers: ${first} and ${last}, the last values within 1.5 times the box's length of it`,
      one.bandwidth ? `Violin: Gaussian kernel density of all values, bandwidth ${
        formatNumber(one.bandwidth)} (Silverman), drawn as wide as those of the other groups` : "All values are the same",
      group.label === null ? "" : "Click to select the group",
      this.left ? `${this.left} smaller groups are not drawn` : "",
    ].filter(Boolean).join("\n");
  }

  /**
   * The stroke that selects the group at a place of the x axis, or null.
   * @param {number} x
   * @param {Coloring} coloring
   * @param {import("./data.js").Mode} mode
   * @returns {import("./data.js").Shape|null}
   */
  stroke(x, coloring, mode) {
    const label = this.groups[Math.floor(x)]?.label ?? null;
    if (label === null || coloring.type !== "categorical" || !coloring.panel) return null;
    const [low, high] = [label - 0.5, label + 0.5];
    return { panel: coloring.panel, kind: "box", points: [[low, low], [high, high]], mode };
  }
}

/**
 * @typedef {{toX: (x: number) => number, toY: (y: number) => number, line: number}} Place
 * @param {CanvasRenderingContext2D} c
 * @param {Distribution} one
 * @param {number} middle
 * @param {Float64Array} density
 * @param {number} most the density that is drawn widest
 * @param {string} fill
 * @param {Place} place
 */
function violin(c, { low, high }, middle, density, most, fill, { toX, toY }) {
  if (!density.length || !(most > 0)) return;
  const step = (high - low) / (NODES - 1);
  c.beginPath();
  /** @param {number} k @param {1|-1} side */
  const to = (k, side) => {
    c.lineTo(toX(middle + side * WIDEST * (density[k] / most)), toY(low + k * step));
  };
  for (let k = 0; k < NODES; k++) to(k, 1);
  for (let k = NODES - 1; k >= 0; k--) to(k, -1);
  c.closePath();
  c.fillStyle = fill;
  c.fill();
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Distribution} one
 * @param {number} middle
 * @param {Theme} theme
 * @param {Place} place
 */
function box(c, { quartiles: [q1, median, q3], whiskers }, middle, theme, { toX, toY, line }) {
  const half = Math.max(3 * line, Math.min(9 * line, (toX(middle + BOX) - toX(middle))));
  const x = toX(middle);
  c.lineWidth = 1.2 * line;
  c.strokeStyle = css(theme.text);
  c.beginPath();
  for (const [from, to] of [[whiskers[0], q1], [q3, whiskers[1]]]) {
    c.moveTo(x, toY(from));
    c.lineTo(x, toY(to));
  }
  c.stroke();
  c.fillStyle = css(theme.background, 0.85);
  c.fillRect(x - half, toY(q3), 2 * half, toY(q1) - toY(q3));
  c.strokeRect(x - half, toY(q3), 2 * half, toY(q1) - toY(q3));
  c.lineWidth = 2.4 * line;
  c.beginPath();
  c.moveTo(x - half, toY(median));
  c.lineTo(x + half, toY(median));
  c.stroke();
}
