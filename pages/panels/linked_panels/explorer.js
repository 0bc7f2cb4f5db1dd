/** The panels together: what they show, what is selected, and what the server is told. */

import { CellIndex } from "./cells.js";
import { Keeper } from "./keeper.js";
import { Keys } from "./keys.js";
import { MissingArray, loadArray } from "./arrays.js";
import { Panel } from "./panel.js";
import { Pointer } from "./pointer.js";
import { Probe } from "./probe.js";
import { Selection } from "./selection.js";
import { Toolbar } from "./toolbar.js";
import { Tooltip, withUnit } from "./tooltip.js";
import { Viewport } from "./viewport.js";
import { colorize, css, readTheme } from "./colors.js";
import { fillLegend } from "./legend.js";
import { gridRange, neededArrays, pointRange, sameAxes } from "./data.js";
import { h } from "./dom.js";

const HOVER_PX = 8;
const NARROW_PX = 720;
const MAX_STROKES = 60;
const MAX_REFILLS = 4;

export class Explorer {
  /** @param {ShadowRoot|HTMLElement} parent */
  constructor(parent) {
    this.panels = new Map();
    this.pointers = new Map();
    this.viewports = new Map();
    this.colored = new Map();
    this.tool = "box";
    this.mode = "replace";
    this.data = null;
    this.hovered = -1;
    this.highlight = null;
    this.refills = 0;
    this.keeper = new Keeper((state, announcement) => this.tell(state, announcement));
    this.buildDom(parent);
    this.keys = new Keys(this);
    this.observer = new ResizeObserver(() => this.schedule({ layout: true }));
    this.observer.observe(this.board);
    this.todo = {};
    this.probe = new Probe(this);
  }

  buildDom(parent) {
    this.toolbar = new Toolbar({
      tool: (name) => this.setTool(name),
      mode: (name) => this.setMode(name),
      slot: (slot) => this.setSlot(slot),
      clear: () => this.clear(),
      clearRoi: () => this.change({ roi: null }, "Region of interest cleared."),
      undo: () => this.restore("undo"),
      redo: () => this.restore("redo"),
      reset: () => this.resetView(null),
    });
    this.tooltip = new Tooltip();
    this.messages = h("div", { class: "lp-messages", role: "status" });
    this.board = h("div", { class: "lp-grid" });
    this.root = h("div", { class: "lp-root" }, this.toolbar.element, this.messages, this.board,
      this.tooltip.element);
    parent.append(this.root);
    // Streamlit fades what the running script has not reached yet. The panels go on working
    // meanwhile, and brushing must not make them flicker.
    this.frameElement = (parent.host ?? parent).closest?.(".stElementContainer") ?? null;
    this.frameElement?.style.setProperty("opacity", "1", "important");
  }

  // -- What the server says ---------------------------------------------------------------

  /**
   * Show new data. Arrays arrive later; a later call overtakes an earlier one.
   * @param {object} component as Streamlit hands it in
   */
  async update(component) {
    this.component = component;
    const { data } = component;
    this.latest = data;
    this.theme = readTheme(this.root);
    for (const slot of ["A", "B"]) {
      this.root.style.setProperty(`--lp-slot-${slot.toLowerCase()}`, css(this.theme.slots[slot]));
    }
    const names = neededArrays(data);
    const pending = setTimeout(() => this.say([...data.messages, "Loading the data…"]), 400);
    let arrays;
    try {
      arrays = await Promise.all(names.map((name) => loadArray(data.arrays[name])));
    } catch (error) {
      if (this.latest === data) this.fail(error, data);
      return;
    } finally {
      clearTimeout(pending);
    }
    if (this.latest !== data || !this.root.isConnected) return;
    this.refills = 0;
    this.apply(data, new Map(names.map((name, k) => [name, arrays[k]])));
    this.say(data.messages);
    // The tooltip's values are not needed for the first picture.
    for (const [, name] of data.hover) {
      loadArray(data.arrays[name]).then((array) => this.arrays.set(name, array), () => {});
    }
  }

  fail(error, data) {
    if (error instanceof MissingArray && this.refills < MAX_REFILLS) {
      this.refills += 1;
      this.component.setTriggerValue("missing", error.url);
      return;
    }
    console.error(error);
    this.say([...data.messages, `The data could not be loaded: ${error.message}`]);
  }

  say(messages) {
    this.messages.replaceChildren(...messages.map((text) => h("p", {}, text)));
  }

  apply(data, arrays) {
    const before = this.data;
    this.data = data;
    this.arrays = arrays;
    this.grid = data.grid;
    const fresh = !this.selection || this.selection.n !== data.n;
    if (fresh) this.selection = new Selection(data.n, (id) => this.axesOf(id));
    if (data.grid && arrays.has("row")) this.placeCells(data, before);
    const moved = fresh || !sameAxes(before, data);
    if (moved) {
      this.cells = new Map();
      this.prepared = false;
    }
    // Another clustering has other labels: the highlighted one means nothing any more.
    const relabelled = this.highlight && this.highlight.url !== data.arrays[this.highlight.array]?.url;
    if (relabelled || (fresh && this.highlight)) {
      this.highlight = null;
      this.selection.setHighlight(null);
    }
    this.matchPanels(data);
    const { state } = this;
    const adopted = this.keeper.adopt(data.state);
    if (moved || !state) this.evaluate(null);
    else if (adopted) this.evaluate(state);
    const filtered = before?.arrays.kept?.url !== data.arrays.kept?.url;
    if (filtered) this.applyRoi(this.roi);
    const classes = fresh || relabelled || filtered;
    this.schedule({ layout: true, classes, overlay: true, toolbar: true });
  }

  /** Find the point in each cell of the grid. */
  placeCells(data, before) {
    const key = (d) => d && JSON.stringify([d.arrays.row?.url, d.arrays.col?.url, d.grid?.shape]);
    if (this.pointOf && key(before) === key(data)) return;
    const [rows, columns] = data.grid.shape;
    const row = this.arrays.get("row");
    const col = this.arrays.get("col");
    this.pointOf = new Int32Array(rows * columns).fill(-1);
    for (let i = 0; i < data.n; i++) {
      const [r, c] = [row[i], col[i]];
      if (r >= 0 && r < rows && c >= 0 && c < columns) this.pointOf[r * columns + c] = i;
    }
  }

  /** Make, keep and drop panels so that they are those of the data, in their order. */
  matchPanels(data) {
    const before = this.colored;
    this.colored = new Map();
    const kept = new Set(data.panels.map((spec) => spec.id));
    for (const [id, panel] of this.panels) {
      if (kept.has(id)) continue;
      panel.element.remove();
      this.panels.delete(id);
      this.pointers.delete(id);
      this.viewports.delete(id);
      if (this.enlarged === panel) this.enlarged = null;
    }
    for (const spec of data.panels) {
      let panel = this.panels.get(spec.id);
      if (panel && panel.kind !== spec.kind) {
        panel.element.remove();
        panel = null;
      }
      if (panel) panel.setSpec(spec);
      else {
        panel = new Panel(spec, { enlarge: (p) => this.enlarge(p) });
        this.panels.set(spec.id, panel);
        this.pointers.set(spec.id, new Pointer(panel, this));
      }
      panel.x = this.arrays.get(spec.x);
      panel.y = this.arrays.get(spec.y);
      this.paintPanel(panel, before);
      this.frameOf(panel).setHome(panel.isMap ? gridRange(data.grid) : pointRange(panel.x, panel.y));
      panel.viewport = this.frameOf(panel);
      // Appending an element that is there already would take the focus from it.
      const place = data.panels.indexOf(spec);
      if (this.board.children[place] !== panel.element) {
        this.board.insertBefore(panel.element, this.board.children[place] ?? null);
      }
    }
    this.board.dataset.count = String(data.panels.length);
  }

  /**
   * Give a panel its colours; panels coloured alike share them. Most calls follow a brush and
   * change nothing here: then nothing is computed or drawn.
   */
  paintPanel(panel, before) {
    const { data, theme } = this;
    const coloring = data.colorings[panel.spec.color];
    const urls = (names) => names.map((name) => data.arrays[name]?.url);
    const signature = JSON.stringify(
      [coloring, urls([coloring.array, coloring.labels, coloring.value])],
    );
    const colors = this.colored.get(signature) ?? before.get(signature)
      ?? colorize(coloring, (name) => this.arrays.get(name), data.n);
    this.colored.set(signature, colors);
    const look = JSON.stringify([panel.spec, urls([panel.spec.x, panel.spec.y]), theme, data.grid]);
    if (panel.colors !== colors) {
      panel.coloring = coloring;
      panel.colors = colors;
      this.showLegend(panel);
    } else if (panel.look === look) return;
    panel.look = look;
    panel.invalidate();
  }

  showLegend(panel) {
    fillLegend(panel.legend, panel.coloring, panel.colors, this.highlight,
      (array, label) => this.toggleHighlight(array, label));
  }

  frameOf(panel) {
    const key = panel.isMap ? "maps" : panel.id;
    if (!this.viewports.has(key)) this.viewports.set(key, new Viewport(panel.isMap));
    return this.viewports.get(key);
  }

  /** Axes of a panel by its id, shown or not; null where they are not known. */
  axesOf(id) {
    const names = this.data.frames[id];
    if (!names) return null;
    const [x, y] = names.map((name) => this.arrays.get(name));
    if (!x || !y) return null;
    const key = names.join("\n");
    return {
      x,
      y,
      cells: () => {
        if (!this.cells.has(key)) this.cells.set(key, new CellIndex(x, y));
        return this.cells.get(key);
      },
    };
  }

  /** Compute the masks that differ from those of a former state. */
  evaluate(before) {
    const { state, selection } = this;
    for (const slot of ["A", "B"]) {
      if (before?.selections[slot] === state.selections[slot]) continue;
      selection.setShapes(slot, state.selections[slot]);
    }
    if (!before || before.roi !== state.roi) this.applyRoi(state.roi);
    this.schedule({ classes: true });
  }

  applyRoi(roi) {
    const x = this.arrays.get("x");
    const y = this.arrays.get("y");
    const kept = this.data.arrays.kept ? this.arrays.get("kept") : null;
    this.selection.setRoi(x && y ? roi : null, x, y, kept);
  }

  // -- What the user does -----------------------------------------------------------------

  /** The ROI as it is drawn now. */
  get roi() {
    return this.roiPreview ?? this.state.roi;
  }

  /** The state that is shared with the server. */
  get state() {
    return this.keeper.state;
  }

  /** Change the state for good: undoable, drawn, sent. */
  change(part, announcement) {
    if (!this.state) return;
    const before = this.state;
    this.keeper.change(part, announcement);
    this.evaluate(before);
  }

  tell(state, announcement) {
    this.component.setStateValue("state", state);
    this.probe.noteSent(state);
    this.toolbar.announce(announcement);
  }

  previewStroke(make) {
    this.strokeMaker = make;
    this.schedule({ stroke: true });
  }

  commitStroke() {
    this.flushStroke();
    const shape = this.stroke;
    this.strokeMaker = null;
    this.stroke = null;
    if (!shape) {
      this.schedule({ stroke: true });
      return;
    }
    const slot = this.state.active;
    const strokes = shape.mode === "replace" ? [shape] : [...this.state.selections[slot], shape];
    if (strokes.length > MAX_STROKES) {
      this.say([`A selection has at most ${MAX_STROKES} strokes; clear it or replace it.`]);
      this.schedule({ stroke: true });
      return;
    }
    this.selection.commitLive(slot);
    this.keeper.change(
      { selections: { ...this.state.selections, [slot]: strokes } },
      `${this.selection.count(slot, slot)} points selected.`,
    );
    this.schedule({ classes: true });
  }

  previewRoi(roi) {
    if (roi === undefined && this.roiPreview === undefined) return;
    this.roiPreview = roi;
    this.schedule({ roi: true });
  }

  commitRoi() {
    const roi = this.roiPreview;
    this.roiPreview = undefined;
    if (roi) this.change({ roi }, "Region of interest changed.");
  }

  clear() {
    const { selections, active } = this.state;
    if (!selections[active].length) return;
    this.change({ selections: { ...selections, [active]: [] } }, `Selection ${active} cleared.`);
  }

  restore(direction) {
    const before = this.state;
    if (this.keeper.restore(direction)) this.evaluate(before);
  }

  setTool(tool) {
    this.tool = tool;
    this.schedule({ overlay: true, toolbar: true });
  }

  setMode(mode) {
    this.mode = mode;
    this.schedule({ toolbar: true });
  }

  setSlot(slot) {
    if (slot !== this.state.active) this.change({ active: slot }, `Selection ${slot} is active.`);
  }

  toggleHighlight(array, label) {
    const same = this.highlight?.array === array && this.highlight.label === label;
    this.highlight = same ? null : { array, label, url: this.data.arrays[array].url };
    this.selection.setHighlight(same ? null : this.arrays.get(array), label);
    for (const panel of this.panels.values()) {
      for (const key of panel.legend.querySelectorAll(".lp-key")) key.blur();
      this.showLegend(panel);
    }
    this.schedule({ classes: true });
  }

  enlarge(panel) {
    this.enlarged = this.enlarged === panel ? null : panel;
    for (const other of this.panels.values()) {
      other.setEnlarged(other === this.enlarged);
      other.element.style.display = this.enlarged && other !== this.enlarged ? "none" : "";
    }
    this.schedule({ layout: true });
  }

  zoomAt(panel, [px, py], factor) {
    const [x, y] = panel.toData(px, py);
    panel.viewport.zoom(panel.view, x, y, factor);
    this.showView(panel);
  }

  panBy(panel, px, py) {
    const [ux, uy] = panel.unitsPerPixel();
    panel.viewport.pan(panel.view, -px * ux, panel.isMap ? -py * uy : py * uy);
    this.showView(panel);
  }

  resetView(panel) {
    for (const each of panel ? [panel] : this.panels.values()) {
      each.viewport.reset();
      this.showView(each);
    }
  }

  showView(panel) {
    for (const other of this.panels.values()) {
      if (other.viewport === panel.viewport) other.invalidate();
    }
    this.schedule({});
  }

  /** Point at a place in the body of a panel, or −1. */
  pointAt(panel, [px, py]) {
    const [x, y] = panel.toData(px, py);
    if (panel.isMap) {
      const { origin, step, shape } = this.grid;
      const c = Math.round((x - origin[0]) / step[0]);
      const r = Math.round((y - origin[1]) / step[1]);
      const inside = c >= 0 && r >= 0 && c < shape[1] && r < shape[0];
      return inside ? this.pointOf[r * shape[1] + c] : -1;
    }
    const [ux, uy] = panel.unitsPerPixel();
    const { cells } = this.axesOf(panel.id);
    return cells().nearest(panel.x, panel.y, x, y, HOVER_PX * ux, HOVER_PX * uy);
  }

  hover(panel, at, event) {
    this.hoverAt = at && { panel, at, x: event.clientX, y: event.clientY };
    this.schedule({ hover: true });
  }

  /** Pin the point at a place, or let go of it. */
  pinAt(panel, at) {
    const found = this.pointAt(panel, at);
    this.pin(found < 0 || found === this.state.pinned ? null : found);
  }

  pin(point) {
    if (point === this.state.pinned) return;
    const announcement = point === null ? "Nothing pinned." : `Point ${point} pinned.`;
    // Later, because a double click or another arrow key may follow.
    this.keeper.change({ pinned: point }, announcement, true);
    this.schedule({ overlay: true });
  }

  /** Pin the next scanned cell of a map in a direction. */
  stepPin(panel, dx, dy) {
    const [rows, columns] = this.grid.shape;
    const { pinned } = this.state;
    if (pinned === null) {
      const { left, top, width, height } = panel.plot;
      const middle = this.pointAt(panel, [left + width / 2, top + height / 2]);
      this.pin(middle >= 0 ? middle : this.pointOf.find((i) => i >= 0) ?? null);
      return;
    }
    let c = this.arrays.get("col")[pinned] + dx;
    let r = this.arrays.get("row")[pinned] + dy;
    while (c >= 0 && r >= 0 && c < columns && r < rows) {
      const next = this.pointOf[r * columns + c];
      if (next >= 0) {
        this.pin(next);
        return;
      }
      c += dx;
      r += dy;
    }
  }

  /** Give up what is being drawn, or else show all panels again. */
  escape() {
    let stopped = false;
    for (const pointer of this.pointers.values()) stopped = pointer.cancel() || stopped;
    if (!stopped && this.enlarged) this.enlarge(this.enlarged);
  }

  // -- Drawing ----------------------------------------------------------------------------

  /** Ask for a frame; several wishes before it are met by the same frame. */
  schedule(wishes) {
    // A wish that doesn't ask for something takes nothing back of what was asked before.
    for (const [name, wanted] of Object.entries(wishes)) this.todo[name] ||= wanted;
    if (this.frame || !this.root.isConnected) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.selection) this.draw();
    });
  }

  draw() {
    const started = performance.now();
    const { todo, selection, state } = this;
    this.todo = {};
    if (todo.layout) this.layout();
    if (todo.stroke) this.flushStroke();
    if (todo.roi) this.applyRoi(this.roi);
    if (todo.hover) this.flushHover();
    const classes = todo.classes || todo.stroke || todo.roi;
    selection.changedCount = 0;
    if (classes) selection.refresh(state.active);
    const overlays = classes || todo.hover || todo.overlay;
    for (const panel of this.panels.values()) {
      if (!panel.visible) {
        panel.invalidate();
        continue;
      }
      if (panel.stale.raster || classes) panel.drawData(this);
      if (panel.stale.axes) panel.drawAxes(this);
      if (panel.stale.overlay || overlays) panel.drawOverlay(this);
    }
    if (classes || todo.toolbar || todo.layout) this.showToolbar();
    if (!this.prepared) this.prepare();
    this.probe.noteFrame(started, Boolean(todo.stroke || todo.roi), this.inputTime);
    this.inputTime = 0;
  }

  /** Between the first picture and the first brush, do what that would otherwise wait for. */
  prepare() {
    this.prepared = true;
    const jobs = [...this.panels.values()].map((panel) => () => {
      if (!this.panels.has(panel.id)) return;
      if (!panel.isMap && !panel.stale.raster) panel.raster.rehearse(panel.colors.rgba);
      this.axesOf(panel.id)?.cells();
    });
    const next = () => {
      jobs.shift()?.();
      this.idle = jobs.length ? requestIdleCallback(next, { timeout: 500 }) : 0;
    };
    this.idle = requestIdleCallback(next, { timeout: 500 });
  }

  layout() {
    const width = this.board.clientWidth;
    const single = width < NARROW_PX || this.enlarged || this.panels.size === 1;
    this.board.classList.toggle("lp-single", Boolean(single));
    const dpr = window.devicePixelRatio || 1;
    const room = single ? width : width / 2;
    const height = this.enlarged
      ? Math.max(320, Math.min(window.innerHeight * 0.8, room * 0.75))
      : Math.max(260, Math.min(460, room * 0.62));
    const shown = [...this.panels.values()].filter((p) => p.element.style.display !== "none");
    const perRow = single ? 1 : 2;
    for (let k = 0; k < shown.length; k += perRow) {
      const row = shown.slice(k, k + perRow);
      // Beside a scatter a map has its height; maps alone take no more than they need.
      const needed = Math.max(...row.map((panel) => panel.neededHeight(height)));
      for (const panel of row) panel.layout(Math.round(needed), dpr);
    }
  }

  flushStroke() {
    this.stroke = this.strokeMaker?.() ?? null;
    this.selection.setLive(this.state.active, this.stroke);
  }

  flushHover() {
    const { hoverAt } = this;
    this.hovered = hoverAt ? this.pointAt(hoverAt.panel, hoverAt.at) : -1;
    if (this.hovered < 0) {
      this.tooltip.hide();
      return;
    }
    this.tooltip.show(this.hovered, this.describe(hoverAt.panel, this.hovered),
      this.data.patterns && `${this.data.patterns}/${this.hovered}.png`, hoverAt);
  }

  /** Label and text of what the tooltip says about a point. */
  describe(panel, i) {
    const x = this.arrays.get("x");
    const y = this.arrays.get("y");
    const unit = this.grid?.unit ?? "";
    const rows = [["#", String(i)]];
    if (x && y) rows.push(["x, y", `${withUnit(x[i], "")}, ${withUnit(y[i], unit)}`]);
    else {
      rows.push([panel.spec.xLabel, withUnit(panel.x[i], "")]);
      rows.push([panel.spec.yLabel, withUnit(panel.y[i], "")]);
    }
    for (const [label, name, valueUnit] of this.data.hover) {
      const values = this.arrays.get(name);
      if (values) rows.push([label, withUnit(values[i], valueUnit)]);
    }
    return rows;
  }

  showToolbar() {
    const { selection, state } = this;
    const { history } = this.keeper;
    this.toolbar.show({
      tool: this.tool,
      mode: this.stroke?.mode ?? this.heldMode ?? this.mode,
      active: state.active,
      counts: { A: selection.count("A", state.active), B: selection.count("B", state.active) },
      used: {
        A: selection.used.A || (selection.isLive && state.active === "A"),
        B: selection.used.B || (selection.isLive && state.active === "B"),
      },
      total: selection.countWithin(),
      roi: Boolean(this.roi),
      maps: this.data.panels.some((spec) => spec.kind === "map"),
      canUndo: history.past.length > 0,
      canRedo: history.future.length > 0,
    });
  }

  /** Leave nothing behind. */
  destroy() {
    cancelAnimationFrame(this.frame);
    if (this.idle) cancelIdleCallback(this.idle);
    this.keeper.stop();
    this.latest = null;
    this.tooltip.hide();
    this.observer.disconnect();
    this.probe.remove();
    this.frameElement?.style.removeProperty("opacity");
    this.root.remove();
  }
}
