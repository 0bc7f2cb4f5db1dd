/** Entry of the component. */

export { Board as Shown } from "./board.js";
