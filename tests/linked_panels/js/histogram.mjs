/** Read lists of values from standard input; write edges and counts of their histograms. */

import { readFileSync } from "node:fs";
import { binned, counted } from "../../../pages/panels/linked_panels/histogram.js";

const cases = JSON.parse(readFileSync(0, "utf8"));
const answers = cases.map((values) => {
  const bins = binned(Float32Array.from(values, (v) => v ?? NaN));
  const odd = Uint8Array.from(values, (_, i) => i % 2);
  return {
    edges: [...bins.edges],
    all: [...counted(bins, null, null)],
    even: [...counted(bins, null, odd)],
    odd: [...counted(bins, odd, null)],
  };
});
process.stdout.write(JSON.stringify(answers));
