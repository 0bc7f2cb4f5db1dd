import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { NO_STATE, gridRange, neededArrays, pointRange } from "../../../pages/panels/linked_panels/data.js";
import { Points } from "../../../pages/panels/linked_panels/points.js";

// Three of six cells were scanned:  0 . 1
//                                   . 2 .
const ARRAYS = new Map(Object.entries({
  x: Float32Array.of(0, 2, 1), y: Float32Array.of(0, 0, 1),
  row: Int32Array.of(0, 0, 1), col: Int32Array.of(0, 2, 1),
  u: Float32Array.of(5, NaN, 7), v: Float32Array.of(1, 1, 1), labels: Int32Array.of(0, 0, 1),
}));
const handles = (names) => Object.fromEntries(names.map((k) => [k, { url: k, dtype: "float32" }]));
const DATA = {
  n: 3, arrays: handles([...ARRAYS.keys()]),
  grid: { shape: [2, 3], origin: [0, 0], step: [1, 1], unit: "µm", wide: 1 },
  panels: [{ id: "map", kind: "map", x: "x", y: "y", color: "c" }],
  frames: { map: ["x", "y"], cloud: ["u", "v"], lost: ["u", "gone"] },
  colorings: { c: { type: "categorical", array: "labels" } }, state: NO_STATE, hover: [],
};

let points;
beforeEach(() => {
  points = new Points();
  points.take(DATA, ARRAYS);
});

test("the arrays that the first picture needs", () => {
  const grid = ["x", "y", "row", "col"];
  assert.deepEqual(neededArrays(DATA).sort(), [...grid, "labels"].sort());
  const shape = { panel: "cloud", kind: "box", points: [[0, 0], [1, 1]], mode: "replace" };
  const state = { ...NO_STATE, selections: { A: [shape], B: [] } };
  const coloring = { type: "shaded", labels: "labels", value: "w" };
  const found = neededArrays({ ...DATA, state, colorings: { c: coloring } });
  assert.deepEqual(found.sort(), [...grid, "labels", "w", "u", "v"].sort());
});

test("news tell other points, other places and others in view", () => {
  const fresh = new Points();
  assert.equal(fresh.known, false);
  const quiet = { fresh: false, moved: false, filtered: false };
  assert.deepEqual(fresh.take(DATA, ARRAYS), { fresh: true, moved: true, filtered: false });
  assert.ok(fresh.known);
  assert.deepEqual(fresh.take({ ...DATA }, ARRAYS), quiet);
  const elsewhere = { ...DATA, arrays: { ...DATA.arrays, u: { url: "u2", dtype: "float32" } } };
  assert.deepEqual(fresh.take(elsewhere, ARRAYS), { ...quiet, moved: true });
  const thinned = { ...elsewhere, arrays: { ...elsewhere.arrays, kept: { url: "k", dtype: "int32" } } };
  assert.deepEqual(fresh.take(thinned, ARRAYS), { ...quiet, filtered: true });
  assert.deepEqual(fresh.take({ ...thinned, n: 2 }, ARRAYS), { ...quiet, fresh: true, moved: true });
});

test("axes belong to panels whose arrays are there, with one index for both", () => {
  assert.equal(points.axesOf("unknown"), null);
  assert.equal(points.axesOf("lost"), null);
  assert.equal(points.axesOf("map").x, ARRAYS.get("x"));
  assert.equal(points.axesOf("cloud").cells(), points.axesOf("cloud").cells());
});

test("an index that is begun in idle time is finished by who needs it", () => {
  const later = new Points();
  later.take(DATA, ARRAYS);
  const begun = later.axesOf("cloud").cells((work) => work.next());
  assert.equal(later.axesOf("cloud").built, undefined);
  assert.equal(begun.done, false);
  assert.equal(later.axesOf("cloud").cells(), begun);
  assert.equal(later.axesOf("cloud").built, begun);
  assert.deepEqual(begun.order, points.axesOf("cloud").cells().order);
});

test("in a map the detail lies over the points of the even sample", () => {
  // One point for each block of 2 × 2 cells; and all that were scanned of the block on the right.
  const [even, detail] = [2, { ...DATA.grid, shape: [2, 2], origin: [2, 0] }];
  const found = new Points();
  found.take({
    ...DATA, n: 5, sampled: { of: 7, counts: {}, even, detail },
    grid: { ...DATA.grid, shape: [1, 2], origin: [0.5, 0.5], step: [2, 2] },
  }, new Map(Object.entries({
    x: Float32Array.of(0, 3, 2, 3, 2), y: Float32Array.of(0, 1, 0, 1, 1),
    row: Int32Array.of(0, 0, 0, 1, 1), col: Int32Array.of(0, 1, 0, 1, 0),
  })));
  assert.deepEqual([...found.pointOf], [0, 1]);
  assert.deepEqual([...found.finePointOf], [2, -1, 4, 3]);
  assert.equal(found.inCell(1.2, 0.9), 0);
  assert.equal(found.inCell(2.1, 0.9), 4);
  assert.equal(found.inCell(3, 0), 1); // nothing of the detail: what stands for the block
  assert.equal(found.beside(4, 1, 0), 3);
  assert.equal(found.beside(0, 1, 0), 1);
  const values = Float32Array.of(1, 2, 3, 4, 5);
  assert.deepEqual([...found.evenly(values)], [1, 2]);
  assert.equal(found.evenly(values), found.evenly(values));
});

test("the point in a cell, and the next scanned one beside it", () => {
  assert.deepEqual([...points.pointOf], [0, -1, 1, -1, 2, -1]);
  assert.equal(points.inCell(1.4, 0.6), 2);
  assert.equal(points.inCell(1, 0), -1);
  assert.equal(points.inCell(-0.6, 0), -1);
  assert.equal(points.inCell(2.6, 0), -1);
  assert.equal(points.beside(0, 1, 0), 1);
  assert.equal(points.beside(0, 0, 1), -1);
  assert.equal(points.beside(2, 0, -1), -1);
});

test("ranges hold whole cells, and points with a margin", () => {
  assert.deepEqual(gridRange(DATA.grid), { x0: -0.5, x1: 2.5, y0: -0.5, y1: 1.5 });
  const { x0, x1, y0, y1 } = pointRange(ARRAYS.get("u"), ARRAYS.get("v"));
  assert.deepEqual([x0, x1, y0, y1], [4.92, 7.08, 0.96, 1.04]);
  assert.deepEqual(pointRange(Float32Array.of(NaN), Float32Array.of(0)),
    { x0: 0, x1: 1, y0: -0.5, y1: 0.5 });
});

// A hexagonal grid whose odd rows are shifted; one cell of the last was not scanned:
//   0 0 1 1 2 2 .
//   . 3 3 4 4 5 5
//   6 6 . . 7 7 .
const HEXAGONS = new Map(Object.entries({
  row: Int32Array.of(0, 0, 0, 1, 1, 1, 2, 2), col: Int32Array.of(0, 2, 4, 1, 3, 5, 0, 4),
}));
const HEXAGONAL = {
  n: 8, arrays: handles(["row", "col"]), frames: {}, state: NO_STATE,
  grid: { shape: [3, 7], origin: [-0.25, 0], step: [0.5, 0.866], unit: "µm", wide: 2 },
};

test("cells of a hexagonal grid are two places wide, and shifted rows begin one later", () => {
  const hexagonal = new Points();
  hexagonal.take(HEXAGONAL, HEXAGONS);
  const drawn = Array.from({ length: 3 }, (_, r) => (
    [...hexagonal.pointOf.subarray(7 * r, 7 * r + 7)].map((i) => (i < 0 ? "." : i)).join("")
  ));
  assert.deepEqual(drawn, ["001122.", ".334455", "66..77."]);
  // Points lie at whole x in even rows, halfway between in odd ones: each within its own cell.
  const found = (x, y) => hexagonal.inCell(x, 0.866 * y);
  assert.deepEqual([found(-0.49, 0), found(0.49, 0), found(0.51, 0)], [0, 0, 1]);
  assert.deepEqual([found(0.01, 1), found(0.99, 1), found(1.01, 1), found(-0.1, 1)], [3, 3, 4, -1]);
  assert.deepEqual([found(2.9, 1.4), found(2.4, 1.6)], [5, 7]);
  const { x0, x1 } = gridRange(HEXAGONAL.grid);
  assert.deepEqual([x0, x1], [-0.5, 3]);
});

test("arrow keys walk along the rows of a hexagonal grid, and straight up and down", () => {
  const hexagonal = new Points();
  hexagonal.take(HEXAGONAL, HEXAGONS);
  assert.equal(hexagonal.beside(0, 1, 0), 1);
  assert.equal(hexagonal.beside(3, -1, 0), -1);
  assert.equal(hexagonal.beside(6, 1, 0), 7);
  assert.equal(hexagonal.beside(2, 0, 1), 5);
  assert.equal(hexagonal.beside(5, 0, 1), 7);
  assert.equal(hexagonal.beside(7, 0, -1), 5);
  assert.equal(hexagonal.beside(4, 0, 1), -1);
});
