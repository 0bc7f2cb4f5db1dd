/** Entry of the component: one board per element that Streamlit gives. */

import { Board } from "./board.js";

/** @type {WeakMap<ShadowRoot|HTMLElement, Board>} */
const boards = new WeakMap();

/**
 * Show new data; Streamlit calls this at every change of data or theme with the same element.
 * @param {import("./board.js").Component} component
 */
export function update(component) {
  const element = component.parentElement;
  const board = boards.get(element) ?? new Board(component);
  boards.set(element, board);
  board.update(component);
}

/**
 * Leave the page.
 * @param {ShadowRoot|HTMLElement} element
 */
export function unmount(element) {
  boards.get(element)?.root.remove();
  boards.delete(element);
}
