/** Text on a canvas. */

/**
 * Say the common factor of the tick labels beside what they are.
 * @param {string} label
 * @param {string} factor
 */
export function withFactor(label, factor) {
  return factor ? `${label}  (${factor})` : label;
}

/**
 * Shorten text in the middle: names in one file often begin alike, and differ at their ends.
 * @param {string} text
 * @param {number} length
 */
export function shortened(text, length) {
  if (text.length <= length) return text;
  const start = Math.floor((length - 1) / 2);
  return `${text.slice(0, start)}…${text.slice(text.length - (length - 1 - start))}`;
}

/**
 * Write text, shortened with an ellipsis where it doesn't fit.
 * @param {CanvasRenderingContext2D} c
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {number} room
 */
export function fitText(c, text, x, y, room) {
  let shown = text;
  // No letter is narrower than three pixels on average.
  let most = Math.min(text.length, Math.ceil(room / 3));
  for (; most > 4 && c.measureText(shown).width > room; most--) {
    shown = shortened(text, most - 1);
  }
  c.fillText(shown, x, y);
}
