/** Two fingers on a plot: they move it, and zoom it by the distance between them. */

/** @typedef {import("./data.js").Pair} Pair */

/** Nearer fingers would zoom by leaps. */
const NEAREST_PX = 20;

export class Pinch {
  /**
   * @param {import("./panel.js").Panel} panel
   * @param {import("./board.js").Board} board
   * @param {() => void} begin gives up what the first finger had begun
   */
  constructor(panel, board, begin) {
    this.panel = panel;
    this.board = board;
    this.begin = begin;
    /** @type {Map<number, Pair>} */
    this.fingers = new Map();
    const { overlay } = panel;
    overlay.addEventListener("pointerdown", (event) => this.down(event));
    overlay.addEventListener("pointermove", (event) => this.move(event));
    for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
      overlay.addEventListener(name, ({ pointerId }) => this.fingers.delete(pointerId));
    }
  }

  /** Whether there are two fingers: what each of them does alone waits until both are gone. */
  get busy() {
    return this.fingers.size === 2;
  }

  /** @param {PointerEvent} event @returns {Pair} */
  place({ clientX, clientY }) {
    const { left, top } = this.panel.overlay.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.pointerType !== "touch" || this.busy) return;
    this.panel.overlay.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, this.place(event));
    if (this.busy) this.begin();
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!this.fingers.has(event.pointerId)) return;
    const before = [...this.fingers.values()];
    this.fingers.set(event.pointerId, this.place(event));
    if (!this.busy) return;
    const { center, shift, factor } = pinched(before, [...this.fingers.values()]);
    this.board.panBy(this.panel, ...shift);
    this.board.zoomAt(this.panel, center, factor);
  }
}

/**
 * What two fingers ask for that went from some places to others.
 * @param {Pair[]} before
 * @param {Pair[]} after
 * @returns {{center: Pair, shift: Pair, factor: number}} factor below 1 zooms in
 */
export function pinched(before, after) {
  const [from, to] = [before, after].map(([a, b]) => ({
    x: (a[0] + b[0]) / 2,
    y: (a[1] + b[1]) / 2,
    apart: Math.max(NEAREST_PX, Math.hypot(a[0] - b[0], a[1] - b[1])),
  }));
  return {
    center: [to.x, to.y], shift: [to.x - from.x, to.y - from.y], factor: from.apart / to.apart,
  };
}
