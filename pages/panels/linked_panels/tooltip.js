/** What a point is: a small card at the pointer, with the pattern's thumbnail. */

import { h } from "../browser/dom.js";

const PATIENCE_MS = 90;
const GAP = 16;

export class Tooltip {
  constructor() {
    this.image = h("img", { class: "lp-thumbnail", alt: "" });
    this.image.hidden = true;
    this.image.onload = () => {
      this.image.hidden = false;
    };
    this.image.onerror = () => {
      this.image.hidden = true;
    };
    this.rows = h("dl", { class: "lp-values" });
    this.element = h("div", { class: "lp-tooltip", role: "tooltip" }, this.rows, this.image);
    this.element.hidden = true;
    this.point = -1;
    this.timer = 0;
  }

  /**
   * Show a point at a place in the window.
   * @param {number} point
   * @param {Array<[string, string]>} values label and text
   * @param {string|null} thumbnail URL
   * @param {{x: number, y: number}} at client coordinates
   */
  show(point, values, thumbnail, at) {
    if (point !== this.point) {
      this.point = point;
      this.rows.replaceChildren(
        ...values.flatMap(([label, text]) => [h("dt", {}, label), h("dd", {}, text)]),
      );
      clearTimeout(this.timer);
      this.image.hidden = true;
      if (thumbnail) {
        // While the pointer passes over many points, none of their patterns is asked for.
        this.timer = setTimeout(() => {
          this.image.src = thumbnail;
        }, PATIENCE_MS);
      }
    }
    this.element.hidden = false;
    const { width, height } = this.element.getBoundingClientRect();
    const room = thumbnail ? Math.max(height, 150) : height;
    const left = at.x + GAP + width > window.innerWidth ? at.x - GAP - width : at.x + GAP;
    const top = at.y + GAP + room > window.innerHeight ? at.y - GAP - room : at.y + GAP;
    this.element.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }

  /** Put it away. */
  hide() {
    clearTimeout(this.timer);
    this.point = -1;
    this.element.hidden = true;
  }
}
