import assert from "node:assert/strict";
import { test } from "node:test";

import { pinched } from "../../../pages/panels/linked_panels/pinch.js";

test("two fingers that part zoom in about the middle between them", () => {
  const found = pinched([[100, 100], [200, 100]], [[50, 120], [250, 120]]);
  assert.deepEqual(found, { center: [150, 120], shift: [0, 20], factor: 0.5 });
});

test("fingers that keep their distance only move the plot", () => {
  const found = pinched([[0, 0], [30, 40]], [[7, -3], [37, 37]]);
  assert.deepEqual(found, { center: [22, 17], shift: [7, -3], factor: 1 });
});

test("fingers on top of each other don't zoom by leaps", () => {
  assert.equal(pinched([[0, 0], [1, 0]], [[0, 0], [10, 0]]).factor, 1);
});
