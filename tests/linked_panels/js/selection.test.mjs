import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { CellIndex } from "../../../pages/panels/linked_panels/cells.js";
import { EMPHASIZED, OTHER, OUTSIDE, Selection } from "../../../pages/panels/linked_panels/selection.js";

const X = Float32Array.from({ length: 10 }, (_, k) => k);
const Y = new Float32Array(10);
const AXES = { x: X, y: Y, cells: () => new CellIndex(X, Y) };

const strip = (low, high, mode = "replace") =>
  ({ panel: "p", kind: "box", points: [[low, -1], [high, 1]], mode });

let selection;
beforeEach(() => {
  selection = new Selection(10, (panel) => (panel === "p" ? AXES : null));
});

test("strokes apply in their order", () => {
  const strokes = [strip(0, 6), strip(8, 10, "add"), strip(1, 3, "subtract")];
  selection.setShapes("A", strokes);
  assert.deepEqual(selection.ids("A", "A"), [0, 3, 4, 5, 8, 9]);
  selection.setShapes("A", [...strokes, strip(4, 9, "intersect")]);
  assert.deepEqual(selection.ids("A", "A"), [4, 5, 8]);
  selection.setShapes("A", [...strokes, strip(0, 1)]);
  assert.deepEqual(selection.ids("A", "A"), [0]);
  selection.setShapes("A", []);
  assert.deepEqual(selection.ids("A", "A"), []);
});

test("a lasso selects, and a stroke in an unknown panel does nothing", () => {
  const triangle = { panel: "p", kind: "lasso", points: [[1, -1], [5, -1], [5, 1], [1, 1]] };
  selection.setShapes("A", [{ ...triangle, mode: "replace" }]);
  assert.deepEqual(selection.ids("A", "A"), [1, 2, 3, 4]);
  selection.setShapes("A", [strip(0, 3), { ...strip(3, 6, "add"), panel: "other" }]);
  assert.deepEqual(selection.ids("A", "A"), [0, 1, 2]);
});

test("a stroke being drawn counts for the active slot only, until it is given up", () => {
  selection.setShapes("A", [strip(0, 3)]);
  selection.setLive("A", strip(5, 7, "add"));
  assert.equal(selection.count("A", "A"), 5);
  assert.equal(selection.count("A", "B"), 3);
  selection.setLive("A", null);
  assert.equal(selection.count("A", "A"), 3);
  selection.setLive("A", strip(5, 7, "add"));
  selection.commitLive("A");
  assert.equal(selection.count("A", "B"), 5);
});

test("points outside the ROI, or out of view, are in no selection", () => {
  selection.setShapes("A", [strip(0, 10)]);
  const roi = { bounds: [2, 6, -1, 1], x: X, y: Y, step: [1, 1] };
  selection.setRoi(roi, null);
  assert.deepEqual(selection.ids("A", "A"), [2, 3, 4, 5]);
  assert.equal(selection.countWithin(), 4);
  const even = Int32Array.from({ length: 10 }, (_, k) => 1 - (k % 2));
  selection.setRoi(roi, even);
  assert.deepEqual(selection.ids("A", "A"), [2, 4]);
  selection.setRoi(null, even);
  assert.equal(selection.count("A", "A"), 5);
  selection.setRoi(null, null);
  assert.equal(selection.countWithin(), 10);
});

test("classes tell emphasized, outside and other points, and what changed", () => {
  selection.setShapes("A", [strip(0, 4)]);
  selection.setShapes("B", [strip(3, 6)]);
  selection.setRoi({ bounds: [0, 9, -1, 1], x: X, y: Y, step: [1, 1] }, null);
  selection.refresh("A");
  const [e, t] = [EMPHASIZED, OTHER];
  assert.deepEqual([...selection.classes].slice(0, 10), [e, e, e, e, t, t, 0, 0, 0, OUTSIDE]);
  assert.deepEqual([...selection.changed].slice(0, selection.changedCount), [0, 1, 2, 3, 4, 5, 9]);
  assert.ok(selection.focus);
  assert.equal(selection.emphasized, selection.count("A", "A"));
  selection.setShapes("A", [strip(0, 5)]);
  selection.refresh("A");
  assert.deepEqual([...selection.changed].slice(0, selection.changedCount), [4]);
  assert.equal(selection.former[0], OTHER);
  selection.refresh("A");
  assert.equal(selection.changedCount, 0);
});

test("a highlighted label stands out and selects nothing", () => {
  const labels = Int32Array.of(1, 1, 2, 2, 1, 0, 0, 0, 0, 0);
  selection.setHighlight(labels, 1);
  selection.refresh("A");
  assert.deepEqual([...selection.classes].slice(0, 10), [1, 1, 0, 0, 1, 0, 0, 0, 0, 0]);
  assert.equal(selection.count("A", "A"), 0);
  selection.setShapes("A", [strip(1, 4)]);
  selection.refresh("A");
  assert.deepEqual([...selection.classes].slice(0, 10), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(selection.count("A", "A"), 3);
  selection.setHighlight(null);
  selection.setShapes("A", []);
  selection.refresh("A");
  assert.equal(selection.focus, false);
});
