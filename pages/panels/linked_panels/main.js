/** Entry of the component: one explorer per element that Streamlit gives. */

import { Explorer } from "./explorer.js";

const explorers = new WeakMap();

/**
 * Show new data; Streamlit calls this at every change of data or theme with the same element.
 * @param {object} component
 */
export function update(component) {
  const element = component.parentElement;
  if (!explorers.has(element)) explorers.set(element, new Explorer(element));
  // Not awaited: the next call must not wait for the arrays of this one.
  explorers.get(element).update(component);
}

/**
 * Leave the page.
 * @param {ShadowRoot|HTMLElement} element
 */
export function unmount(element) {
  explorers.get(element)?.destroy();
  explorers.delete(element);
}
