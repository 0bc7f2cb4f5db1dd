/** One panel: its elements, its place on the screen, and how it is drawn. */

import { drawAxes, drawScaleBar } from "./axes.js";
import { drawColorBar } from "./color_bar.js";
import { drawOverlay } from "./overlay.js";
import { margins } from "./layout.js";
import { MapRaster } from "./map.js";
import { Projection } from "./projection.js";
import { ScatterRaster, pointRadius } from "./scatter.js";
import { context2d, h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @typedef {import("./data.js").Numbers} Numbers
 * @typedef {import("./data.js").PanelSpec} PanelSpec
 * @typedef {import("./projection.js").Rect} Rect
 * @typedef {{theme: import("./colors.js").Theme, points: import("./points.js").Points,
 *   selection: import("./selection.js").Selection, state: import("./data.js").State,
 *   stroke: import("./data.js").Shape|null, roi: import("./data.js").Roi|null, hovered: number,
 *   tool: import("./tools.js").Tool, parted: import("./borders.js").Parted|null}} Picture what all
 *   panels show
 */

/** @type {import("./coloring.js").Colors} */
const NO_COLORS = {
  rgba: new Uint32Array(0), below: false, above: false, missing: false, counts: new Map(),
};

export class Panel {
  /**
   * @param {PanelSpec} spec
   * @param {import("./viewport.js").Viewport} viewport
   * @param {(panel: Panel) => void} enlarge
   */
  constructor(spec, viewport, enlarge) {
    this.id = spec.id;
    this.kind = spec.kind;
    this.isMap = spec.kind === "map";
    this.projection = new Projection(viewport, this.isMap);
    this.raster = this.isMap ? new MapRaster() : new ScatterRaster();
    this.title = h("h3", { class: "lp-title" });
    this.note = h("span", { class: "lp-note" });
    this.enlarge = h(
      "button",
      { class: "lp-button lp-enlarge", type: "button", onclick: () => enlarge(this) },
      icon("enlarge"),
    );
    this.data = h("canvas", { class: "lp-data", "aria-hidden": "true" });
    this.axes = h("canvas", { class: "lp-layer", "aria-hidden": "true" });
    this.overlay = h("canvas", { class: "lp-layer lp-overlay", tabindex: "0", role: "img" });
    this.legend = h("div", { class: "lp-legend" });
    this.body = h("div", { class: "lp-body" }, this.data, this.axes, this.overlay, this.legend);
    this.element = h(
      "section",
      { class: "lp-panel", "data-panel": spec.id },
      h("header", { class: "lp-header" }, this.title, this.note, this.enlarge),
      this.body,
    );
    this.dataContext = context2d(this.data, { willReadFrequently: true, alpha: false });
    this.axesContext = context2d(this.axes);
    this.overlayContext = context2d(this.overlay);
    /** @type {Numbers} */
    this.x = new Float32Array(0);
    /** @type {Numbers} */
    this.y = this.x;
    /** @type {import("./data.js").Coloring} */
    this.coloring = { type: "direct", array: "", key: [], label: "", nan: "" };
    /** @type {import("./coloring.js").Colors} */
    this.colors = NO_COLORS;
    /** All that the picture of the points depends on. */
    this.look = "";
    /** @type {import("./pointer.js").Pointer|null} */
    this.pointer = null;
    this.width = 0;
    this.height = 0;
    this.dpr = 1;
    /** What the last layout depended on. */
    this.size = "";
    this.enlarged = false;
    /** What must be done in the next frame. */
    this.stale = { raster: true, axes: true, overlay: true };
    this.spec = spec;
    this.setSpec(spec);
  }

  /**
   * Take over titles and axes from the server.
   * @param {PanelSpec} spec
   */
  setSpec(spec) {
    this.spec = spec;
    this.projection.equal = spec.equal;
    this.title.textContent = spec.title;
    this.note.textContent = spec.note;
    this.setEnlarged(this.enlarged);
    this.overlay.setAttribute(
      "aria-label",
      `${spec.title}: ${this.isMap ? "map" : "scatter"} of ${spec.yLabel} against ${spec.xLabel}. ` +
        (this.isMap ? "Arrow keys move the pinned point." : "Arrow keys pan."),
    );
  }

  /**
   * Show whether this panel has the whole room.
   * @param {boolean} enlarged
   */
  setEnlarged(enlarged) {
    this.enlarged = enlarged;
    const text = enlarged ? "Show all panels (Escape)" : `Enlarge ${this.spec.title}`;
    this.enlarge.title = text;
    this.enlarge.setAttribute("aria-label", text);
    this.enlarge.setAttribute("aria-pressed", String(enlarged));
    this.enlarge.replaceChildren(icon(enlarged ? "shrink" : "enlarge"));
  }

  /** Whether it is on the screen. */
  get visible() {
    return this.element.style.display !== "none" && this.width > 0;
  }

  /** Mark everything to be drawn anew. */
  invalidate() {
    this.stale.raster = this.stale.axes = this.stale.overlay = true;
  }

  /**
   * Fit the canvases to the room.
   * @param {number} height of the body in CSS pixels
   * @param {number} dpr
   */
  layout(height, dpr) {
    this.body.style.height = `${height}px`;
    const width = this.body.clientWidth;
    const { projection } = this;
    const size = [width, height, dpr, this.isMap && projection.aspect].join();
    if (size === this.size) return;
    this.size = size;
    const { left, right, top, bottom } = margins(width);
    const room = {
      left,
      top,
      width: Math.max(40, width - left - right),
      height: Math.max(40, height - top - bottom),
    };
    const plot = this.isMap ? hug(room, projection.aspect) : room;
    projection.plot = plot;
    this.width = width;
    this.height = height;
    this.dpr = dpr;
    for (const canvas of [this.axes, this.overlay]) {
      canvas.width = Math.round(width * dpr);
      canvas.height = Math.round(height * dpr);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    this.data.width = Math.round(plot.width * dpr);
    this.data.height = Math.round(plot.height * dpr);
    Object.assign(this.data.style, {
      left: `${plot.left}px`,
      top: `${plot.top}px`,
      width: `${this.data.width / dpr}px`,
      height: `${this.data.height / dpr}px`,
    });
    Object.assign(this.legend.style, {
      left: `${plot.left + plot.width + 10}px`,
      top: `${plot.top}px`,
      width: `${right - 12}px`,
      maxHeight: `${height - plot.top - 4}px`,
    });
    this.invalidate();
  }

  /**
   * Bring the points up to date: anew where the view or the colors changed, else only those
   * whose class changed.
   * @param {Picture} picture
   */
  drawData({ points, selection, state: { active }, theme, parted }) {
    const { raster, stale, dataContext, data: { width, height }, colors: { rgba } } = this;
    const { view } = this.projection;
    if (raster instanceof MapRaster) {
      if (stale.raster && points.grid) {
        raster.resize(width, height);
        raster.place(points.grid, view);
        raster.outline(points, this.dpr);
        raster.borders(
          points.grid, view, points.pointOf, parted, this.coloring.type === "continuous",
        );
      }
      raster.paint(dataContext, points.pointOf, rgba, selection, theme, active);
    } else {
      if (stale.raster) {
        const radius = pointRadius(selection.n, this.projection.magnification) * this.dpr;
        raster.resize(width, height, radius, selection.n);
        raster.place(this.x, this.y, view);
        raster.build(rgba, selection.classes);
      } else {
        raster.update(rgba, selection);
      }
      raster.paint(dataContext, theme, selection.focus, theme.slots[active === "A" ? "B" : "A"]);
    }
    stale.raster = false;
  }

  /** Let the browser compile what the first brush will need. */
  rehearse() {
    const { raster } = this;
    if (raster instanceof ScatterRaster && !this.stale.raster) raster.rehearse(this.colors.rgba);
  }

  /**
   * Draw frame, ticks, scale bar and color bar.
   * @param {Picture} picture
   */
  drawAxes({ points: { grid }, theme }) {
    const c = this.axesContext;
    const { plot, view } = this.projection;
    c.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
    c.clearRect(0, 0, this.width, this.height);
    const { xLabel, yLabel, graticule } = this.spec;
    const axes = { xLabel, yLabel, graticule, down: this.isMap };
    drawAxes(c, plot, view, axes, theme, this.dpr);
    if (this.isMap && grid) drawScaleBar(c, plot, view, grid.unit, theme);
    if (this.coloring.type === "continuous") {
      const place = {
        left: plot.left + plot.width + 12,
        top: plot.top,
        height: Math.min(Math.max(plot.height, 110), this.height - plot.top - 8),
      };
      drawColorBar(c, place, this.coloring, this.colors, theme, this.dpr);
    }
    this.stale.axes = false;
  }

  /**
   * Draw outlines, ROI, rubber band and markers.
   * @param {Picture} picture
   */
  drawOverlay(picture) {
    const c = this.overlayContext;
    c.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
    c.clearRect(0, 0, this.width, this.height);
    drawOverlay(c, this, picture);
    this.stale.overlay = false;
  }
}

/**
 * The largest rectangle of an aspect in a room, at its upper left.
 * @param {Rect} room
 * @param {number} aspect
 * @returns {Rect}
 */
function hug(room, aspect) {
  const width = Math.round(Math.min(room.width, room.height * aspect));
  const height = Math.round(Math.min(room.height, room.width / aspect));
  const left = room.left + Math.max(0, Math.floor((room.width - width) / 2));
  return { left, top: room.top, width, height };
}
