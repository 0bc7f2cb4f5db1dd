import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { History } from "../../../pages/panels/linked_panels/history.js";
import { SharedState } from "../../../pages/panels/linked_panels/shared_state.js";

const FIRST = { revision: 3, selections: { A: [], B: [] }, active: "A", roi: null, pinned: null, panels: null };

test("undo and redo go back and forth, and a change ends redo", () => {
  const history = new History();
  assert.equal(history.undo("now"), null);
  history.push("one");
  history.push("two");
  assert.equal(history.undo("three"), "two");
  assert.equal(history.undo("two"), "one");
  assert.equal(history.redo("one"), "two");
  history.push("two");
  assert.equal(history.redo("other"), null);
  assert.equal(history.undo("other"), "two");
});

test("only the last hundred states are remembered", () => {
  const history = new History();
  for (let k = 0; k < 150; k++) history.push(k);
  assert.equal(history.past.length, 100);
  assert.equal(history.past[0], 50);
});

let sent;
let shared;
beforeEach(() => {
  sent = [];
  shared = new SharedState((state, announcement) => sent.push([state, announcement]));
});

test("before the server's first word nothing is changed or sent", () => {
  shared.change({ roi: [0, 1, 0, 1] }, "");
  assert.equal(shared.restore("undo"), false);
  assert.deepEqual(sent, []);
  assert.ok(shared.adopt(FIRST));
  assert.equal(shared.restore("undo"), false);
});

test("a change counts the revision up, is sent, and can be undone and redone", () => {
  shared.adopt(FIRST);
  const roi = [0, 1, 0, 1];
  shared.change({ roi }, "changed");
  assert.deepEqual(sent.at(-1), [{ ...FIRST, roi, revision: 4 }, "changed"]);
  shared.restore("undo");
  assert.deepEqual(sent.at(-1), [{ ...FIRST, revision: 5 }, "Undone."]);
  shared.restore("redo");
  assert.deepEqual(sent.at(-1), [{ ...FIRST, roi, revision: 6 }, "Redone."]);
});

test("a choice of panels is undone like a brush", () => {
  shared.adopt(FIRST);
  shared.change({ panels: [["map", "Fe"]] }, "changed");
  shared.restore("undo");
  assert.equal(shared.state.panels, null);
});

test("an older answer is not adopted, and a newer one can be undone", () => {
  shared.adopt(FIRST);
  shared.change({ roi: [0, 1, 0, 1] }, "");
  assert.equal(shared.adopt(FIRST), false);
  assert.equal(shared.adopt({ ...FIRST, roi: [0, 1, 0, 1], revision: 4 }), false);
  assert.ok(shared.adopt({ ...FIRST, roi: [0, 2, 0, 2], revision: 4 }));
  shared.restore("undo");
  assert.deepEqual(shared.state.roi, [0, 1, 0, 1]);
});

test("a pin is not undone, and is sent later together with what follows", async () => {
  shared.adopt(FIRST);
  shared.change({ pinned: 1 }, "one", true);
  shared.change({ pinned: 2 }, "two", true);
  assert.equal(shared.state.pinned, 2);
  assert.deepEqual(sent, []);
  await wait(400);
  assert.deepEqual(sent, [[{ ...FIRST, pinned: 2, revision: 5 }, "two"]]);
  assert.equal(shared.restore("undo"), false);
  shared.change({ pinned: 3 }, "three", true);
  shared.stop();
  await wait(400);
  assert.equal(sent.length, 1);
});
