import assert from "node:assert/strict";
import { test } from "node:test";
import { CellIndex } from "../../../pages/panels/linked_panels/cells.js";
import { markBox, markLasso, markOutsideRoi, quantize, simplify } from "../../../pages/panels/linked_panels/geometry.js";

/** A generator of numbers in 0..1 that are the same each time (mulberry32). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The even-odd rule as it is written down, one point and one edge at a time. */
function literally(polygon, px, py) {
  let inside = false;
  let [xj, yj] = polygon.at(-1);
  const xs = polygon.map(([x]) => x);
  const ys = polygon.map(([, y]) => y);
  if (px < Math.min(...xs) || px > Math.max(...xs)) return false;
  if (py < Math.min(...ys) || py > Math.max(...ys)) return false;
  for (const [xi, yi] of polygon) {
    if (yi > py !== yj > py && px < ((xj - xi) * (py - yi)) / (yj - yi) + xi) inside = !inside;
    [xj, yj] = [xi, yi];
  }
  return inside;
}

function lasso(polygon, x, y) {
  const mask = new Uint8Array(x.length);
  markLasso(mask, x, y, polygon, new CellIndex(x, y));
  return [...mask];
}

test("a box is half-open and its corners may come in any order", () => {
  const x = Float32Array.of(0, 1, 2, 2, 1, NaN);
  const y = Float32Array.of(0, 1, 1, 0, 2, 1);
  for (const corners of [[[0, 0], [2, 2]], [[2, 0], [0, 2]]]) {
    const mask = new Uint8Array(6);
    markBox(mask, x, y, corners);
    assert.deepEqual([...mask], [1, 1, 0, 0, 0, 0]);
  }
});

test("a lasso follows the rule to the letter, on outlines and vertices too", () => {
  const next = random(1);
  const whole = () => Math.floor(next() * 9) - 4;
  for (let round = 0; round < 200; round++) {
    const polygon = Array.from({ length: 3 + Math.floor(next() * 7) }, () => [whole(), whole()]);
    const x = Float32Array.from({ length: 200 }, whole);
    const y = Float32Array.from({ length: 200 }, whole);
    const expected = [...x].map((px, i) => Number(literally(polygon, px, y[i])));
    assert.deepEqual(lasso(polygon, x, y), expected);
  }
});

test("a lasso agrees with the rule where whole cells are inside", () => {
  const next = random(2);
  const x = Float32Array.from({ length: 20000 }, next);
  const y = Float32Array.from({ length: 20000 }, next);
  const turns = Array.from({ length: 50 }, (_, k) => (2 * Math.PI * k) / 50);
  const star = turns.map((t, k) => {
    const radius = k % 2 ? 0.45 : 0.2 + 0.2 * next();
    return [0.5 + radius * Math.cos(t), 0.5 + radius * Math.sin(t)];
  });
  const expected = [...x].map((px, i) => Number(literally(star, px, y[i])));
  assert.deepEqual(lasso(star, x, y), expected);
});

test("points without a place are in no lasso", () => {
  const x = Float32Array.of(0.5, NaN, 0.5, Infinity);
  const y = Float32Array.of(0.5, 0.5, NaN, 0.5);
  assert.deepEqual(lasso([[0, 0], [1, 0], [1, 1], [0, 1]], x, y), [1, 0, 0, 0]);
});

test("a ROI is half-open, and a point just below a bound lies on it", () => {
  const x = Float32Array.from({ length: 10 }, (_, k) => k * 0.1);
  const mask = new Uint8Array(10);
  // 7 × 0.1 is just above 0.7, and 0.7 as float32 just below it.
  markOutsideRoi(mask, x, new Float32Array(10), [0.1 * 7, 0.9, 0, 1], [0.1, 0.1]);
  assert.deepEqual([...mask], [1, 1, 1, 1, 1, 1, 1, 0, 0, 1]);
});

test("an outline is simplified by its least telling vertices", () => {
  const square = [[0, 0], [5, 0.01], [10, 0], [10, 10], [5, 10.01], [0, 10]];
  assert.deepEqual(simplify(square, 4), [[0, 0], [10, 0], [10, 10], [0, 10]]);
  assert.deepEqual(simplify(square, 50), square);
  assert.equal(simplify(Array.from({ length: 300 }, (_, k) => [k, k * k]), 50).length, 50);
});

test("a coordinate keeps a tenth of a pixel", () => {
  assert.equal(quantize(1.23456, 0.01), 1.235);
  assert.equal(quantize(123456, 1000), 123500);
  assert.equal(quantize(-0.00012345, 1e-5), -0.000123);
});
