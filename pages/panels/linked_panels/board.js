/** The panels on the screen: which there are, their colors, where they are and what they show. */

import { Panel } from "./panel.js";
import { Viewport } from "./viewport.js";
import { GpuScatter } from "./gpu_scatter.js";
import { engineWatchers } from "./engine.js";
import { coloredBy, gridRange, pointRange } from "./data.js";
import { colorize } from "./coloring.js";
import { NARROW_PX, arrange } from "./layout.js";
import { h } from "../browser/dom.js";
import { histogramRange } from "./histogram.js";
import { inRegionColors } from "./regions.js";
import { violinRange } from "./violin.js";

/**
 * @typedef {import("./data.js").Numbers} Numbers
 * @typedef {Map<string, import("./coloring.js").Colors>} Colored by all that the colors depend on
 */

/** Of the grid: those that one to six panels can share alike. */
const COLUMNS = 60;

export class Board {
  /**
   * @param {import("./points.js").Points} points
   * @param {import("./brushing.js").Brushing} brushing
   * @param {import("./drawing.js").Schedule} schedule
   */
  constructor(points, brushing, schedule) {
    this.points = points;
    this.brushing = brushing;
    this.schedule = schedule;
    /**
     * Opens the menu of a panel.
     * @type {(panel: Panel) => void}
     */
    this.choose = () => {};
    this.element = h("div", { class: "lp-grid" });
    /** @type {Map<string, Panel>} */
    this.panels = new Map();
    /** @type {Map<string, Viewport>} */
    this.viewports = new Map();
    /** @type {Colored} */
    this.colored = new Map();
    /** @type {Panel|null} */
    this.enlarged = null;
    /** @type {import("./legend.js").Legends|null} */
    this.legends = null;
    this.observer = new ResizeObserver(schedule);
    this.observer.observe(this.element);
    engineWatchers.add(schedule);
  }

  /** Watch nothing any more. */
  stop() {
    this.observer.disconnect();
    engineWatchers.delete(this.schedule);
    for (const { raster } of this.panels.values()) if (raster instanceof GpuScatter) raster.free();
  }

  /**
   * Make, keep and drop panels so that they are those of the data, in their order.
   * @returns {Panel[]} the new ones
   */
  take() {
    const { data } = this.points;
    const fresh = [];
    for (const [id, panel] of this.panels) {
      const spec = data.panels.find((each) => each.id === id);
      if (spec?.kind !== panel.spec.kind) panel.element.remove();
      if (spec) continue;
      this.panels.delete(id);
      if (panel.raster instanceof GpuScatter) panel.raster.free();
      if (this.enlarged === panel) this.enlarged = null;
    }
    for (const [place, spec] of data.panels.entries()) {
      let panel = this.panels.get(spec.id);
      if (panel?.kind === spec.kind) panel.setSpec(spec);
      else {
        panel = new Panel(spec, this.frameOf(spec), {
          enlarge: (p) => this.enlarge(p),
          choose: (p) => this.choose(p),
          colorsOf: (p) => this.colorsOf(p),
          explain: (p) => this.legends?.fill(p),
        });
        this.panels.set(spec.id, panel);
        fresh.push(panel);
      }
      // Distributions are those of the even sample.
      const ofAll = spec.kind === "scatter" || spec.kind === "map";
      [panel.x, panel.y] = [spec.x, spec.y].map((name) => {
        const values = this.arrayOf(name);
        return ofAll ? values : this.points.evenly(values);
      });
      panel.under = spec.under ? [this.arrayOf(spec.under[0]), this.arrayOf(spec.under[1])] : null;
      panel.coloring = data.colorings[spec.color];
      panel.hue = this.hueOf(panel);
      panel.projection.viewport.setHome(this.homeOf(panel));
      // Appending an element that is there already would take the focus from it.
      if (this.element.children[place] !== panel.element) {
        this.element.insertBefore(panel.element, this.element.children[place] ?? null);
      }
    }
    const hues = new Set([...this.panels.values()].map((panel) => panel.hue));
    for (const hue of this.colored.keys()) if (!hues.has(hue)) this.colored.delete(hue);
    const used = new Set([...this.panels.values()].map((panel) => panel.projection.viewport));
    for (const [key, one] of this.viewports) if (!used.has(one)) this.viewports.delete(key);
    return fresh;
  }

  /**
   * The whole range of a panel.
   * @param {Panel} panel
   */
  homeOf({ coloring, isMap, kind, under, x, y }) {
    const { grid } = this.points.data;
    if (isMap && grid) return gridRange(grid);
    if (kind === "histogram") return histogramRange(x);
    if (kind === "violin") {
      const labels = this.points.evenly(this.arrayOf(coloredBy(coloring)[0]));
      return violinRange(y, coloring, labels);
    }
    const own = pointRange(this.points.evenly(x), this.points.evenly(y));
    if (!under) return own;
    const other = pointRange(...under);
    return {
      x0: Math.min(own.x0, other.x0), x1: Math.max(own.x1, other.x1),
      y0: Math.min(own.y0, other.y0), y1: Math.max(own.y1, other.y1),
    };
  }

  /**
   * An array that the first picture needs, so that it is there.
   * @param {string} name
   */
  arrayOf(name) {
    return /** @type {Numbers} */ (this.points.arrays.get(name));
  }

  /**
   * All that the colors of a panel's points depend on, as text.
   * @param {Panel} panel
   */
  hueOf({ coloring, isMap }) {
    const { regions } = this.points.data;
    const read = [...coloredBy(coloring), ...(regions && !isMap ? [regions.array] : [])];
    return JSON.stringify([coloring, isMap ? null : regions, this.points.urls(read)]);
  }

  /**
   * The colors of a panel's points, in pieces; panels colored alike share them.
   * @param {Panel} panel
   * @returns {Generator<void, import("./coloring.js").Colors>}
   */
  *colorsOf({ coloring, hue, isMap }) {
    const { colored } = this;
    const found = colored.get(hue);
    if (found) return found;
    const { n, regions } = this.points.data;
    let colors = yield* colorize(coloring, (name) => this.arrayOf(name), n,
      (values) => this.points.evenly(values));
    // Maps show regions by their outlines, scatters by the color of the points.
    if (!isMap && regions) {
      colors = inRegionColors(colors, regions, this.arrayOf(regions.array));
      yield;
    }
    colored.set(hue, colors);
    return colors;
  }

  /**
   * The viewport of a panel: the maps share one, and so do panels with the same axes.
   * @param {import("./data.js").PanelSpec} spec
   */
  frameOf({ id, kind, frame }) {
    const isMap = kind === "map";
    // The groups of violins are another axis than those of others with the same quantity.
    const key = isMap ? "maps" : `${kind} ${kind === "violin" ? id : frame ?? id}`;
    const viewport = this.viewports.get(key) ?? new Viewport(isMap);
    this.viewports.set(key, viewport);
    return viewport;
  }

  /** Give every panel its room: all of it is shared out, or one column where it is narrow. */
  layout() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const narrow = width < NARROW_PX;
    this.element.classList.toggle("lp-column", narrow);
    this.element.classList.toggle("lp-scrolls", narrow && !this.enlarged);
    const dpr = window.devicePixelRatio || 1;
    const shown = [...this.element.children].flatMap((element) => {
      const panel = this.panels.get(/** @type {HTMLElement} */ (element).dataset.panel ?? "");
      return panel && panel.element.style.display !== "none" ? [panel] : [];
    });
    const aspects = shown.map((panel) => (panel.isMap ? panel.projection.aspect : null));
    const room = this.enlarged ? Math.max(width, NARROW_PX) : width;
    const { columns, heights } = arrange(aspects, room, height);
    shown.forEach((panel, k) => {
      panel.element.style.gridColumn = `span ${COLUMNS / columns[k]}`;
    });
    shown.forEach((panel, k) => panel.layout(heights[k], dpr));
  }

  /**
   * Give a panel the whole room, or show all again.
   * @param {Panel} panel
   */
  enlarge(panel) {
    this.enlarged = this.enlarged === panel ? null : panel;
    for (const other of this.panels.values()) {
      other.setEnlarged(other === this.enlarged);
      other.element.style.display = this.enlarged && other !== this.enlarged ? "none" : "";
    }
    this.schedule();
  }

  /**
   * @param {Panel} panel
   * @param {import("./data.js").Pair} at in its body
   * @param {number} factor below 1 zooms in
   */
  zoomAt(panel, at, factor) {
    panel.projection.zoomAt(at, factor);
    this.schedule();
  }

  /**
   * @param {Panel} panel
   * @param {number} px
   * @param {number} py
   */
  panBy(panel, px, py) {
    panel.projection.panBy(px, py);
    this.schedule();
  }

  /** @param {Panel|null} panel null for all */
  resetView(panel) {
    for (const each of panel ? [panel] : this.panels.values()) each.projection.viewport.reset();
    this.schedule();
  }
}
