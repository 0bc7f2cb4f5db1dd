/** Entry of the component. */

export { Explorer as Shown } from "./explorer.js";
