import assert from "node:assert/strict";
import { test } from "node:test";
import { countText, drawnText, estimate } from "../../../pages/panels/linked_panels/sampled.js";

const SHAPE = { panel: "map", kind: "box", points: [[0, 0], [3, 3]], mode: "replace" };
const told = { selections: { A: [SHAPE], B: [] }, active: "A", roi: null };
const ALL = { n: 2000, state: told };
const SAMPLED = { of: 20_000_000, even: 800_000, counts: { A: 5, B: 0, within: 9e6 }, detail: null };
const SOME = { ...ALL, n: 800_000, sampled: SAMPLED };
const brushing = (change = {}) => ({ shared: { state: told }, stroke: null, roi: null, ...change });

test("where all points are here, they are counted", () => {
  assert.equal(countText(ALL, brushing(), "A", 1234, 2000), "1,234 of 2,000");
  assert.deepEqual(drawnText(ALL), ["", ""]);
});

test("the server's numbers stand where it has counted just what is drawn", () => {
  assert.equal(countText(SOME, brushing(), "A", 77, 3e5), "5 of 9,000,000");
  const moved = { ...told, selections: { ...told.selections, A: [{ ...SHAPE, mode: "add" }] } };
  const state = brushing({ shared: { state: moved } });
  assert.equal(countText(SOME, state, "A", 77, 3e5), "≈ 1,900 of 9,000,000");
  assert.equal(countText(SOME, state, "B", 0, 3e5), "0 of 9,000,000");
});

test("what the server has not counted yet is an estimate", () => {
  const later = { ...SOME, sampled: { ...SAMPLED, counts: {} } };
  assert.equal(countText(later, brushing(), "A", 77, 3e5), "≈ 1,900 of ≈ 7,500,000");
});

test("a stroke or a ROI that is being drawn has estimates", () => {
  const drawing = brushing({ stroke: SHAPE });
  assert.equal(countText(SOME, drawing, "A", 0, 3e5), "≈ 0 of 9,000,000");
  assert.equal(countText(SOME, drawing, "B", 0, 3e5), "0 of 9,000,000");
  assert.equal(countText(SOME, brushing({ roi: [0, 1, 0, 1] }), "A", 77, 3e5),
    "≈ 1,900 of ≈ 7,500,000");
});

test("it is said what is drawn", () => {
  assert.equal(drawnText(SOME)[0], "1 of 25 drawn");
  assert.match(drawnText(SOME)[1], /of all 20,000,000/);
  assert.match(drawnText(SOME)[1], /zoom in to see more/);
  assert.equal(estimate(SOME, 1), "≈ 25");
  const zoomed = { ...SOME, n: 900_000 };
  assert.equal(drawnText(zoomed)[0], "1 of 25 drawn");
  assert.match(drawnText(zoomed)[1], /^800,000 points .*, and 100,000 more of what is zoomed into/);
});
