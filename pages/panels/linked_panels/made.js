/**
 * What was made from what. Something is made anew exactly where one of the values that it was made
 * from is another one now; there are no flags that somebody could forget to set.
 */

export class Made {
  constructor() {
    /** @type {Map<string, unknown[]>} */
    this.from = new Map();
  }

  /**
   * Whether something was made from other values than these, or never. From now on it counts as
   * made from these, so that the caller must make it.
   * @param {string} name
   * @param {unknown[]} values compared by identity: numbers, texts, or objects that never change
   */
  differs(name, values) {
    if (this.same(name, values)) return false;
    this.from.set(name, values);
    return true;
  }

  /**
   * Whether something was made from these values.
   * @param {string} name
   * @param {unknown[]} values
   */
  same(name, values) {
    const before = this.from.get(name);
    return before !== undefined && alike(values, before);
  }

  /** Let nothing count as made. */
  forget() {
    this.from.clear();
  }
}

/**
 * Whether two lists hold the same values.
 * @param {unknown[]} a
 * @param {unknown[]} b
 */
export function alike(a, b) {
  return a.length === b.length && a.every((v, k) => Object.is(v, b[k]));
}

/**
 * A function of arrays, computed once for each of them: they never change, and are long.
 * @template {object} A
 * @template R
 * @param {(array: A) => R} compute
 * @returns {(array: A) => R}
 */
export function onceForEach(compute) {
  /** @type {WeakMap<A, R>} */
  const known = new WeakMap();
  return (array) => {
    const found = known.get(array) ?? compute(array);
    known.set(array, found);
    return found;
  };
}
