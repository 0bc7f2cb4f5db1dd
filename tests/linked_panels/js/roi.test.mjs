import assert from "node:assert/strict";
import { test } from "node:test";
import { bordersOf, draggedRoi, edgesAt, roiBetween, roiRect } from "../../../pages/panels/linked_panels/roi.js";

const GRID = { shape: [10, 20], origin: [0, 0], step: [0.1, 0.2], unit: "µm", wide: 1 };
const ROI = [0.5, 1.0, 0.4, 1.0];
const drag = (start, end, edges) => draggedRoi(GRID, start, end, edges ? { edges, roi: ROI } : null);

test("a ROI is drawn between cells", () => {
  const panel = { toPixel: ([x, y]) => [100 * x, 100 * y] };
  assert.deepEqual(roiRect(panel, ROI, GRID).map(Math.round), [45, 30, 95, 90]);
});

test("edges, corners and the inside can be grabbed", () => {
  const rect = [100, 100, 200, 200];
  const cases = [
    [[150, 150], "move"], [[95, 150], "w"], [[206, 150], "e"], [[150, 101], "n"],
    [[150, 199], "s"], [[100, 100], "wn"], [[200, 200], "es"], [[80, 150], null], [[150, 209], null],
  ];
  for (const [place, edges] of cases) assert.equal(edgesAt(rect, place), edges);
});

test("a new ROI snaps to cells, in any direction, and has one at least", () => {
  assert.deepEqual(drag([0.46, 0.32], [0.93, 0.93]), [0.5, 1, 0.4, 1]);
  assert.deepEqual(drag([0.93, 0.93], [0.46, 0.32]), [0.5, 1, 0.4, 1]);
  assert.deepEqual(drag([0.26, 0.32], [0.27, 0.33]), [0.3, 0.4, 0.4, 0.6]);
  assert.deepEqual(drag([-5, -5], [99, 99]), [0, 2, 0, 2]);
  assert.deepEqual(drag([99, 99], [99, 99]), [1.9, 2, 1.8, 2]);
});

test("a ROI is moved within the scan", () => {
  assert.deepEqual(drag([0.68, 0.7], [0.78, 0.7], "move"), [0.6, 1.1, 0.4, 1]);
  assert.deepEqual(drag([0.68, 0.7], [9, -9], "move"), [1.5, 2, 0, 0.6]);
});

test("an edge follows the pointer, past the opposite one too", () => {
  assert.deepEqual(drag([0.95, 0.7], [1.25, 0.7], "e"), [0.5, 1.3, 0.4, 1]);
  assert.deepEqual(drag([0.45, 0.3], [0.25, 0.1], "wn"), [0.3, 1, 0.2, 1]);
  assert.deepEqual(drag([0.45, 0.7], [1.45, 0.7], "w"), [1, 1.5, 0.4, 1]);
});

test("a ROI of a hexagonal grid goes by half steps, and never falls between the rows", () => {
  // Points at 0, 1, 2, 3 in even rows and 0.5, 1.5, 2.5, 3.5 in odd ones.
  const grid = { shape: [6, 9], origin: [-0.25, 0], step: [0.5, 0.9], unit: "", wide: 2 };
  const panel = { toPixel: ([x, y]) => [100 * x, 100 * y] };
  assert.deepEqual(roiRect(panel, [1, 2, 0.9, 2.7], grid).map(Math.round), [75, 45, 175, 225]);
  const fresh = (start, end) => draggedRoi(grid, start, end, null);
  assert.deepEqual(fresh([0.49, -0.1], [2.26, 1.4]), [0.5, 2.5, 0, 1.8]);
  assert.deepEqual(fresh([0.51, 0.1], [2.74, 1.4]), [1, 3, 0.9, 1.8]);
  assert.deepEqual(fresh([0.9, 0.7], [0.95, 0.8]), [1, 2, 0.9, 1.8]);
  // At the end one more half: in each of its rows lies a point.
  assert.deepEqual(fresh([9, -1], [9, -1]), [3, 4.5, 0, 0.9]);
});

test("borders and ROI say the same points, on rectangular and hexagonal grids", () => {
  assert.deepEqual(bordersOf(GRID, ROI), [5, 10, 2, 5]);
  assert.deepEqual(roiBetween(GRID, [5, 10, 2, 5]), ROI);
  assert.deepEqual(bordersOf(GRID, null), [0, 20, 0, 10]);
  // Between points, and beyond the scan.
  assert.deepEqual(bordersOf(GRID, [0.45, 9, -3, 0.9]), [5, 20, 0, 5]);
  const hexagonal = { ...GRID, wide: 2, origin: [-0.05, 0] };
  for (let left = 0; left < 19; left++) {
    const roi = roiBetween(hexagonal, [left, left + 2, 0, 10]);
    assert.deepEqual(roi.slice(0, 2).map((x) => Math.round(10 * x)), [left, left + 2]);
    assert.deepEqual(bordersOf(hexagonal, roi), [left, left + 2, 0, 10]);
  }
});

test("borders of blocks lie on nodes of the scan, the first on the first", () => {
  const blocks = {
    shape: [4, 3], origin: [10.2, 20.2], step: [0.5, 0.5], node: [0.1, 0.1], unit: "", wide: 1,
  };
  assert.deepEqual(roiBetween(blocks, [0, 3, 1, 4]), [10, 11.5, 20.5, 22]);
  const roi = roiBetween(blocks, [1, 2, 1, 4]);
  assert.deepEqual(bordersOf(blocks, roi), [1, 2, 1, 4]);
});

test("of a scan drawn in blocks a ROI ends where the scan does", () => {
  // 7 × 10 nodes in blocks of 4 × 4.
  const grid = {
    shape: [2, 3], origin: [1.5, 1.5], step: [4, 4], unit: "", wide: 1, node: [1, 1], nodes: [7, 10],
  };
  assert.deepEqual(roiBetween(grid, [0, 3, 0, 2]), [0, 10, 0, 7]);
  assert.deepEqual(bordersOf(grid, [0, 10, 0, 7]), [0, 3, 0, 2]);
  assert.deepEqual(roiBetween(grid, [1, 2, 0, 1]), [4, 8, 0, 4]);
});
