/** The visible part of a pair of axes. The maps share one, each scatter has its own. */

/** @typedef {import("./data.js").Range} Range */

const MIN_PART = 1e-4;
const MAX_PART = 3;

export class Viewport {
  /** @param {boolean} confined whether it may not leave its home range (maps) */
  constructor(confined) {
    this.confined = confined;
    /**
     * The whole range; any before the first `setHome`.
     * @type {Range}
     */
    this.home = { x0: 0, x1: 1, y0: 0, y1: 1 };
    /** The visible part. */
    this.range = { ...this.home };
  }

  /**
   * Say what the whole range is. The visible part is kept unless the range is another one.
   * @param {Range} home
   */
  setHome(home) {
    const { x0, x1, y0, y1 } = this.home;
    const same = x0 === home.x0 && x1 === home.x1 && y0 === home.y0 && y1 === home.y1;
    this.home = home;
    if (!same) this.range = { ...home };
  }

  /** Whether another part than the whole is seen. */
  get zoomed() {
    const { home, range } = this;
    return home.x0 !== range.x0 || home.x1 !== range.x1
      || home.y0 !== range.y0 || home.y1 !== range.y1;
  }

  /** Show the whole range. */
  reset() {
    this.range = { ...this.home };
  }

  /**
   * Zoom about a point.
   * @param {Range} shown the range as it is drawn
   * @param {number} x
   * @param {number} y
   * @param {number} factor below 1 zooms in
   */
  zoom(shown, x, y, factor) {
    const part = (shown.x1 - shown.x0) / (this.home.x1 - this.home.x0);
    const limit = this.confined ? 1 : Math.max(MAX_PART, part);
    const f = Math.min(limit / part, Math.max(MIN_PART / part, factor));
    this.range = this.confine({
      x0: x + (shown.x0 - x) * f,
      x1: x + (shown.x1 - x) * f,
      y0: y + (shown.y0 - y) * f,
      y1: y + (shown.y1 - y) * f,
    });
  }

  /**
   * Move by a distance in data units.
   * @param {Range} shown
   * @param {number} dx
   * @param {number} dy
   */
  pan(shown, dx, dy) {
    this.range = this.confine({
      x0: shown.x0 + dx,
      x1: shown.x1 + dx,
      y0: shown.y0 + dy,
      y1: shown.y1 + dy,
    });
  }

  /**
   * @param {Range} range
   * @returns {Range}
   */
  confine(range) {
    if (!this.confined) return range;
    /** @param {number} low @param {number} high @param {number} from @param {number} to */
    const along = (low, high, from, to) => {
      if (high - low >= to - from) return [from, to];
      const shift = Math.max(0, from - low) - Math.max(0, high - to);
      return [low + shift, high + shift];
    };
    const [x0, x1] = along(range.x0, range.x1, this.home.x0, this.home.x1);
    const [y0, y1] = along(range.y0, range.y1, this.home.y0, this.home.y1);
    return { x0, x1, y0, y1 };
  }
}
