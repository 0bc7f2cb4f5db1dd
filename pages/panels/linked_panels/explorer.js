/** One explorer: its parts, how they are joined, and what goes to the server and comes from it. */

import { Board } from "./board.js";
import { Brushing } from "./brushing.js";
import { Drawing } from "./drawing.js";
import { Export } from "./export.js";
import { Focus } from "./focus.js";
import { Inspector } from "./inspector.js";
import { Keys } from "./keys.js";
import { Legends } from "./legend.js";
import { Loader } from "./loader.js";
import { PanelDrag } from "./panel_drag.js";
import { PanelMenu } from "./panel_menu.js";
import { Parts } from "./parts.js";
import { PlateauPlot } from "./plateau.js";
import { Pointer } from "./pointer.js";
import { Points } from "./points.js";
import { Probe } from "./probe.js";
import { RoiSliders } from "./roi_sliders.js";
import { Sheet } from "./sheet.js";
import { SharedState } from "./shared_state.js";
import { Toolbar } from "./toolbar.js";
import { Tools } from "./tools.js";
import { Tooltip } from "./tooltip.js";
import { css, readTheme } from "./colors.js";
import { h } from "../browser/dom.js";

/**
 * @typedef {import("./data.js").Data} Data
 * @typedef {{data: Data, parentElement: ShadowRoot|HTMLElement,
 *   setStateValue: (name: string, value: unknown) => void,
 *   setTriggerValue: (name: string, value: unknown) => void}} Component as Streamlit hands it in
 */

export class Explorer {
  /** @param {Component} component */
  constructor(component) {
    this.component = component;
    const schedule = () => this.drawing.schedule();
    /** @param {string[]} messages */
    const say = (messages) => {
      this.messages.replaceChildren(...messages.map((text) => h("p", {}, text)));
    };
    this.loader = new Loader({
      show: (data, arrays) => this.show(data, arrays),
      say,
      missing: (url) => this.component.setTriggerValue("missing", url),
    });
    this.shared = new SharedState((state, announcement) => {
      this.component.setStateValue("state", state);
      this.probe.noteSent(state);
      this.toolbar.announce(announcement);
    });
    this.points = new Points();
    this.brushing = new Brushing(this.points, this.shared, { schedule, say });
    this.parts = new Parts(this.points, this.shared, (...change) => this.brushing.change(...change));
    this.plateau = new PlateauPlot(this.parts, schedule);
    this.tooltip = new Tooltip();
    this.inspector = new Inspector(this.points, this.shared, this.tooltip, schedule);
    this.board = new Board(this.points, this.brushing, schedule);
    this.focus = new Focus(this.board, this.shared);
    this.menu = new PanelMenu(this.points, this.shared, (panels) => {
      this.brushing.change({ panels }, "Panels changed.");
    });
    this.board.choose = (panel) => this.menu.open(panel.spec.place ?? 0, panel.element);
    this.panelDrag = new PanelDrag(this.board, this.menu);
    this.tools = new Tools(schedule);
    this.legends = new Legends(this);
    this.board.legends = this.legends;
    this.toolbar = new Toolbar({
      tool: (name) => this.tools.choose(name),
      mode: (name) => this.tools.combine(name),
      slot: (slot) => this.brushing.activate(slot),
      clear: () => this.brushing.clear(),
      clearRoi: () => this.brushing.clearRoi(),
      undo: () => this.brushing.restore("undo"),
      redo: () => this.brushing.restore("redo"),
      reset: () => this.board.resetView(null),
      add: () => this.menu.add(),
      sheet: () => this.sheet.open(),
    });
    this.roiSliders = new RoiSliders(this.brushing, this.toolbar.clearRoi);
    this.sheet = new Sheet();
    this.messages = h("div", { class: "lp-messages", role: "status" });
    // The tab key comes to the panels before it comes to the ends of the sliders.
    this.root = h("div", { class: "lp-root" }, h("div", { class: "lp-head" }, this.toolbar.element),
      this.messages, this.plateau.element, this.board.element, this.roiSliders.element,
      this.menu.element, this.tooltip.element, this.sheet.element);
    const parent = component.parentElement;
    parent.append(this.root);
    // Streamlit fades what the running script has not reached yet. The panels go on working
    // meanwhile, and brushing must not make them flicker.
    const outer = "host" in parent ? parent.host : parent;
    /** @type {HTMLElement|null} */
    this.frameElement = outer.closest(".stElementContainer");
    this.frameElement?.style.setProperty("opacity", "1", "important");
    this.drawing = new Drawing(this, readTheme(this.root));
    new Keys(this);
    this.probe = new Probe(this);
  }

  /**
   * Show new data, as soon as its arrays are there.
   * @param {Component} component
   */
  update(component) {
    this.component = component;
    const theme = readTheme(this.root);
    // The server chooses color maps by the theme, and hears of another one with the next run only.
    if (theme.dark !== this.drawing.theme.dark) component.setTriggerValue("dark", theme.dark);
    this.drawing.dress(theme);
    this.root.style.setProperty("--lp-slot-a", css(theme.slots.A));
    this.root.style.setProperty("--lp-slot-b", css(theme.slots.B));
    this.loader.load(component.data);
  }

  /**
   * @param {Data} data
   * @param {import("./data.js").Arrays} arrays
   */
  show(data, arrays) {
    if (!this.root.isConnected) return;
    const news = this.points.take(data, arrays);
    if (news.moved) this.drawing.prepared = false;
    this.brushing.take(news);
    this.menu.update();
    for (const panel of this.board.take()) {
      panel.pointer = new Pointer(panel, this);
      new Export(panel, this);
    }
    this.drawing.schedule();
  }

  /** Give up what is being drawn, or else show all panels again. */
  escape() {
    if (this.menu.close()) return;
    let stopped = this.panelDrag.cancel();
    for (const { pointer } of this.board.panels.values()) stopped = pointer?.cancel() || stopped;
    if (!stopped && this.board.enlarged) this.board.enlarge(this.board.enlarged);
  }

  /** Leave nothing behind. */
  destroy() {
    this.drawing.stop();
    this.focus.stop();
    this.shared.stop();
    this.roiSliders.stop();
    this.loader.stop();
    this.tooltip.hide();
    this.board.stop();
    this.probe.remove();
    this.frameElement?.style.removeProperty("opacity");
    this.root.remove();
  }
}
