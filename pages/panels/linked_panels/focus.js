/** What is zoomed into, told to the server where it has more points of that than are here. */

const SETTLED_MS = 350;

/**
 * @typedef {import("./panel.js").Panel} Panel
 * @typedef {import("./data.js").Focus} Zoomed
 */

export class Focus {
  /**
   * @param {import("./board.js").Board} board
   * @param {import("./shared_state.js").SharedState} shared
   */
  constructor(board, shared) {
    this.board = board;
    this.shared = shared;
    /**
     * What each panel with axes of its own showed last, as text; "" where that is all.
     * @type {Map<string, string>}
     */
    this.seen = new Map();
    this.asked = "";
    this.timer = 0;
  }

  /** Ask for more points of the part that was zoomed into last, once it has come to rest. */
  follow() {
    if (!this.board.points.data.sampled) return;
    /** @type {Map<string, string>} */
    const now = new Map();
    for (const panel of this.board.panels.values()) {
      if (panel.visible && panel.along === null && !now.has(panel.axesId)) {
        now.set(panel.axesId, zoomedInto(panel));
      }
    }
    const moved = [...now].find(([id, text]) => text && text !== this.seen.get(id));
    const still = now.get(this.asked ? JSON.parse(this.asked).panel : "") ?? "";
    this.seen = now;
    const wanted = moved?.[1] ?? (still || ([...now.values()].find(Boolean) ?? ""));
    if (wanted === this.asked) return;
    this.asked = wanted;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.shared.change({ focus: wanted ? JSON.parse(wanted) : null }, "");
    }, SETTLED_MS);
  }

  /** Ask for nothing more. */
  stop() {
    clearTimeout(this.timer);
  }
}

/**
 * @param {Panel} panel
 * @returns {string}
 */
function zoomedInto({ axesId, projection: { view, viewport } }) {
  return viewport.zoomed ? JSON.stringify({ panel: axesId, range: view }) : "";
}
