/** What the pointer does in a panel: brush, pan, draw or change the ROI, hover, click, zoom. */

import { quantise, simplify } from "./geometry.js";
import { roiPixels } from "./overlay.js";

const CLICK_PX = 4;
const LASSO_STEP_PX = 2.5;
const LASSO_VERTICES = 50;
const GRIP_PX = 8;
const DOUBLE_CLICK_MS = 500;
const WHEEL_STEP = 0.0015;

/** Mode of a stroke by the modifier keys, else the one chosen in the toolbar. */
export function modeOf(event, chosen) {
  if (event.shiftKey && event.altKey) return "intersect";
  if (event.shiftKey) return "add";
  if (event.altKey) return "subtract";
  return chosen;
}

export class Pointer {
  /**
   * @param {import("./panel.js").Panel} panel
   * @param {import("./explorer.js").Explorer} explorer
   */
  constructor(panel, explorer) {
    this.panel = panel;
    this.explorer = explorer;
    this.drag = null;
    const target = panel.overlay;
    target.onpointerdown = (event) => this.down(event);
    target.onpointermove = (event) => this.move(event);
    target.onpointerup = (event) => this.up(event);
    target.onpointercancel = () => this.cancel();
    target.onpointerleave = () => explorer.hover(panel, null);
    target.ondblclick = (event) => this.doubleClick(event);
    target.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  place(event) {
    const { left, top } = this.panel.overlay.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  down(event) {
    const at = this.place(event);
    if (event.button > 1 || this.drag || !this.panel.contains(...at)) return;
    event.preventDefault();
    // The focus ring is for the keyboard; the next key brings it back.
    this.panel.overlay.classList.add("lp-quiet");
    this.panel.overlay.focus({ preventScroll: true });
    this.panel.overlay.setPointerCapture(event.pointerId);
    const { tool, keys: { space } } = this.explorer;
    const kind = event.button === 1 || space ? "pan" : tool;
    this.drag = { kind, start: at, last: at, moved: false, path: [at] };
    if (kind === "box" || kind === "lasso") this.drag.mode = modeOf(event, this.explorer.mode);
    if (kind === "roi") this.drag.grip = this.gripAt(at);
    this.explorer.hover(this.panel, null);
  }

  move(event) {
    const at = this.place(event);
    if (!this.drag) {
      this.cursor(at);
      const inside = this.panel.contains(...at);
      this.explorer.hover(this.panel, inside ? at : null, event);
      return;
    }
    const { drag } = this;
    if (!drag.moved && Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) < CLICK_PX) return;
    drag.moved = true;
    this.explorer.inputTime = event.timeStamp;
    if (drag.kind === "pan") this.explorer.panBy(this.panel, at[0] - drag.last[0], at[1] - drag.last[1]);
    else if (drag.kind === "roi") this.explorer.previewRoi(this.roiAt(at));
    else {
      if (drag.kind === "lasso") this.extend(event);
      else drag.path[1] = at;
      this.explorer.previewStroke(() => this.shape());
    }
    drag.last = at;
  }

  /** Follow the pointer at its full rate, not only once a frame. */
  extend(event) {
    const { path } = this.drag;
    const { left, top } = this.panel.overlay.getBoundingClientRect();
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) {
      const at = [step.clientX - left, step.clientY - top];
      const last = path[path.length - 1];
      if (Math.hypot(at[0] - last[0], at[1] - last[1]) >= LASSO_STEP_PX) path.push(at);
    }
  }

  up(event) {
    const { drag } = this;
    if (!drag) return;
    if (!drag.moved) {
      this.cancel();
      if (event.button === 0) this.click(event, drag.start);
      return;
    }
    if (drag.kind === "roi") this.explorer.commitRoi();
    else if (drag.kind !== "pan") this.explorer.commitStroke();
    this.drag = null;
  }

  click(event, at) {
    // A double click resets the view and leaves the pin as it was before its first click.
    if (event.timeStamp - (this.clicked ?? -Infinity) > DOUBLE_CLICK_MS) {
      this.pinnedBefore = this.explorer.state.pinned;
    }
    this.clicked = event.timeStamp;
    this.explorer.pinAt(this.panel, at);
  }

  /** Give up what is being drawn. */
  cancel() {
    if (!this.drag) return false;
    this.drag = null;
    this.explorer.previewStroke(null);
    this.explorer.previewRoi(undefined);
    return true;
  }

  doubleClick(event) {
    if (!this.panel.contains(...this.place(event))) return;
    this.explorer.pin(this.pinnedBefore);
    this.explorer.resetView(this.panel);
  }

  wheel(event) {
    const at = this.place(event);
    if (!this.panel.contains(...at)) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 400 : 1;
    const factor = Math.exp(Math.max(-240, Math.min(240, event.deltaY * lines)) * WHEEL_STEP);
    this.explorer.zoomAt(this.panel, at, factor);
  }

  /** The stroke as it would be applied now, or null where it encloses nothing. */
  shape() {
    const { drag, panel } = this;
    if (!drag?.moved) return null;
    const outline = drag.kind === "lasso" ? simplify(drag.path, LASSO_VERTICES) : drag.path;
    if (drag.kind === "lasso" && outline.length < 3) return null;
    const [ux, uy] = panel.unitsPerPixel();
    const points = outline.map(([px, py]) => {
      const [x, y] = panel.toData(px, py);
      return [quantise(x, ux), quantise(y, uy)];
    });
    return { panel: panel.id, kind: drag.kind, points, mode: drag.mode };
  }

  /** Which part of the ROI is under the pointer: edges as a set of letters, "move", or null. */
  gripAt([px, py]) {
    const { roi, grid } = this.explorer;
    if (!roi || !this.panel.isMap) return null;
    const [x0, y0, x1, y1] = roiPixels(this.panel, roi, grid);
    const near = (a, b) => Math.abs(a - b) <= GRIP_PX;
    if (px < x0 - GRIP_PX || px > x1 + GRIP_PX || py < y0 - GRIP_PX || py > y1 + GRIP_PX) return null;
    const edges = (near(px, x0) ? "w" : near(px, x1) ? "e" : "")
      + (near(py, y0) ? "n" : near(py, y1) ? "s" : "");
    return { edges: edges || "move", roi };
  }

  /** The ROI that a drag to a place asks for, on cell borders. */
  roiAt(at) {
    const { panel, drag } = this;
    const { grid } = this.explorer;
    if (!panel.isMap) return undefined;
    const [rows, columns] = grid.shape;
    const [ox, oy] = grid.origin;
    const [dx, dy] = grid.step;
    const border = (v, origin, step, count) =>
      Math.max(0, Math.min(count, Math.round((v - origin) / step + 0.5)));
    const cell = (place) => {
      const [x, y] = panel.toData(...place);
      return [border(x, ox, dx, columns), border(y, oy, dy, rows)];
    };
    let [c1, r1] = cell(at);
    let c0, r0;
    if (!drag.grip) {
      [c0, r0] = cell(drag.start);
    } else {
      // Bounds of a ROI are coordinates, not borders: half a step further, rounding undoes it.
      const index = (v, origin, step) => Math.round((v - origin) / step);
      const { edges, roi } = drag.grip;
      const was = [index(roi[0], ox, dx), index(roi[1], ox, dx), index(roi[2], oy, dy), index(roi[3], oy, dy)];
      if (edges === "move") {
        const [cs, rs] = cell(drag.start);
        const shift = (by, low, high, count) => Math.max(-low, Math.min(count - high, by));
        const sc = shift(c1 - cs, was[0], was[1], columns);
        const sr = shift(r1 - rs, was[2], was[3], rows);
        [c0, c1, r0, r1] = [was[0] + sc, was[1] + sc, was[2] + sr, was[3] + sr];
      } else {
        const [c, r] = [c1, r1];
        [c0, c1, r0, r1] = was;
        if (edges.includes("w")) c0 = c;
        if (edges.includes("e")) c1 = c;
        if (edges.includes("n")) r0 = r;
        if (edges.includes("s")) r1 = r;
      }
    }
    [c0, c1] = ordered(c0, c1, columns);
    [r0, r1] = ordered(r0, r1, rows);
    const at0 = (k, origin, step) => Number((origin + k * step).toPrecision(12));
    return [at0(c0, ox, dx), at0(c1, ox, dx), at0(r0, oy, dy), at0(r1, oy, dy)];
  }

  cursor(at) {
    const { tool, keys: { space } } = this.explorer;
    let cursor = "crosshair";
    if (!this.panel.contains(...at)) cursor = "default";
    else if (tool === "pan" || space) cursor = "grab";
    else if (tool === "roi" && !this.panel.isMap) cursor = "default";
    else if (tool === "roi") {
      const grip = this.gripAt(at)?.edges;
      const resize = { n: "ns", s: "ns", e: "ew", w: "ew", wn: "nwse", es: "nwse", en: "nesw", ws: "nesw" };
      if (grip === "move") cursor = "move";
      else if (grip) cursor = `${resize[grip]}-resize`;
    }
    this.panel.overlay.style.cursor = cursor;
  }
}

/** Order two borders and keep at least one cell between them. */
function ordered(a, b, count) {
  const [low, high] = a < b ? [a, b] : [b, a];
  if (high > low) return [low, high];
  return low < count ? [low, low + 1] : [low - 1, low];
}
