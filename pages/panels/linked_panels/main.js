/** Entry of the component: one explorer per element that Streamlit gives. */

import { Explorer } from "./explorer.js";

/** @type {WeakMap<ShadowRoot|HTMLElement, Explorer>} */
const explorers = new WeakMap();

/**
 * Show new data; Streamlit calls this at every change of data or theme with the same element.
 * @param {import("./explorer.js").Component} component
 */
export function update(component) {
  const element = component.parentElement;
  const explorer = explorers.get(element) ?? new Explorer(component);
  explorers.set(element, explorer);
  explorer.update(component);
}

/**
 * Leave the page.
 * @param {ShadowRoot|HTMLElement} element
 */
export function unmount(element) {
  explorers.get(element)?.destroy();
  explorers.delete(element);
}
