/** Undo and redo over immutable snapshots. */

const DEPTH = 100;

export class History {
  constructor() {
    this.past = [];
    this.future = [];
  }

  /** Remember the state that is about to be replaced. */
  push(snapshot) {
    this.past.push(snapshot);
    if (this.past.length > DEPTH) this.past.shift();
    this.future = [];
  }

  /** Return the state before, given the present one; null where there is none. */
  undo(present) {
    if (!this.past.length) return null;
    this.future.push(present);
    return this.past.pop();
  }

  /** Return the state that was undone, given the present one; null where there is none. */
  redo(present) {
    if (!this.future.length) return null;
    this.past.push(present);
    return this.future.pop();
  }
}
