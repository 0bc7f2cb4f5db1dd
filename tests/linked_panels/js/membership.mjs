// Read cases from standard input and write, for each, the points that the browser would select.
import { CellIndex } from "../../../pages/panels/linked_panels/cells.js";
import { Selection } from "../../../pages/panels/linked_panels/selection.js";
import { readFileSync } from "node:fs";

const answers = JSON.parse(readFileSync(0, "utf8")).map((found) => {
  // JSON knows no NaN.
  const [x, y] = [found.x, found.y].map((v) => Float32Array.from(v, (one) => one ?? NaN));
  const selection = new Selection(x.length, () => ({ x, y, cells: () => new CellIndex(x, y) }));
  selection.setShapes("A", found.shapes);
  selection.setRoi(found.roi && { bounds: found.roi, x, y, step: found.step }, null);
  return selection.ids("A", "A");
});
process.stdout.write(JSON.stringify(answers));
