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
 * Write text, shortened with an ellipsis where it doesn't fit.
 * @param {CanvasRenderingContext2D} c
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {number} room
 */
export function fitText(c, text, x, y, room) {
  let shown = text;
  while (shown.length > 4 && c.measureText(shown).width > room) shown = `${shown.slice(0, -2)}…`;
  c.fillText(shown, x, y);
}
