/** Elements and canvases. */

/**
 * Make an element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {{[name: string]: string|(() => void)|undefined, onclick?: () => void}} attributes
 * @param {...(Node|string)} children
 */
export function h(tag, { onclick, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (onclick) element.onclick = onclick;
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * The context of a canvas, which every browser has that runs these modules.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function context2d(canvas, settings) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", settings));
}
