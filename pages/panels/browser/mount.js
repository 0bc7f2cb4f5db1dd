// What Streamlit is given of a component. It keeps this text for the life of the process, so it only
// finds the modules by their versioned URL and hands on the calls. They wait for one another because
// the import is asynchronous, and a later call must not overtake an earlier one. It returns its
// cleanup at once; the modules may not even have arrived when the page is left.

/**
 * @typedef {{data: {modules: string}, parentElement: HTMLElement}} Component
 * @typedef {{update: (component: Component) => void, destroy: () => void}} Shown
 */

/** @type {string[]} the component's modules, as the server knows them */
const MODULES = [];

/** @type {WeakMap<HTMLElement, Promise<unknown>>} */
const calls = new WeakMap();
/** @type {WeakMap<HTMLElement, Shown>} one for each element that Streamlit gives */
const shown = new WeakMap();
/** @type {Set<string>} */
const asked = new Set();

/**
 * All modules at once, instead of each after the one that imports it, and the arrays meanwhile.
 * @param {string} folder
 * @param {unknown} data
 */
function prefetch(folder, data) {
  if (asked.has(folder)) return;
  asked.add(folder);
  for (const name of MODULES) {
    const link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = new URL(`../${name}.js`, folder).href;
    document.head.appendChild(link);
  }
  import(new URL("loader.js", folder).href).then((loader) => loader.prefetch(data)).catch(() => {});
}

/** @param {HTMLElement} element @param {Error} error */
function tell(element, error) {
  console.error(error);
  const found = element.querySelector("[data-failure]");
  const box = found ?? document.createElement("div");
  box.setAttribute("data-failure", "");
  box.setAttribute("role", "alert");
  box.textContent = `This part of the page could not be loaded (${error.message}). Reload the page; `
    + "if that doesn't help, the server was started without its own routes.";
  if (!found) element.appendChild(box);
}

/** @param {Component} component */
export default function (component) {
  const element = component.parentElement;
  const before = calls.get(element) ?? Promise.resolve();
  const folder = new URL(component.data.modules, window.location.origin).href;
  const main = new URL("main.js", folder).href;
  prefetch(folder, component.data);
  const now = before
    .catch(() => undefined)
    .then(() => import(main))
    .then((found) => {
      const one = shown.get(element) ?? new found.Shown(component);
      shown.set(element, one);
      one.update(component);
    })
    .catch((error) => tell(element, error));
  calls.set(element, now);
  return () => now.then(() => {
    shown.get(element)?.destroy();
    shown.delete(element);
  });
}
