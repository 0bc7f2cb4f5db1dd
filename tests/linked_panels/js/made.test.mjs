import assert from "node:assert/strict";
import { test } from "node:test";
import { Made, onceForEach } from "../../../pages/panels/linked_panels/made.js";

test("something is made anew where anything that it was made from is another", () => {
  const made = new Made();
  const list = [1];
  assert.ok(made.differs("a", [1, "x", list]));
  assert.ok(!made.differs("a", [1, "x", list]));
  assert.ok(made.differs("b", [NaN]));
  assert.ok(!made.differs("b", [NaN]));
  for (const other of [[2, "x", list], [2, "x", [1]], [2, "x"], [2, "x", undefined]]) {
    assert.ok(!made.same("a", other));
    assert.ok(made.differs("a", other));
    assert.ok(!made.differs("a", other));
  }
  made.forget();
  assert.ok(!made.same("b", [NaN]));
  assert.ok(made.differs("b", [NaN]));
});

test("what is computed of an array is computed once", () => {
  let calls = 0;
  const length = onceForEach((array) => { calls += 1; return array.length; });
  const [a, b] = [[1, 2], [1, 2, 3]];
  assert.deepEqual([length(a), length(b), length(a)], [2, 3, 2]);
  assert.equal(calls, 2);
});
