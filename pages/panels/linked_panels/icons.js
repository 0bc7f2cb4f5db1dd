/** Line icons on a 20 × 20 field, drawn for this component. */

const PATHS = {
  box: "M3 5h14v10H3z",
  lasso: "M10 4c4.4 0 7 2 7 4.6S14.2 13 10 13s-7-1.6-7-4.2S5.6 4 10 4zM7 12.6c-1.6.500-2 2.2-.6 2.7 1.5.500 1.4 1.7.400 2.4",
  pan: "M10 2v16M2 10h16M10 2 8 4.3M10 2l2 2.3M10 18l-2-2.3M10 18l2-2.3M2 10l2.3-2M2 10l2.3 2M18 10l-2.3-2M18 10l-2.3 2",
  roi: "M6 2v12h12M2 6h12v12",
  replace: "M4 4h12v12H4z",
  add: "M10 4v12M4 10h12",
  subtract: "M4 10h12",
  intersect: "M3 3h9v9H3zM8 8h9v9H8z",
  left: "M12 5l-5 5 5 5",
  right: "M8 5l5 5-5 5",
  panel: "M3 4h14v12H3zM10 7v6M7 10h6",
  clear: "M5 5l10 10M15 5 5 15",
  undo: "M7 4 3.5 7.5 7 11M3.5 7.5H12a4.5 4.5 0 0 1 0 9H8",
  redo: "M13 4l3.5 3.5L13 11M16.5 7.5H8a4.5 4.5 0 0 0 0 9h4",
  reset: "M3 8V3h5M17 8V3h-5M3 12v5h5M17 12v5h-5M8 10h4M10 8v4",
  enlarge: "M12 3h5v5M17 3l-6 6M8 17H3v-5M3 17l6-6",
  save: "M10 3v9M6.5 8.5 10 12l3.5-3.5M3.5 12v4.5h13V12",
  shrink: "M16 9h-5V4M11 9l6-6M4 11h5v5M9 11l-6 6",
};

/**
 * @param {keyof typeof PATHS} name
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
