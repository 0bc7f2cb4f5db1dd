/** One panel: its elements, its place on the screen, and how it is drawn. */

import { drawAxes, drawColorBar, drawScaleBar } from "./axes.js";
import { drawOverlay } from "./overlay.js";
import { MapRaster } from "./map.js";
import { ScatterRaster, pointRadius } from "./scatter.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

const MAX_ASPECT = 8;
const TOP = 12;
const BOTTOM = 44;
const MIN_HEIGHT = 190;

export class Panel {
  /**
   * @param {object} spec as sent by view.py
   * @param {{enlarge: (panel: Panel) => void}} actions
   */
  constructor(spec, actions) {
    this.id = spec.id;
    this.kind = spec.kind;
    this.isMap = spec.kind === "map";
    this.raster = this.isMap ? new MapRaster() : new ScatterRaster();
    this.title = h("h3", { class: "lp-title" });
    this.note = h("span", { class: "lp-note" });
    this.enlarge = h(
      "button",
      { class: "lp-button lp-enlarge", type: "button", onclick: () => actions.enlarge(this) },
      icon("enlarge"),
    );
    this.data = h("canvas", { class: "lp-data", "aria-hidden": "true" });
    this.axes = h("canvas", { class: "lp-layer", "aria-hidden": "true" });
    this.overlay = h("canvas", { class: "lp-layer lp-overlay", tabindex: "0", role: "img" });
    this.legend = h("div", { class: "lp-legend" });
    this.body = h("div", { class: "lp-body" }, this.data, this.axes, this.overlay, this.legend);
    this.element = h(
      "section",
      { class: "lp-panel", "data-panel": spec.id, "data-kind": spec.kind },
      h("header", { class: "lp-header" }, this.title, this.note, this.enlarge),
      this.body,
    );
    this.dataContext = this.data.getContext("2d", { willReadFrequently: true, alpha: false });
    this.axesContext = this.axes.getContext("2d");
    this.overlayContext = this.overlay.getContext("2d");
    this.plot = { left: 0, top: 0, width: 1, height: 1 };
    /** What must be done in the next frame. */
    this.stale = { raster: true, axes: true, overlay: true };
    this.setSpec(spec);
  }

  /** Take over titles and axes from the server. */
  setSpec(spec) {
    this.spec = spec;
    this.title.textContent = spec.title;
    this.note.textContent = spec.note;
    this.setEnlarged(this.enlarged ?? false);
    this.overlay.setAttribute(
      "aria-label",
      `${spec.title}: ${this.isMap ? "map" : "scatter"} of ${spec.yLabel} against ${spec.xLabel}. ` +
        (this.isMap ? "Arrow keys move the pinned point." : "Arrow keys pan."),
    );
  }

  /** Show whether this panel has the whole room. */
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
    const size = [width, height, dpr, this.isMap && this.aspect()].join();
    if (size === this.size) return;
    this.size = size;
    const { left, gutter } = margins(width);
    const room = {
      left,
      top: TOP,
      width: Math.max(40, width - left - gutter),
      height: Math.max(40, height - TOP - BOTTOM),
    };
    this.plot = this.isMap ? hug(room, this.aspect()) : room;
    this.width = width;
    this.height = height;
    this.dpr = dpr;
    for (const canvas of [this.axes, this.overlay]) {
      canvas.width = Math.round(width * dpr);
      canvas.height = Math.round(height * dpr);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    this.data.width = Math.round(this.plot.width * dpr);
    this.data.height = Math.round(this.plot.height * dpr);
    Object.assign(this.data.style, {
      left: `${this.plot.left}px`,
      top: `${this.plot.top}px`,
      width: `${this.data.width / dpr}px`,
      height: `${this.data.height / dpr}px`,
    });
    Object.assign(this.legend.style, {
      left: `${this.plot.left + this.plot.width + 10}px`,
      top: `${this.plot.top}px`,
      width: `${gutter - 14}px`,
      maxHeight: `${height - this.plot.top - 4}px`,
    });
    this.invalidate();
  }

  /** Height of the body that the panel can use, at most `limit`. */
  neededHeight(limit) {
    if (!this.isMap) return limit;
    const { left, gutter } = margins(this.body.clientWidth);
    const plot = (this.body.clientWidth - left - gutter) / this.aspect();
    return Math.min(limit, Math.max(MIN_HEIGHT, plot + TOP + BOTTOM));
  }

  /** Width over height of the home range, within reason. */
  aspect() {
    const { home } = this.viewport;
    const aspect = (home.x1 - home.x0) / (home.y1 - home.y0);
    return Math.min(MAX_ASPECT, Math.max(1 / MAX_ASPECT, aspect));
  }

  /** The range that is drawn: the viewport's, widened where the aspect must be kept. */
  get view() {
    const { x0, x1, y0, y1 } = this.viewport.range;
    if (!this.spec.equal) return { x0, x1, y0, y1 };
    const perX = (x1 - x0) / this.plot.width;
    const perY = (y1 - y0) / this.plot.height;
    const unit = Math.max(perX, perY);
    const growX = ((unit - perX) * this.plot.width) / 2;
    const growY = ((unit - perY) * this.plot.height) / 2;
    return { x0: x0 - growX, x1: x1 + growX, y0: y0 - growY, y1: y1 + growY };
  }

  /** Data coordinates of a place in the body. */
  toData(px, py) {
    const { left, top, width, height } = this.plot;
    const { x0, x1, y0, y1 } = this.view;
    const part = (py - top) / height;
    return [
      x0 + ((px - left) / width) * (x1 - x0),
      y0 + (this.isMap ? part : 1 - part) * (y1 - y0),
    ];
  }

  /** Place in the body of data coordinates. */
  toPixel(x, y, view = this.view) {
    const { left, top, width, height } = this.plot;
    const part = (y - view.y0) / (view.y1 - view.y0);
    return [
      left + ((x - view.x0) / (view.x1 - view.x0)) * width,
      top + (this.isMap ? part : 1 - part) * height,
    ];
  }

  /** Data units of one CSS pixel along x and y. */
  unitsPerPixel() {
    const { x0, x1, y0, y1 } = this.view;
    return [(x1 - x0) / this.plot.width, (y1 - y0) / this.plot.height];
  }

  /** Whether a place in the body lies in the plot. */
  contains(px, py) {
    const { left, top, width, height } = this.plot;
    return px >= left && px <= left + width && py >= top && py <= top + height;
  }

  /**
   * Bring the points up to date: anew where the view or the colours changed, else only those
   * whose class changed.
   * @param {object} scene see explorer.js
   */
  drawData(scene) {
    const { selection, theme, state } = scene;
    const other = theme.slots[state.active === "A" ? "B" : "A"];
    if (this.isMap) {
      if (this.stale.raster) {
        this.raster.resize(this.data.width, this.data.height);
        this.raster.place(scene.grid, this.view);
      }
      this.raster.paint(
        this.dataContext, scene.pointOf, this.colors.rgba, selection, theme, state.active,
      );
    } else {
      if (this.stale.raster) {
        const { home } = this.viewport;
        const view = this.view;
        const zoom = Math.sqrt(
          ((home.x1 - home.x0) * (home.y1 - home.y0)) /
            ((view.x1 - view.x0) * (view.y1 - view.y0)),
        );
        const radius = pointRadius(selection.n, zoom) * this.dpr;
        this.raster.resize(this.data.width, this.data.height, radius, selection.n);
        this.raster.place(this.x, this.y, view);
        this.raster.build(this.colors.rgba, selection.classes);
      } else {
        this.raster.update(this.colors.rgba, selection);
      }
      this.raster.paint(this.dataContext, theme, selection.focus, other);
    }
    this.stale.raster = false;
  }

  /** Draw frame, ticks, scale bar and colour bar. */
  drawAxes(scene) {
    const c = this.axesContext;
    const { theme } = scene;
    c.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
    c.clearRect(0, 0, this.width, this.height);
    const { xLabel, yLabel, graticule } = this.spec;
    const axes = { xLabel, yLabel, graticule, down: this.isMap };
    drawAxes(c, this.plot, this.view, axes, theme, this.dpr);
    if (this.isMap) drawScaleBar(c, this.plot, this.view, scene.grid.unit, theme);
    if (this.coloring.type === "continuous") {
      const place = {
        left: this.plot.left + this.plot.width + 12,
        top: this.plot.top,
        height: Math.min(Math.max(this.plot.height, 110), this.height - this.plot.top - 8),
      };
      drawColorBar(c, place, this.coloring, this.colors, theme, this.dpr);
    }
    this.stale.axes = false;
  }

  /** Draw outlines, ROI, rubber band and markers. */
  drawOverlay(scene) {
    const c = this.overlayContext;
    c.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
    c.clearRect(0, 0, this.width, this.height);
    drawOverlay(c, this, scene);
    this.stale.overlay = false;
  }
}

/** Room for the axis at the left and the legend at the right. */
function margins(width) {
  return width < 420 ? { left: 52, gutter: 84 } : { left: 60, gutter: 104 };
}

/** The largest rectangle of an aspect in a room, at its upper left. */
function hug(room, aspect) {
  const width = Math.round(Math.min(room.width, room.height * aspect));
  const height = Math.round(Math.min(room.height, room.width / aspect));
  const left = room.left + Math.max(0, Math.floor((room.width - width) / 2));
  return { left, top: room.top, width, height };
}
