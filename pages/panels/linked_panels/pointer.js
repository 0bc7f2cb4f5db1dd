/** What the pointer does in a panel: brush, pan, draw or change the ROI, hover, click, zoom. */

import { Pinch } from "./pinch.js";
import { draggedRoi, edgesAt, roiRect } from "./roi.js";
import { heldMode } from "./tools.js";
import { ViolinRaster } from "./violin.js";
import { quantize, simplify } from "./geometry.js";
import { wheelMeans } from "./wheel.js";

/**
 * @typedef {import("./data.js").Pair} Pair
 * @typedef {{kind: "box"|"lasso"|"pan"|"roi", mode: import("./data.js").Mode,
 *   grip: import("./roi.js").Grip|null, start: Pair, last: Pair, moved: boolean,
 *   path: Pair[]}} Drag
 */

const CLICK_PX = 4;
const LASSO_STEP_PX = 2.5;
const LASSO_VERTICES = 50;
const DOUBLE_CLICK_MS = 500;
const WHEEL_STEP = 0.0015;

export class Pointer {
  /**
   * @param {import("./panel.js").Panel} panel
   * @param {import("./explorer.js").Explorer} explorer
   */
  constructor(panel, explorer) {
    this.panel = panel;
    this.explorer = explorer;
    /** @type {Drag|null} */
    this.drag = null;
    this.clicked = -Infinity;
    this.zoomedAt = -Infinity;
    /** @type {number|null} */
    this.pinnedBefore = null;
    const target = panel.overlay;
    target.onpointerdown = (event) => this.down(event);
    target.onpointermove = (event) => this.move(event);
    target.onpointerup = (event) => this.up(event);
    target.onpointercancel = () => this.cancel();
    target.onpointerleave = () => explorer.inspector.hover(null);
    target.ondblclick = (event) => this.doubleClick(event);
    target.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.pinch = new Pinch(panel, explorer.board, () => this.cancel());
  }

  /**
   * Place in the body of the panel.
   * @param {MouseEvent} event
   * @returns {Pair}
   */
  place(event) {
    const { left, top } = this.panel.overlay.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  /** @param {PointerEvent} event */
  down(event) {
    const at = this.place(event);
    if (event.button > 1 || this.drag || this.pinch.busy) return;
    if (!this.panel.projection.contains(at)) {
      if (event.button === 0) this.choose(event, at);
      return;
    }
    event.preventDefault();
    // The focus ring is for the keyboard; the next key brings it back.
    this.panel.overlay.classList.add("lp-quiet");
    this.panel.overlay.focus({ preventScroll: true });
    this.panel.overlay.setPointerCapture(event.pointerId);
    const { inspector, tools } = this.explorer;
    this.drag = {
      kind: event.button === 1 || tools.space ? "pan" : tools.tool,
      mode: heldMode(event) ?? tools.mode,
      grip: this.gripAt(at),
      start: at,
      last: at,
      moved: false,
      path: [at],
    };
    inspector.hover(null);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = this.place(event);
    const { drag, panel, explorer: { board, brushing, drawing, inspector } } = this;
    if (this.pinch.busy) return;
    if (!drag) {
      this.cursor(at);
      const { clientX: x, clientY: y } = event;
      if (panel.raster instanceof ViolinRaster) {
        panel.overlay.title = panel.raster.words(panel.projection.toData(at)[0]);
      }
      inspector.hover(panel.projection.contains(at) ? { panel, at, x, y } : null);
      return;
    }
    if (!drag.moved && Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) < CLICK_PX) return;
    drag.moved = true;
    drawing.inputTime = event.timeStamp;
    if (drag.kind === "pan") board.panBy(panel, at[0] - drag.last[0], at[1] - drag.last[1]);
    else if (drag.kind === "roi") brushing.previewRoi(this.roiAt(drag, at));
    else {
      if (drag.kind === "lasso") this.extend(event, drag.path);
      else drag.path[1] = at;
      brushing.previewStroke(() => this.shape());
    }
    drag.last = at;
  }

  /**
   * Follow the pointer at its full rate, not only once a frame.
   * @param {PointerEvent} event
   * @param {Pair[]} path
   */
  extend(event, path) {
    const { left, top } = this.panel.overlay.getBoundingClientRect();
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) {
      /** @type {Pair} */
      const at = [step.clientX - left, step.clientY - top];
      const last = path[path.length - 1];
      if (Math.hypot(at[0] - last[0], at[1] - last[1]) >= LASSO_STEP_PX) path.push(at);
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    const { drag } = this;
    if (!drag) return;
    if (!drag.moved) {
      this.cancel();
      if (event.button === 0) this.click(event, drag.start);
      return;
    }
    if (drag.kind === "roi") this.explorer.brushing.commitRoi();
    else if (drag.kind !== "pan") this.explorer.brushing.commitStroke();
    this.drag = null;
  }

  /**
   * @param {PointerEvent} event
   * @param {Pair} at
   */
  click(event, at) {
    // A double click resets the view and leaves the pin as it was before its first click.
    if (event.timeStamp - this.clicked > DOUBLE_CLICK_MS) {
      this.pinnedBefore = this.explorer.shared.state.pinned;
    }
    const again = event.timeStamp - this.clicked <= DOUBLE_CLICK_MS;
    this.clicked = event.timeStamp;
    const { brushing, inspector, parts, tools } = this.explorer;
    if (this.choose(event, at) || this.panel.along !== null) return; // a bar is no point
    if (!parts.spec) inspector.pinAt(this.panel, at);
    else if (!again) {
      brushing.pick(parts, inspector.pointAt(this.panel, at), heldMode(event) ?? tools.mode);
    }
  }

  /**
   * Select the group whose violin or name is at a place; says whether there are groups.
   * @param {PointerEvent} event
   * @param {Pair} at
   */
  choose(event, [px, py]) {
    const { panel: { coloring, projection, raster }, explorer: { brushing, tools } } = this;
    if (!(raster instanceof ViolinRaster)) return false;
    const { left, top, width } = projection.plot;
    const x = px >= left && px <= left + width && py >= top ? projection.toData([px, py])[0] : -1;
    const shape = raster.stroke(x, coloring, heldMode(event) ?? tools.mode);
    if (shape) brushing.choose(shape);
    return true;
  }

  /** Give up what is being drawn. */
  cancel() {
    if (!this.drag) return false;
    this.drag = null;
    this.explorer.brushing.previewStroke(null);
    this.explorer.brushing.previewRoi(undefined);
    return true;
  }

  /** @param {MouseEvent} event */
  doubleClick(event) {
    if (!this.panel.projection.contains(this.place(event))) return;
    if (!this.explorer.parts.spec) this.explorer.inspector.pin(this.pinnedBefore);
    this.explorer.board.resetView(this.panel);
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    const at = this.place(event);
    if (!this.panel.projection.contains(at)) return;
    const { zoomed } = this.panel.projection.viewport;
    if (wheelMeans(event, zoomed, event.timeStamp - this.zoomedAt) === "scroll") {
      this.panel.hint("Ctrl + wheel zooms");
      return;
    }
    this.zoomedAt = event.timeStamp;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 400 : 1;
    const factor = Math.exp(Math.max(-240, Math.min(240, event.deltaY * lines)) * WHEEL_STEP);
    this.explorer.board.zoomAt(this.panel, at, factor);
  }

  /**
   * The stroke as it would be applied now, or null where it encloses nothing.
   * @returns {import("./data.js").Shape|null}
   */
  shape() {
    const { drag, panel } = this;
    if (!drag?.moved || (drag.kind !== "box" && drag.kind !== "lasso")) return null;
    if (panel.along !== null) return this.interval(drag, panel.along);
    const outline = drag.kind === "lasso" ? simplify(drag.path, LASSO_VERTICES) : drag.path;
    if (drag.kind === "lasso" && outline.length < 3) return null;
    const [ux, uy] = panel.projection.unitsPerPixel;
    /** @param {Pair} place @returns {Pair} */
    const point = (place) => {
      const [x, y] = panel.projection.toData(place);
      return [quantize(x, ux), quantize(y, uy)];
    };
    const points = outline.map(point);
    return { panel: panel.axesId, kind: drag.kind, points, mode: drag.mode };
  }

  /**
   * The stroke in a histogram or violin: its frame has the quantity along both axes, so that a box
   * is a range.
   * @param {Drag} drag
   * @param {number} along
   * @returns {import("./data.js").Shape}
   */
  interval({ start, path, mode }, along) {
    const { projection, axesId } = this.panel;
    const unit = projection.unitsPerPixel[along];
    const [low, high] = [start, path[path.length - 1]]
      .map((place) => quantize(projection.toData(place)[along], unit)).sort((a, b) => a - b);
    return { panel: axesId, kind: "box", points: [[low, low], [high, high]], mode };
  }

  /**
   * The ROI that a drag to a place asks for, none beside the maps.
   * @param {Drag} drag
   * @param {Pair} at
   */
  roiAt(drag, at) {
    const { panel, explorer: { points: { grid } } } = this;
    if (!panel.isMap || !grid) return undefined;
    const [from, to] = [drag.start, at].map((place) => panel.projection.toData(place));
    return draggedRoi(grid, from, to, drag.grip);
  }

  /**
   * Which part of the ROI is at a place, or null.
   * @param {Pair} at
   */
  gripAt(at) {
    const { panel, explorer: { brushing: { roi }, points: { grid } } } = this;
    if (!roi || !grid || !panel.isMap) return null;
    const edges = edgesAt(roiRect(panel.projection, roi, grid), at);
    return edges === null ? null : { edges, roi };
  }

  /**
   * Show what a drag from a place would do.
   * @param {Pair} at
   */
  cursor(at) {
    const { tool, space } = this.explorer.tools;
    let cursor = "crosshair";
    if (!this.panel.projection.contains(at)) cursor = "default";
    else if (tool === "pan" || space) cursor = "grab";
    else if (tool === "roi" && !this.panel.isMap) cursor = "default";
    else if (tool === "roi") {
      const grip = this.gripAt(at)?.edges;
      /** @type {Record<string, string>} */
      const resize = { n: "ns", s: "ns", e: "ew", w: "ew", wn: "nwse", es: "nwse", en: "nesw", ws: "nesw" };
      if (grip === "move") cursor = "move";
      else if (grip) cursor = `${resize[grip]}-resize`;
    }
    this.panel.overlay.style.cursor = cursor;
  }
}
