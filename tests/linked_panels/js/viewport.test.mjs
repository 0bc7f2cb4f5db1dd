import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Viewport } from "../../../pages/panels/linked_panels/viewport.js";

const HOME = { x0: 0, x1: 10, y0: 0, y1: 20 };

let map;
let scatter;
beforeEach(() => {
  [map, scatter] = [new Viewport(true), new Viewport(false)];
  for (const viewport of [map, scatter]) viewport.setHome(HOME);
});

test("zooming keeps the place under the pointer", () => {
  scatter.zoom(scatter.range, 2, 5, 0.5);
  assert.deepEqual(scatter.range, { x0: 1, x1: 6, y0: 2.5, y1: 12.5 });
  scatter.reset();
  assert.deepEqual(scatter.range, HOME);
});

test("a scatter may be left, as far as three times its range", () => {
  scatter.pan(scatter.range, 100, -100);
  assert.deepEqual(scatter.range, { x0: 100, x1: 110, y0: -100, y1: -80 });
  scatter.reset();
  scatter.zoom(scatter.range, 5, 10, 100);
  assert.equal(scatter.range.x1 - scatter.range.x0, 30);
});

test("a map is never left", () => {
  map.zoom(map.range, 5, 10, 0.5);
  map.pan(map.range, -100, 100);
  assert.deepEqual(map.range, { x0: 0, x1: 5, y0: 10, y1: 20 });
  map.zoom(map.range, 0, 20, 100);
  assert.deepEqual(map.range, HOME);
});

test("the visible part outlives the same home and not another", () => {
  scatter.pan(HOME, 1, 1);
  const seen = scatter.range;
  scatter.setHome({ ...HOME });
  assert.deepEqual(scatter.range, seen);
  scatter.setHome({ ...HOME, x1: 11 });
  assert.deepEqual(scatter.range, { ...HOME, x1: 11 });
});
