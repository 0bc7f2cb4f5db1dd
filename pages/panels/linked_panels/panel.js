/** One panel: its elements, its place on the screen, and how it is drawn. */

import { drawAxes, drawScaleBar } from "./axes.js";
import { drawColorBar } from "./color_bar.js";
import { drawOverlay } from "./overlay.js";
import { Made, alike } from "./made.js";
import { margins } from "./layout.js";
import { GpuScatter } from "./gpu_scatter.js";
import { HistogramRaster } from "./histogram.js";
import { MapRaster } from "./map.js";
import { Projection } from "./projection.js";
import { ScatterRaster, pointRadius } from "./scatter.js";
import { ViolinRaster } from "./violin.js";
import { cardFor } from "./engine.js";
import { context2d, h } from "../browser/dom.js";
import { goOn, never } from "./pieces.js";
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
 * @typedef {{enlarge: (panel: Panel) => void, choose: (panel: Panel) => void,
 *   explain: (panel: Panel) => void,
 *   colorsOf: (panel: Panel) => Generator<void, import("./coloring.js").Colors>}} Actions choose
 *   opens the menu, explain fills the legend
 * @typedef {import("./pieces.js").Late} Late
 */

const FEW_CHANGED = 50000;
/** How many of a frame's numbers say what part is seen. */
const VIEW = 4;
// So low, a legend has to be close to show the usual number of clusters.
const LOW_PX = 200;
const HINT_MS = 1500;

/** @type {import("./coloring.js").Colors} */
const NO_COLORS = {
  rgba: new Uint32Array(0), below: false, above: false, missing: false, counts: new Map(),
};

export class Panel {
  /**
   * @param {PanelSpec} spec
   * @param {import("./viewport.js").Viewport} viewport
   * @param {Actions} actions
   */
  constructor(spec, viewport, actions) {
    const { choose, enlarge } = actions;
    this.actions = actions;
    this.id = spec.id;
    this.kind = spec.kind;
    this.isMap = spec.kind === "map";
    /** The axis along which a stroke is a range of values, 0 or 1; null where it is an area. */
    this.along = spec.kind === "histogram" ? 0 : spec.kind === "violin" ? 1 : null;
    this.projection = new Projection(viewport, this.isMap);
    /** The panel that strokes in it name. */
    this.axesId = spec.frame ?? spec.id;
    this.raster = rasterOf(spec.kind);
    this.cardFor = cardFor;
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
    /**
     * What lies under the points, along x and y.
     * @type {[Numbers, Numbers]|null}
     */
    this.under = null;
    /** @type {import("./data.js").Coloring} */
    this.coloring = { type: "direct", array: "", key: [], label: "", nan: "" };
    /** @type {import("./coloring.js").Colors} */
    this.colors = NO_COLORS;
    /** All that the colors depend on, as text. */
    this.hue = "";
    /** What each layer was drawn from: nothing needs to be told that it is stale. */
    this.made = new Made();
    /**
     * The points that are being made anew, and from what.
     * @type {{from: unknown[], steps: Generator<void, void>}|null}
     */
    this.work = null;
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
      this.pick.title = `${spec.title}: click to show something else here, drag to move`;
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
    this.body.classList.toggle("lp-low", height < LOW_PX);
    const width = this.body.clientWidth;
    const { projection } = this;
    const keyed = this.along === null || this.coloring.type === "categorical";
    const size = [width, height, dpr, this.isMap && projection.aspect, keyed].join();
    if (size === this.size) return;
    this.size = size;
    const { left, right, top, bottom } = margins(width, keyed);
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
    this.work = null;
  }

  /**
   * Draw each layer whose dependencies changed; the points until it is late.
   * @param {Picture} picture
   * @param {Late} late
   * @returns whether all is drawn
   */
  draw(picture, late) {
    const whole = this.drawData(picture, late);
    const { made, axesContext, overlayContext } = this;
    const colored = this.colors !== NO_COLORS;
    if (colored && made.differs("legend", [this.colors])) this.actions.explain(this);
    if (made.differs("axes", this.axesFrom(picture))) {
      this.clear(axesContext);
      this.drawAxes(axesContext, picture);
    }
    if (made.differs("overlay", this.overlayFrom(picture))) {
      this.clear(overlayContext);
      drawOverlay(overlayContext, this, picture);
    }
    return whole;
  }

  /** Where everything is on the screen. */
  get frame() {
    const { dpr, projection: { plot, view } } = this;
    return [view.x0, view.x1, view.y0, view.y1, dpr, plot.left, plot.top, plot.width, plot.height];
  }

  /**
   * What decides where the points are drawn, and in which colors.
   * @param {Picture} picture
   */
  rasterFrom({ points, parts, selection }) {
    const places = this.isMap
      ? [points.pointOf, points.finePointOf, points.lattice, points.regions, parts.signature]
      : [this.x, this.y, this.cardOf(selection.n), ...(this.under ?? [])];
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
      this.colors, this.isMap && points.lattice, theme];
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
    return !this.work && few && made.same("raster", this.rasterFrom(picture))
      && made.same("style", this.styleFrom(picture));
  }

  /**
   * Bring the points up to date: anew where the view or the colors changed, else only those
   * whose class changed.
   * @param {Picture} picture
   * @param {Late} [late]
   * @returns whether they are
   */
  drawData(picture, late = never) {
    const { selection, state: { active }, theme } = picture;
    const { made, dataContext } = this;
    const built = this.remake(this.rasterFrom(picture), picture, late);
    if (this.work) return false;
    const { raster } = this;
    const whole = made.differs("style", this.styleFrom(picture)) || built;
    if (whole || raster.version !== selection.version) {
      if (raster instanceof MapRaster) {
        raster.paint(dataContext, picture.points, selection, theme, active, whole);
      } else if (raster instanceof HistogramRaster) {
        raster.paint(dataContext, this.x, this.projection.view, picture);
      } else if (raster instanceof ViolinRaster) {
        raster.paint(dataContext, this, picture);
      } else {
        raster.update(this.colors.rgba, selection, late);
        const other = theme.slots[active === "A" ? "B" : "A"];
        raster.paint(dataContext, theme, selection.focus, other, whole);
      }
    }
    return raster.version === selection.version
      && made.same("raster", this.rasterFrom(picture));
  }

  /**
   * Go on with making the points anew where they are out of date. What was begun for another
   * part of the view comes to its end first, so that the points follow a wheel that goes on turning.
   * @param {unknown[]} from
   * @param {Picture} picture
   * @param {Late} late
   * @returns whether they are made now
   */
  remake(from, picture, late) {
    const { made } = this;
    if (this.work && !alike(from.slice(VIEW), this.work.from.slice(VIEW))) this.work = null;
    if (!this.work && !made.same("raster", from)) this.work = { from, steps: this.build(picture) };
    if (!this.work || !goOn(this.work.steps, late)) return false;
    made.differs("raster", this.work.from);
    this.work = null;
    return true;
  }

  /**
   * Place all points anew, in pieces.
   * @param {Picture} picture
   * @returns {Generator<void, void>}
   */
  *build({ points, selection, parts }) {
    const { raster, data: { width, height }, projection: { magnification, view } } = this;
    const { pointOf, finePointOf, fine, grid } = points;
    this.colors = yield* this.actions.colorsOf(this);
    const { rgba } = this.colors;
    if (raster instanceof MapRaster) {
      if (!grid) return;
      raster.resize(width, height);
      raster.place(grid, view, fine);
      yield* raster.fill(pointOf, rgba, finePointOf);
      raster.outline(points, this.dpr);
      yield;
      const continuous = this.coloring.type === "continuous";
      raster.borders(grid, view, pointOf, parts.parted, continuous);
    } else if (raster instanceof ScatterRaster) {
      const radius = pointRadius(selection.even, magnification) * this.dpr;
      const card = this.cardOf(selection.n);
      const scatter = suited(raster, card?.holds(width, height, radius) ? card : null);
      this.raster = scatter;
      scatter.resize(width, height, radius, selection.n);
      scatter.underlay(this.under?.[0] ?? null, this.under?.[1] ?? null, view);
      yield* scatter.build(this.x, this.y, view, rgba);
    }
  }

  /**
   * The card that draws the points, if one does: what lies under points is for the canvas alone.
   * @param {number} n
   */
  cardOf(n) {
    return this.under ? null : this.cardFor(n);
  }

  /** Let the browser compile what the first brush will need. */
  rehearse() {
    const { raster } = this;
    if (raster instanceof ScatterRaster && !this.work && this.made.from.has("raster")) {
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
    const names = this.raster instanceof ViolinRaster ? this.raster.names : null;
    const axes = { xLabel, yLabel, graticule, down: this.isMap, names };
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

/**
 * The raster of a scatter, or another one that draws by this card; without one, on the canvas.
 * @param {ScatterRaster} raster
 * @param {import("./gpu.js").Gpu|null} card
 */
function suited(raster, card) {
  const before = raster instanceof GpuScatter ? raster.gpu : null;
  if (before === card) return raster;
  if (raster instanceof GpuScatter) raster.free();
  return card ? new GpuScatter(card) : new ScatterRaster();
}

/** @param {PanelSpec["kind"]} kind */
function rasterOf(kind) {
  if (kind === "histogram") return new HistogramRaster();
  if (kind === "violin") return new ViolinRaster();
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
