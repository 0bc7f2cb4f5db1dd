import test from "node:test";
import assert from "node:assert/strict";
import { GAP, HEADER, arrange } from "../../../pages/panels/linked_panels/layout.js";

const FOUR = [null, 1.8, 1.8, null];

test("four panels are two by two at usual windows, six are three by two", () => {
  for (const [width, height] of [[1100, 700], [1000, 520], [1600, 880], [1400, 740]]) {
    assert.deepEqual(arrange(FOUR, width, height).columns, [2, 2, 2, 2]);
    assert.deepEqual(arrange([...FOUR, null, null], width, height).columns, Array(6).fill(3));
  }
  assert.deepEqual(arrange([...FOUR, null], 1400, 740).columns, [3, 3, 3, 2, 2]);
});

test("rows fill the height and never more of it", () => {
  for (let n = 1; n <= 6; n++) {
    const { columns, heights } = arrange(Array(n).fill(null), 1300, 701);
    const rows = Math.round(columns.reduce((sum, shared) => sum + 1 / shared, 0));
    const taken = rows * (heights[0] + HEADER) + (rows - 1) * GAP;
    assert.ok(taken <= 701 && taken > 701 - rows, `${n}: ${taken}`);
    assert.equal(heights.length, n);
  }
});

test("a wide map has a row of its own and no more height than it needs", () => {
  const { columns, heights } = arrange([null, 8, 8, null], 1100, 740);
  assert.deepEqual(columns, [2, 1, 1, 2]);
  assert.ok(heights[1] < 200 && heights[1] === heights[2]);
  const taken = heights[0] + heights[1] + heights[2] + 3 * HEADER + 2 * GAP;
  assert.ok(taken <= 740 && taken > 737, `${taken}`);
  assert.deepEqual(arrange([7, 7], 1200, 700).columns, [1, 1]);
  // Where rows of their own would leave the others none.
  assert.equal(new Set(arrange([null, 8, 8, 8, 8, null], 1100, 740).heights).size, 1);
});

test("tall maps are side by side, a narrow board has one column of the heights needed", () => {
  assert.deepEqual(arrange([0.3, 0.3], 1200, 700).columns, [2, 2]);
  const { columns, heights } = arrange([null, 3, 0.5], 700, 700);
  assert.deepEqual(columns, [1, 1, 1]);
  assert.ok(heights[1] < 300 && heights[0] === 420 && heights[2] === 420);
});
