/** The state that server and browser share: who is right, undo, and when it is sent. */

import { History } from "./history.js";
import { NO_STATE } from "./data.js";

/** @typedef {import("./data.js").State} State */

const SEND_LATER_MS = 250;

export class SharedState {
  /** @param {(state: State, announcement: string) => void} deliver */
  constructor(deliver) {
    this.deliver = deliver;
    this.history = new History();
    this.state = NO_STATE;
    this.timer = 0;
  }

  /**
   * Take over the server's state unless the user has gone on meanwhile.
   * @param {State} incoming
   * @returns {boolean} whether anything changed
   */
  adopt(incoming) {
    const { state } = this;
    if (state !== NO_STATE) {
      if (incoming.revision < state.revision) return false;
      if (JSON.stringify(content(incoming)) === JSON.stringify(content(state))) return false;
      const before = undoable(state);
      const changed = JSON.stringify(before) !== JSON.stringify(undoable(incoming));
      if (changed) this.history.push(before);
    }
    this.state = incoming;
    return true;
  }

  /**
   * Change the state for good: undoable where undo restores it, and sent.
   * @param {Partial<State>} part
   * @param {string} announcement
   * @param {boolean} later more of the same is likely to follow
   */
  change(part, announcement, later = false) {
    // Before its first word there is nothing that the server could change.
    if (this.state === NO_STATE) return;
    if (Object.keys(undoable(this.state)).some((name) => name in part)) {
      this.history.push(undoable(this.state));
    }
    this.replace(part, announcement, later);
  }

  /**
   * Undo or redo.
   * @param {"undo"|"redo"} direction
   * @returns {boolean} whether there was anything
   */
  restore(direction) {
    const found = this.history[direction](undoable(this.state));
    if (found) this.replace(found, direction === "undo" ? "Undone." : "Redone.", false);
    return Boolean(found);
  }

  /**
   * @param {Partial<State>} part
   * @param {string} announcement
   * @param {boolean} later
   */
  replace(part, announcement, later) {
    // Counted up at once, even where it is sent later: an answer that arrives in between is old.
    this.state = { ...this.state, ...part, revision: this.state.revision + 1 };
    clearTimeout(this.timer);
    const send = () => this.deliver(this.state, announcement);
    if (later) this.timer = setTimeout(send, SEND_LATER_MS);
    else send();
  }

  /** Send nothing more. */
  stop() {
    clearTimeout(this.timer);
  }
}

/**
 * What undo restores.
 * @param {State} state
 */
function undoable({ selections, roi, panels }) {
  return { selections, roi, panels: panels ?? null };
}

/**
 * What a state says, leaving out how often it changed.
 * @param {State} state
 */
function content({ selections, active, roi, pinned, threshold, panels }) {
  return [selections.A, selections.B, active, roi, pinned, threshold ?? null, panels ?? null];
}
