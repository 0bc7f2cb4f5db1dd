/** Read values, groups and masks from standard input; write what violins and boxes show of them. */

import { readFileSync } from "node:fs";
import { bucketed, described, shares } from "../../../pages/panels/linked_panels/distribution.js";

const { values, groupOf, groups, outside, mask } = JSON.parse(readFileSync(0, "utf8"));
const singles = Float32Array.from(values, (v) => v ?? NaN);
const of = Int16Array.from(groupOf);
const out = Uint8Array.from(outside);
const found = bucketed(singles, of, groups, out).map(described);
const parts = shares(singles, of, found, Uint8Array.from(mask), out);
process.stdout.write(JSON.stringify(found.map((one, k) => (
  one && { ...one, density: [...one.density], part: [...parts[k]] }
))));
