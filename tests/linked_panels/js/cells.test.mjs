import assert from "node:assert/strict";
import { test } from "node:test";
import { CellIndex } from "../../../pages/panels/linked_panels/cells.js";

const X = Float32Array.from({ length: 2000 }, (_, k) => Math.sin(k * 12.9898) * 5);
const Y = Float32Array.from({ length: 2000 }, (_, k) => Math.cos(k * 78.233) * 3);

function nearest(px, py, rx, ry) {
  let [best, found] = [1, -1];
  for (let i = 0; i < X.length; i++) {
    const distance = ((X[i] - px) / rx) ** 2 + ((Y[i] - py) / ry) ** 2;
    if (distance < best) [best, found] = [distance, i];
  }
  return found;
}

test("the nearest point is that of a search through all", () => {
  const cells = new CellIndex(X, Y);
  let none = 0;
  for (let k = 0; k < 300; k++) {
    const [px, py] = [Math.sin(k) * 6, Math.cos(1.7 * k) * 4];
    const expected = nearest(px, py, 0.2, 0.1);
    assert.equal(cells.nearest(X, Y, px, py, 0.2, 0.1), expected);
    none += Number(expected < 0);
  }
  assert.ok(none > 10 && none < 290);
});

test("every point with a place is in one cell, its own", () => {
  const x = Float32Array.of(0, NaN, 1, 2, Infinity);
  const y = Float32Array.of(0, 1, NaN, 2, 0);
  const cells = new CellIndex(x, y);
  assert.deepEqual([...cells.order].sort(), [0, 3]);
  assert.equal(cells.starts.at(-1), 2);
  const cell = cells.row(2) * cells.side + cells.column(2);
  assert.equal(cells.order[cells.starts[cell]], 3);
});

test("no points, and points at one place, have an index too", () => {
  assert.equal(new CellIndex(new Float32Array(0), new Float32Array(0)).order.length, 0);
  const same = new Float32Array(5).fill(7);
  assert.equal(new CellIndex(same, same).nearest(same, same, 7, 7, 1, 1), 0);
});
