/** Where the data of a panel are in its body: a viewport's range, on the pixels of the plot. */

/**
 * @typedef {import("./data.js").Pair} Pair
 * @typedef {import("./data.js").Range} Range
 * @typedef {{left: number, top: number, width: number, height: number}} Rect in CSS pixels
 */

const MAX_ASPECT = 8;

export class Projection {
  /**
   * @param {import("./viewport.js").Viewport} viewport
   * @param {boolean} down whether y runs downwards, as on a map
   */
  constructor(viewport, down) {
    this.viewport = viewport;
    this.down = down;
    /** Whether one unit of x is as long as one of y. */
    this.equal = false;
    /** @type {Rect} */
    this.plot = { left: 0, top: 0, width: 1, height: 1 };
  }

  /** Width over height of the home range, within reason. */
  get aspect() {
    const { home } = this.viewport;
    const aspect = (home.x1 - home.x0) / (home.y1 - home.y0);
    return Math.min(MAX_ASPECT, Math.max(1 / MAX_ASPECT, aspect));
  }

  /**
   * The range that is drawn: the viewport's, widened where the aspect must be kept.
   * @returns {Range}
   */
  get view() {
    const { x0, x1, y0, y1 } = this.viewport.range;
    if (!this.equal) return { x0, x1, y0, y1 };
    const perX = (x1 - x0) / this.plot.width;
    const perY = (y1 - y0) / this.plot.height;
    const unit = Math.max(perX, perY);
    const growX = ((unit - perX) * this.plot.width) / 2;
    const growY = ((unit - perY) * this.plot.height) / 2;
    return { x0: x0 - growX, x1: x1 + growX, y0: y0 - growY, y1: y1 + growY };
  }

  /** How many times larger than at home lengths are drawn, on the average of both axes. */
  get magnification() {
    const { view, viewport: { home } } = this;
    return Math.sqrt(
      ((home.x1 - home.x0) * (home.y1 - home.y0)) / ((view.x1 - view.x0) * (view.y1 - view.y0)),
    );
  }

  /** @returns {Pair} the place in the middle of the plot */
  get middle() {
    const { left, top, width, height } = this.plot;
    return [left + width / 2, top + height / 2];
  }

  /**
   * Data coordinates of a place in the body.
   * @param {Pair} place
   * @returns {Pair}
   */
  toData([px, py]) {
    const { left, top, width, height } = this.plot;
    const { x0, x1, y0, y1 } = this.view;
    const part = (py - top) / height;
    return [x0 + ((px - left) / width) * (x1 - x0), y0 + (this.down ? part : 1 - part) * (y1 - y0)];
  }

  /**
   * Place in the body of data coordinates.
   * @param {Pair} point
   * @returns {Pair}
   */
  toPixel([x, y]) {
    const { left, top, width, height } = this.plot;
    const { x0, x1, y0, y1 } = this.view;
    const part = (y - y0) / (y1 - y0);
    return [left + ((x - x0) / (x1 - x0)) * width, top + (this.down ? part : 1 - part) * height];
  }

  /**
   * Data units of one CSS pixel along x and y.
   * @returns {Pair}
   */
  get unitsPerPixel() {
    const { x0, x1, y0, y1 } = this.view;
    return [(x1 - x0) / this.plot.width, (y1 - y0) / this.plot.height];
  }

  /**
   * Whether a place in the body is in the plot.
   * @param {Pair} place
   */
  contains([px, py]) {
    const { left, top, width, height } = this.plot;
    return px >= left && px <= left + width && py >= top && py <= top + height;
  }

  /**
   * Zoom about a place.
   * @param {Pair} place
   * @param {number} factor below 1 zooms in
   */
  zoomAt(place, factor) {
    const [x, y] = this.toData(place);
    this.viewport.zoom(this.view, x, y, factor);
  }

  /**
   * Move what is seen by CSS pixels.
   * @param {number} px
   * @param {number} py
   */
  panBy(px, py) {
    const [ux, uy] = this.unitsPerPixel;
    this.viewport.pan(this.view, -px * ux, this.down ? -py * uy : py * uy);
  }
}
