import test from "node:test";
import assert from "node:assert/strict";
import { GAP, HEADER, arrange } from "../../../pages/panels/linked_panels/layout.js";

const FOUR = [null, 1.8, 1.8, null];

test("four panels are two by two at usual windows, six are three by two", () => {
  for (const [width, height] of [[1100, 700], [1000, 520], [1600, 880], [1400, 740]]) {
    assert.deepEqual(arrange(FOUR, width, height).rows, [2, 2]);
    assert.deepEqual(arrange([...FOUR, null, null], width, height).rows, [3, 3]);
  }
  assert.deepEqual(arrange([...FOUR, null], 1400, 740).rows, [3, 2]);
});

test("rows fill the height and never more of it", () => {
  for (let n = 1; n <= 6; n++) {
    const { rows, height } = arrange(Array(n).fill(null), 1300, 701);
    const taken = rows.length * (height + HEADER) + (rows.length - 1) * GAP;
    assert.ok(taken <= 701 && taken > 701 - rows.length, `${n}: ${taken}`);
    assert.equal(rows.reduce((sum, row) => sum + row, 0), n);
  }
});

test("a long map has a row of its own, a narrow board one column", () => {
  assert.deepEqual(arrange([7, 7], 1200, 700).rows, [1, 1]);
  assert.deepEqual(arrange([0.3, 0.3], 1200, 700).rows, [2]);
  assert.deepEqual(arrange(FOUR, 700, 700).rows, [1, 1, 1, 1]);
});
