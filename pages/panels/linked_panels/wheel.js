/** What the wheel does over a plot: the page scrolls, unless zooming is what is meant. */

/** So long after a zoom the wheel goes on zooming, or the page would jump at its end. */
const SAME_TURN_MS = 400;

/**
 * @param {{ctrlKey: boolean, metaKey: boolean}} event a pinch on a touchpad comes with Ctrl
 * @param {boolean} zoomed whether the plot shows another range than its whole
 * @param {number} sinceZoom milliseconds
 * @returns {"zoom"|"scroll"}
 */
export function wheelMeans({ ctrlKey, metaKey }, zoomed, sinceZoom) {
  return ctrlKey || metaKey || zoomed || sinceZoom < SAME_TURN_MS ? "zoom" : "scroll";
}
