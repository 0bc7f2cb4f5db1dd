/** Work that takes longer than a frame, in pieces: generators that pause after each. */

/** @typedef {() => boolean} Late whether the time for this frame is used up */

/** Points that are handled between two looks at the clock: a few milliseconds' work. */
export const PIECE = 1 << 16;

/** @type {Late} Finish at once. */
export const never = () => false;

/**
 * Beginning and end of pieces of n points.
 * @param {number} n
 * @param {number} [length]
 * @returns {Generator<[number, number], void>}
 */
export function* pieces(n, length = PIECE) {
  for (let from = 0; from < n; from += length) yield [from, Math.min(n, from + length)];
}

/**
 * Go on with some work, by one piece at least.
 * @param {Generator<unknown, unknown>} work
 * @param {Late} late
 * @returns whether it is done
 */
export function goOn(work, late) {
  do if (work.next().done) return true; while (!late());
  return false;
}

/**
 * Do all of the work at once.
 * @template R
 * @param {Generator<unknown, R>} work
 * @returns {R}
 */
export function finish(work) {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
