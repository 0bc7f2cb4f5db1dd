/** One panel: its elements, its place on the screen, and how it is drawn. */

import { drawAxes, drawScaleBar } from "./axes.js";
import { drawColorBar } from "./color_bar.js";
import { drawOverlay } from "./overlay.js";
import { Made } from "./made.js";
import { margins } from "./layout.js";
import { HistogramRaster } from "./histogram.js";
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
 *   tool: import("./tools.js").Tool, parts: import("./parts.js").Parts}} Picture what all panels
 *   show
 */

const FEW_CHANGED = 50000;
const HINT_MS = 1500;

/** @type {import("./coloring.js").Colors} */
const NO_COLORS = {
  rgba: new Uint32Array(0), below: false, above: false, missing: false, counts: new Map(),
};

export class Panel {
  /**
   * @param {PanelSpec} spec
   * @param {import("./viewport.js").Viewport} viewport
   * @param {(panel: Panel) => void} enlarge
   * @param {(panel: Panel) => void} choose opens the menu
   */
  constructor(spec, viewport, enlarge, choose) {
    this.id = spec.id;
    this.kind = spec.kind;
    this.isMap = spec.kind === "map";
    this.projection = new Projection(viewport, this.isMap);
    /** The panel that strokes in it name. */
    this.axesId = spec.frame ?? spec.id;
    this.raster = rasterOf(spec.kind);
    this.title = h("h3", { class: "lp-title" });
    this.pick = h("button", {
      class: "lp-pick", type: "button", "aria-haspopup": "dialog", onclick: () => choose(this),
    });
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
    this.hinted = h("div", { class: "lp-hint", "aria-hidden": "true" });
    this.hinted.hidden = true;
    this.hintTimer = 0;
    this.body = h("div", { class: "lp-body" }, this.data, this.axes, this.overlay, this.legend,
      this.hinted);
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
    /** All that the colors depend on, as text. */
    this.hue = "";
    /** What each layer was drawn from: nothing needs to be told that it is stale. */
    this.made = new Made();
    /** @type {import("./pointer.js").Pointer|null} */
    this.pointer = null;
    this.width = 0;
    this.height = 0;
    this.dpr = 1;
    /** What the last layout depended on. */
    this.size = "";
    this.enlarged = false;
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
    this.axesId = spec.frame ?? spec.id;
    const chosen = typeof spec.place === "number";
    if (chosen) {
      this.pick.textContent = spec.title;
      this.pick.title = `${spec.title}: show something else here`;
      if (this.pick.parentElement !== this.title) this.title.replaceChildren(this.pick);
    } else this.title.textContent = spec.title;
    this.note.textContent = spec.note;
    this.setEnlarged(this.enlarged);
    this.overlay.setAttribute(
      "aria-label",
      `${spec.title}: ${spec.kind} of ${spec.yLabel} against ${spec.xLabel}. ` +
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

  /**
   * Say something over the plot for a moment; nothing moves.
   * @param {string} text
   */
  hint(text) {
    this.hinted.textContent = text;
    this.hinted.hidden = false;
    clearTimeout(this.hintTimer);
    this.hintTimer = setTimeout(() => {
      this.hinted.hidden = true;
    }, HINT_MS);
  }

  /** Whether it is on the screen. */
  get visible() {
    return this.element.style.display !== "none" && this.width > 0;
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
    const { left, right, top, bottom } = margins(width, this.kind !== "histogram");
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
    // The canvases are empty now.
    this.made.forget();
  }

  /**
   * Draw each layer whose dependencies changed.
   * @param {Picture} picture
   */
  draw(picture) {
    this.drawData(picture);
    const { made, axesContext, overlayContext } = this;
    if (made.differs("axes", this.axesFrom(picture))) {
      this.clear(axesContext);
      this.drawAxes(axesContext, picture);
    }
    if (made.differs("overlay", this.overlayFrom(picture))) {
      this.clear(overlayContext);
      drawOverlay(overlayContext, this, picture);
    }
  }

  /** Where everything is on the screen. */
  get frame() {
    const { dpr, projection: { plot, view } } = this;
    return [dpr, plot.left, plot.top, plot.width, plot.height, view.x0, view.x1, view.y0, view.y1];
  }

  /**
   * What decides where the points are drawn, and in which colors.
   * @param {Picture} picture
   */
  rasterFrom({ points, parts, selection }) {
    const places = this.isMap
      ? [points.pointOf, points.lattice, points.regions, parts.signature]
      : [this.x, this.y];
    return [...this.frame, this.data.width, this.data.height, selection, this.hue, ...places];
  }

  /**
   * What decides how points of a class look.
   * @param {Picture} picture
   */
  styleFrom({ theme, state, selection }) {
    return [theme, state.active, selection.focus];
  }

  /** @param {Picture} picture */
  axesFrom({ points, theme }) {
    return [...this.frame, this.width, this.height, JSON.stringify(this.spec), this.hue,
      this.isMap && points.lattice, theme];
  }

  /** @param {Picture} picture */
  overlayFrom({ points, state, stroke, roi, hovered, tool, theme }) {
    const here = stroke?.panel === this.axesId && stroke;
    return [...this.frame, this.x, this.y, points.lattice, state.selections, state.active,
      state.pinned, JSON.stringify([here, stroke?.mode, this.isMap && [roi, tool],
        points.data.marks]), hovered, theme];
  }

  /**
   * Whether no more than the classes of some points changed, so that drawing takes little time.
   * @param {Picture} picture
   */
  isQuick(picture) {
    const { made, raster } = this;
    const { changedCount, version } = picture.selection;
    const few = raster.version === version
      || (raster.version === version - 1 && changedCount <= FEW_CHANGED);
    return few && made.same("raster", this.rasterFrom(picture))
      && made.same("style", this.styleFrom(picture));
  }

  /**
   * Bring the points up to date: anew where the view or the colors changed, else only those
   * whose class changed.
   * @param {Picture} picture
   */
  drawData(picture) {
    const { selection, state: { active }, theme } = picture;
    const { made, raster, dataContext, colors: { rgba } } = this;
    const built = made.differs("raster", this.rasterFrom(picture));
    if (built) this.build(picture);
    const whole = made.differs("style", this.styleFrom(picture)) || built;
    if (!whole && raster.version === selection.version) return;
    if (raster instanceof MapRaster) {
      raster.paint(dataContext, picture.points, selection, theme, active, whole);
    } else if (raster instanceof HistogramRaster) {
      raster.paint(dataContext, this.x, this.projection.view, picture);
    } else {
      raster.update(rgba, selection);
      const other = theme.slots[active === "A" ? "B" : "A"];
      raster.paint(dataContext, theme, selection.focus, other, whole);
    }
  }

  /**
   * Place all points anew.
   * @param {Picture} picture
   */
  build({ points, selection, parts }) {
    const { raster, data: { width, height }, projection: { magnification, view } } = this;
    if (raster instanceof MapRaster) {
      if (!points.grid) return;
      raster.resize(width, height);
      raster.place(points.grid, view);
      raster.fill(points.pointOf, this.colors.rgba);
      raster.outline(points, this.dpr);
      const continuous = this.coloring.type === "continuous";
      raster.borders(points.grid, view, points.pointOf, parts.parted, continuous);
      return;
    }
    if (raster instanceof HistogramRaster) return;
    const radius = pointRadius(selection.n, magnification) * this.dpr;
    raster.resize(width, height, radius, selection.n);
    raster.place(this.x, this.y, view);
    raster.build(this.colors.rgba, selection);
  }

  /** Let the browser compile what the first brush will need. */
  rehearse() {
    const { raster } = this;
    if (raster instanceof ScatterRaster && this.made.from.has("raster")) {
      raster.rehearse(this.colors.rgba);
    }
  }

  /**
   * Empty a layer.
   * @param {CanvasRenderingContext2D} c in CSS pixels afterwards
   */
  clear(c) {
    c.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
    c.clearRect(0, 0, this.width, this.height);
  }

  /**
   * Draw frame, ticks, scale bar and color bar.
   * @param {CanvasRenderingContext2D} c in CSS pixels
   * @param {Picture} picture
   */
  drawAxes(c, { points: { grid }, theme }) {
    const { plot, view } = this.projection;
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
  }
}

/** @param {PanelSpec["kind"]} kind */
function rasterOf(kind) {
  if (kind === "histogram") return new HistogramRaster();
  return kind === "map" ? new MapRaster() : new ScatterRaster();
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
