import assert from "node:assert/strict";
import { test } from "node:test";
import { inRegionColors, outlines } from "../../../pages/panels/linked_panels/regions.js";

const RED = 0xff0000ff;
const BLUE = 0xffff0000;
const regions = { array: "r", palette: { 0: "#ff0000", 2: "#0000ff" }, names: {} };

/** Draw the outlines as text: one letter for each pixel. */
function drawn(columns, rows, shape, labels, width) {
  const pointOf = Int32Array.from({ length: shape[0] * shape[1] }, (_, k) => k);
  const cells = { columns: Int32Array.from(columns), rows: Int32Array.from(rows), shape };
  const { at, color } = outlines(cells, pointOf, regions, Int32Array.from(labels), width);
  const pixels = Array(columns.length * rows.length).fill(".");
  at.forEach((k, j) => { pixels[k] = color[j] === RED ? "r" : color[j] === BLUE ? "b" : "?"; });
  return rows.map((_, py) => pixels.slice(py * columns.length, (py + 1) * columns.length).join(""));
}

test("points of regions have their region's color, the others keep theirs", () => {
  const colors = { rgba: Uint32Array.of(1, 2, 3, 4), below: true, above: false, missing: false,
    counts: new Map() };
  const found = inRegionColors(colors, regions, Int32Array.of(-1, 0, 2, 1));
  assert.deepEqual([...found.rgba], [1, RED, BLUE, 4]);
  assert.deepEqual([...colors.rgba], [1, 2, 3, 4]);
  assert.ok(found.below);
});

test("the outline of a region runs inside of it, along the scan's end too", () => {
  const labels = [
    0, 0, 0, 0, -1,
    0, 0, 0, 0, -1,
    0, 0, 0, 0, 2,
    -1, -1, -1, 2, 2,
  ];
  assert.deepEqual(drawn([0, 1, 2, 3, 4], [0, 5, 10, 15], [4, 5], labels, 1),
    ["rrrr.", "r..r.", "rrrrb", "...bb"]);
});

test("where the picture ends inside of a region, there is no outline", () => {
  const inside = Array(25).fill(0);
  assert.deepEqual(drawn([1, 2, 3], [5, 10], [5, 5], inside, 1), ["...", "..."]);
  assert.deepEqual(drawn([-1, 0, 0, 1, 1], [-5, 0, 0], [5, 5], inside, 1),
    [".....", ".rrrr", ".r..."]);
});
