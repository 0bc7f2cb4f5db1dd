/** What each key does: the keyboard reads this table, and so does the sheet that lists the keys. */

/**
 * @typedef {import("./explorer.js").Explorer} Explorer
 * @typedef {{key: string, label?: string, what: string, act: (explorer: Explorer) => void}} Binding
 *   key: as the event has it, in lower case; label: how it is written, where that differs
 */

/** How many panels have a key of their own. */
const ENLARGED = 6;

/** @type {Binding[]} */
export const BINDINGS = [
  { key: "b", what: "Box", act: ({ tools }) => tools.choose("box") },
  { key: "l", what: "Lasso", act: ({ tools }) => tools.choose("lasso") },
  { key: "p", what: "Pan", act: ({ tools }) => tools.choose("pan") },
  { key: "r", what: "Region of interest", act: ({ tools }) => tools.choose("roi") },
  { key: "n", what: "New selection with each stroke", act: ({ tools }) => tools.combine("replace") },
  { key: "a", what: "Add", act: ({ tools }) => tools.combine("add") },
  { key: "s", what: "Subtract", act: ({ tools }) => tools.combine("subtract") },
  { key: "i", what: "Intersect", act: ({ tools }) => tools.combine("intersect") },
  { key: "1", what: "Selection A", act: ({ brushing }) => brushing.activate("A") },
  { key: "2", what: "Selection B", act: ({ brushing }) => brushing.activate("B") },
  { key: "delete", label: "Delete", what: "Clear the selection", act: ({ brushing }) => brushing.clear() },
  { key: "backspace", label: "Backspace", what: "Clear the selection", act: ({ brushing }) => brushing.clear() },
  { key: "x", what: "Clear the region of interest", act: ({ brushing }) => brushing.clearRoi() },
  { key: "ctrl+z", label: "Ctrl Z", what: "Undo", act: ({ brushing }) => brushing.restore("undo") },
  { key: "ctrl+shift+z", label: "Ctrl Shift Z", what: "Redo", act: ({ brushing }) => brushing.restore("redo") },
  { key: "ctrl+y", label: "Ctrl Y", what: "Redo", act: ({ brushing }) => brushing.restore("redo") },
  { key: "0", what: "Reset the view of all panels", act: ({ board }) => board.resetView(null) },
  ...Array.from({ length: ENLARGED }, (_, k) => ({
    key: `shift+digit${k + 1}`,
    label: `Shift ${k + 1}`,
    what: `Enlarge panel ${k + 1}, or show all`,
    /** @param {Explorer} explorer */
    act: ({ board }) => {
      const panel = board.enlarged ?? [...board.panels.values()][k];
      if (panel) board.enlarge(panel);
    },
  })),
  { key: "escape", label: "Esc", what: "Give up a stroke, or show all panels", act: (explorer) => explorer.escape() },
  { key: "?", what: "This sheet", act: ({ sheet }) => sheet.open() },
];

/** @type {Array<[string, string]>} */
export const MOUSE = [
  ["Drag", "draws with the tool; Shift adds, Alt subtracts, both intersect"],
  ["Click a point", "shows it large; on the shown one lets it go"],
  ["Click in a legend", "selects; Shift adds, Alt or Ctrl takes away"],
  ["Ctrl wheel, pinch", "zooms; the plain wheel too once a plot is zoomed"],
  ["Space or middle button", "with a drag pans"],
  ["Two fingers", "on a touch screen move and zoom a plot"],
  ["Drag a title", "onto another panel to take its place"],
  ["Double click", "resets the view of a panel"],
  ["Arrow keys, + −", "in a panel: step over a map or pan a scatter; zoom"],
];

/**
 * How the table calls a key press.
 * @param {{key: string, code: string, shiftKey: boolean, ctrlKey: boolean}} event
 */
export function keyOf({ key, code, shiftKey, ctrlKey }) {
  const name = key.toLowerCase();
  if (ctrlKey) return `ctrl+${shiftKey ? "shift+" : ""}${name}`;
  return shiftKey && /^Digit\d$/.test(code) ? `shift+${code.toLowerCase()}` : name;
}
