/** The point under the pointer and the pinned one. */

import { formatNumber } from "./ticks.js";

/**
 * @typedef {import("./data.js").Pair} Pair
 * @typedef {import("./panel.js").Panel} Panel
 * @typedef {{panel: Panel, at: Pair, x: number, y: number}} Place in a panel's body, and in the
 *   window
 */

const HOVER_PX = 8;

export class Inspector {
  /**
   * @param {import("./points.js").Points} points
   * @param {import("./shared_state.js").SharedState} shared
   * @param {import("./tooltip.js").Tooltip} tooltip
   * @param {import("./drawing.js").Schedule} schedule
   */
  constructor(points, shared, tooltip, schedule) {
    this.points = points;
    this.shared = shared;
    this.tooltip = tooltip;
    this.schedule = schedule;
    this.hovered = -1;
    /** @type {Place|null} */
    this.hoverAt = null;
  }

  /**
   * Point at a place in the body of a panel, or −1.
   * @param {Panel} panel
   * @param {Pair} at
   */
  pointAt(panel, at) {
    if (panel.along !== null) return -1;
    const [x, y] = panel.projection.toData(at);
    if (panel.isMap) return this.points.inCell(x, y);
    const [ux, uy] = panel.projection.unitsPerPixel;
    const axes = this.points.axesOf(panel.axesId);
    return axes ? axes.cells().nearest(axes.x, axes.y, x, y, HOVER_PX * ux, HOVER_PX * uy) : -1;
  }

  /**
   * Tell about the point at a place in the next frame; null puts the tooltip away.
   * @param {Place|null} place
   */
  hover(place) {
    this.hoverAt = place;
    this.schedule();
  }

  /** Bring the tooltip up to date. */
  flush() {
    const { hoverAt } = this;
    const i = hoverAt ? this.pointAt(hoverAt.panel, hoverAt.at) : -1;
    this.hovered = i;
    if (!hoverAt || i < 0) {
      this.tooltip.hide();
      return;
    }
    const { patterns } = this.points.data;
    this.tooltip.show(
      i, this.describe(hoverAt.panel, i), patterns && `${patterns}/${i}.png`, hoverAt,
    );
  }

  /**
   * Label and text of what the tooltip says about a point.
   * @param {Panel} panel
   * @param {number} i
   * @returns {Array<[string, string]>}
   */
  describe(panel, i) {
    const { arrays, data, grid } = this.points;
    const x = arrays.get("x");
    const y = arrays.get("y");
    /** @type {Array<[string, string]>} */
    const rows = [["#", String(this.numberOf(i))]];
    if (x && y) {
      rows.push(["x, y", `${formatNumber(x[i])}, ${withUnit(y[i], grid?.unit ?? "")}`]);
    } else {
      rows.push([panel.spec.xLabel, formatNumber(panel.x[i])]);
      rows.push([panel.spec.yLabel, formatNumber(panel.y[i])]);
    }
    const region = data.regions?.names[arrays.get(data.regions.array)?.[i] ?? -1];
    if (region) rows.push(["region", region]);
    for (const [label, name, unit] of data.hover) {
      const values = arrays.get(name);
      if (!values) continue;
      rows.push([label, this.nameOf(name, values[i]) ?? withUnit(values[i], unit)]);
    }
    return rows;
  }

  /**
   * What a label of an array is called, where a coloring has names for it.
   * @param {string} array
   * @param {number} label
   */
  nameOf(array, label) {
    for (const coloring of Object.values(this.points.data.colorings)) {
      if (!("names" in coloring)) continue;
      if ((coloring.type === "shaded" ? coloring.labels : coloring.array) === array) {
        return coloring.names[label];
      }
    }
    return undefined;
  }

  /**
   * The number that a point has among all, of which the browser may have but some.
   * @param {number} i
   */
  numberOf(i) {
    return this.points.arrays.get("point")?.[i] ?? i;
  }

  /**
   * Pin the point at a place, or let go of it.
   * @param {Panel} panel
   * @param {Pair} at
   */
  pinAt(panel, at) {
    const found = this.pointAt(panel, at);
    this.pin(found < 0 || found === this.shared.state.pinned ? null : found);
  }

  /** @param {number|null} point */
  pin(point) {
    if (point === this.shared.state.pinned) return;
    const announcement = point === null ? "Nothing pinned." : `Point ${this.numberOf(point)} pinned.`;
    // Later, because a double click or another arrow key may follow.
    this.shared.change({ pinned: point }, announcement, true);
    this.schedule();
  }

  /**
   * Pin the next scanned cell of a map in a direction.
   * @param {Panel} panel
   * @param {number} dx columns
   * @param {number} dy rows
   */
  stepPin(panel, dx, dy) {
    const { pinned } = this.shared.state;
    if (pinned === null) {
      const middle = this.pointAt(panel, panel.projection.middle);
      this.pin(middle >= 0 ? middle : this.points.pointOf.find((i) => i >= 0) ?? null);
      return;
    }
    const next = this.points.beside(pinned, dx, dy);
    if (next >= 0) this.pin(next);
  }
}

/**
 * Write a value with its unit.
 * @param {number} value
 * @param {string} unit
 */
function withUnit(value, unit) {
  return unit ? `${formatNumber(value)} ${unit}` : formatNumber(value);
}
