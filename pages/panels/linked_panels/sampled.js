/**
 * Numbers of all points where the browser has but some of them: the server's where it has counted
 * what is drawn now, else estimates from those that are here.
 */

const NUMBER = new Intl.NumberFormat("en");
/** What an estimate from thousands of points is good for. */
const ROUNDED = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });

/**
 * @typedef {import("./data.js").Data} Data
 * @typedef {import("./data.js").Slot} Slot
 */

/**
 * Write how many points a number of those that are here stands for.
 * @param {Data} data
 * @param {number} count
 */
export function estimate({ sampled }, count) {
  if (!sampled) return NUMBER.format(count);
  return count === 0 ? "≈ 0" : `≈ ${ROUNDED.format((count * sampled.of) / sampled.even)}`;
}

/**
 * Write how many points of a slot are selected of how many.
 * @param {Data} data
 * @param {import("./brushing.js").Brushing} brushing
 * @param {Slot} slot
 * @param {number} count of those that are here
 * @param {number} total of those that are here
 */
export function countText(data, brushing, slot, count, total) {
  const { sampled, state: told } = data;
  const { shared: { state }, stroke, roi } = brushing;
  const within = Boolean(sampled) && same(roi, told.roi);
  const exact = within && !(stroke && state.active === slot)
    && same(state.selections[slot], told.selections[slot]);
  /** @param {"within"|Slot} name @param {boolean} known @param {number} here */
  const text = (name, known, here) => {
    const counted = known ? sampled?.counts[name] : undefined;
    return counted === undefined ? estimate(data, here) : NUMBER.format(counted);
  };
  return `${text(slot, exact, count)} of ${text("within", within, total)}`;
}

/**
 * What is drawn of how much, in a few words and in a sentence; empty where it is all.
 * @param {Data} data
 * @returns {[string, string]}
 */
export function drawnText({ n, sampled }) {
  if (!sampled) return ["", ""];
  const { even, of } = sampled;
  const few = `1 of ${ROUNDED.format(of / even)} drawn`;
  const more = n > even ? `, and ${NUMBER.format(n - even)} more of what is zoomed into` : "";
  return [few, `${NUMBER.format(even)} points are drawn, each of which stands for its neighbors${
    more || "; zoom in to see more of them"}. `
    + `Numbers are of all ${NUMBER.format(of)}; those with ≈ are estimated from what is `
    + "drawn until all are counted."];
}

/**
 * @param {unknown} a
 * @param {unknown} b
 */
function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
