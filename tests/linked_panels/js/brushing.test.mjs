import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Brushing } from "../../../pages/panels/linked_panels/brushing.js";
import { NO_STATE } from "../../../pages/panels/linked_panels/data.js";
import { Points } from "../../../pages/panels/linked_panels/points.js";
import { SharedState } from "../../../pages/panels/linked_panels/shared_state.js";
import { Tools, heldMode } from "../../../pages/panels/linked_panels/tools.js";

const STATE = { ...NO_STATE, revision: 0 };
const NUMBERS = Float32Array.from({ length: 10 }, (_, k) => k);
const HANDLES = Object.fromEntries(["x", "y", "l"].map((k) => [k, { url: k, dtype: "float32" }]));
const ARRAYS = new Map([["x", NUMBERS], ["y", new Float32Array(10)], ["l", NUMBERS]]);
const DATA = {
  n: 10, arrays: HANDLES, frames: { p: ["x", "y"] }, state: STATE,
  grid: { shape: [1, 10], origin: [0, 0], step: [1, 1], unit: "", wide: 1 },
};

const strip = (low, high, mode = "replace") =>
  ({ panel: "p", kind: "box", points: [[low, -1], [high, 1]], mode });

let points;
let brushing;
let sent;
let said;
let wished;
beforeEach(() => {
  [sent, said, wished] = [[], [], 0];
  points = new Points();
  brushing = new Brushing(points, new SharedState((...news) => sent.push(news)), {
    schedule: () => { wished += 1; },
    say: (messages) => said.push(...messages),
  });
  take(DATA);
});

function take(data) {
  brushing.take(points.take(data, ARRAYS));
}

function draw(shape) {
  brushing.previewStroke(() => shape);
  brushing.commitStroke();
}

const selected = () => brushing.selection.ids("A", brushing.shared.state.active);

test("a stroke is shown while it is drawn and told when it is done", () => {
  brushing.previewStroke(() => strip(2, 5));
  assert.equal(wished, 1);
  brushing.update();
  assert.deepEqual(selected(), [2, 3, 4]);
  assert.deepEqual(sent, []);
  brushing.commitStroke();
  const [state, announcement] = sent[0];
  assert.deepEqual(state.selections.A, [strip(2, 5)]);
  assert.equal(announcement, "3 points selected.");
  assert.equal(brushing.stroke, null);
});

test("a stroke that is given up leaves nothing", () => {
  brushing.previewStroke(() => strip(2, 5));
  brushing.update();
  brushing.previewStroke(null);
  brushing.update();
  brushing.commitStroke();
  assert.deepEqual(selected(), []);
  assert.deepEqual(sent, []);
});

test("strokes add up to sixty, undo and clear", () => {
  draw(strip(0, 2));
  draw(strip(8, 10, "add"));
  assert.deepEqual(selected(), [0, 1, 8, 9]);
  brushing.restore("undo");
  assert.deepEqual(selected(), [0, 1]);
  for (let k = 0; k < 70; k++) draw(strip(4, 5, "add"));
  assert.equal(brushing.shared.state.selections.A.length, 60);
  assert.match(said[0], /at most 60 strokes/);
  brushing.update();  // the next frame
  brushing.clear();
  assert.deepEqual(selected(), []);
  const count = sent.length;
  brushing.clear();
  assert.equal(sent.length, count);
});

test("the ROI follows its preview, then its state, then the server's", () => {
  draw(strip(0, 10));
  brushing.previewRoi([2, 5, -1, 1]);
  brushing.update();
  assert.deepEqual(selected(), [2, 3, 4]);
  brushing.previewRoi(undefined);
  brushing.update();
  assert.equal(selected().length, 10);
  brushing.previewRoi([2, 5, -1, 1]);
  brushing.commitRoi();
  assert.deepEqual(sent.at(-1)[0].roi, [2, 5, -1, 1]);
  assert.equal(selected().length, 3);
  brushing.clearRoi();
  assert.equal(selected().length, 10);
  const { state } = brushing.shared;
  take({ ...DATA, state: { ...state, roi: [0, 1, -1, 1] } });
  assert.deepEqual(selected(), [0]);
});

test("slots are drawn into one at a time", () => {
  draw(strip(0, 2));
  brushing.activate("B");
  draw(strip(5, 6));
  assert.deepEqual(selected(), [0, 1]);
  assert.deepEqual(brushing.selection.ids("B", "B"), [5]);
  const count = sent.length;
  brushing.activate("B");
  assert.equal(sent.length, count);
});

test("a highlight is dropped when its labels are others", () => {
  brushing.toggleHighlight("l", 3);
  assert.deepEqual(brushing.highlight, { array: "l", label: 3, url: "l" });
  take({ ...DATA });
  assert.notEqual(brushing.highlight, null);
  take({ ...DATA, arrays: { ...HANDLES, l: { url: "l2", dtype: "float32" } } });
  assert.equal(brushing.highlight, null);
  brushing.toggleHighlight("l", 3);
  brushing.toggleHighlight("l", 3);
  assert.equal(brushing.highlight, null);
});

test("held keys choose the mode before the toolbar does", () => {
  const held = (shiftKey, altKey) => heldMode({ shiftKey, altKey });
  assert.deepEqual(
    [held(false, false), held(true, false), held(false, true), held(true, true)],
    [null, "add", "subtract", "intersect"],
  );
  const tools = new Tools(() => { wished += 1; });
  tools.hold({ shiftKey: true, altKey: false });
  tools.choose("lasso");
  assert.deepEqual([tools.tool, tools.mode, tools.held], ["lasso", "replace", "add"]);
  assert.equal(wished, 2);
});
