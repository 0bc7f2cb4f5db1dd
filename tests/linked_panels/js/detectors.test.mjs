import assert from "node:assert/strict";
import test from "node:test";

import { dragged, gripAt, pixelCount, spans } from "../../../pages/panels/detector_board/detector.js";
import { limits } from "../../../pages/panels/detector_board/picture.js";
import { binSums, binWeights } from "../../../pages/panels/detector_board/preview.js";

const H = 8;
const W = 9;
const box = { name: "A", kind: "rectangle", numbers: [2, 6, 1, 4] };
const disk = { name: "B", kind: "disk", numbers: [4.5, 3, 2.5] };

test("the pixels of a disk are those whose centers it covers", () => {
  let count = 0;
  const found = new Set(spans(disk, H, W).flatMap(([row, first, last]) => {
    count += last - first;
    return Array.from({ length: last - first }, (_, k) => `${row} ${first + k}`);
  }));
  for (let row = 0; row < H; row += 1) {
    for (let column = 0; column < W; column += 1) {
      const inside = Math.hypot(column + 0.5 - 4.5, row + 0.5 - 3) <= 2.5;
      assert.equal(found.has(`${row} ${column}`), inside);
    }
  }
  assert.equal(found.size, count);
});

test("bins share the pixels among them, and whole bins give the exact sum", () => {
  const bins = { rows: [0, 2, 5, 8], columns: [0, 3, 6, 9] };
  for (const detector of [box, disk]) {
    const pixels = spans(detector, H, W);
    assert.equal(binWeights(pixels, bins).reduce((a, b) => a + b), pixelCount(pixels));
  }
  assert.deepEqual([...binWeights(spans(box, H, W), bins)], [1, 3, 0, 2, 6, 0, 0, 0, 0]);
  const scale = Float32Array.from([10, 0, 2, 1]);
  const sums = binSums(Float64Array.from([3, 0]), scale, Uint8Array.from([1, 5, 7, 7]), 2);
  assert.deepEqual([...sums], [3 * (10 + 2 * 1), 3 * (10 + 2 * 5)]);
});

test("detectors stay on the pattern, however far they are dragged", () => {
  const from = { x: 3, y: 2 };
  assert.deepEqual(dragged(box, "move", from, { x: 99, y: -99 }, H, W), [5, 9, 0, 3]);
  assert.deepEqual(dragged(box, { x: 1, y: 0 }, from, { x: -99, y: 5 }, H, W), [2, 3, 1, 4]);
  assert.deepEqual(dragged(box, { x: 0, y: -1 }, from, { x: 0, y: 99 }, H, W), [2, 6, 3, 4]);
  assert.deepEqual(dragged(box, "draw", { x: 8.9, y: 7.9 }, { x: 8.9, y: 7.9 }, H, W), [8, 9, 7, 8]);
  assert.deepEqual(dragged(box, "draw", from, { x: -5, y: 99 }, H, W), [0, 3, 2, 8]);
  assert.deepEqual(dragged(disk, "move", from, { x: 99, y: 2.3 }, H, W), [9, 3.5, 2.5]);
  assert.deepEqual(dragged(disk, "draw", { x: 2, y: 2 }, { x: 2, y: 2 }, H, W), [2, 2, 1]);
});

test("a drag moves what is under the mouse, takes its rim, or draws anew", () => {
  assert.equal(gripAt(box, { x: 4, y: 2.5 }, 0.5), "move");
  assert.deepEqual(gripAt(box, { x: 5.9, y: 2.5 }, 0.5), { x: 1, y: 0 });
  assert.deepEqual(gripAt(box, { x: 2, y: 1 }, 0.5), { x: -1, y: -1 });
  assert.equal(gripAt(box, { x: 8, y: 2 }, 0.5), null);
  assert.equal(gripAt(disk, { x: 4.5, y: 3 }, 0.5), "move");
  assert.deepEqual(gripAt(disk, { x: 7, y: 3 }, 0.5), { x: 1, y: 1 });
  assert.equal(gripAt(disk, { x: 8.5, y: 7 }, 0.5), null);
});

test("limits leave out the extremes and what is no number", () => {
  const values = Array.from({ length: 101 }, (_, k) => k);
  values[50] = NaN;
  assert.deepEqual(limits(values, false), [1, 99]);
  assert.deepEqual(limits([-1, 3], true), [-3, 3]);
  assert.deepEqual(limits([5, 5], false), [4.5, 5.5]);
  assert.deepEqual(limits([NaN], false), [0, 1]);
});
