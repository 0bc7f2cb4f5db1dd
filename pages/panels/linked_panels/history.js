/** Undo and redo over immutable snapshots. */

const DEPTH = 100;

/** @template T */
export class History {
  constructor() {
    /** @type {T[]} */
    this.past = [];
    /** @type {T[]} */
    this.future = [];
  }

  /**
   * Remember the state that is about to be replaced.
   * @param {T} snapshot
   */
  push(snapshot) {
    this.past.push(snapshot);
    if (this.past.length > DEPTH) this.past.shift();
    this.future = [];
  }

  /**
   * Return the state before, given the present one; null where there is none.
   * @param {T} present
   */
  undo(present) {
    return exchange(this.past, this.future, present);
  }

  /**
   * Return the state that was undone, given the present one; null where there is none.
   * @param {T} present
   */
  redo(present) {
    return exchange(this.future, this.past, present);
  }
}

/**
 * @template T
 * @param {T[]} from
 * @param {T[]} to
 * @param {T} present
 * @returns {T|null}
 */
function exchange(from, to, present) {
  const found = from.pop();
  if (found === undefined) return null;
  to.push(present);
  return found;
}
