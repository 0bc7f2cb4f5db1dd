import assert from "node:assert/strict";
import { test } from "node:test";
import { Projection } from "../../../pages/panels/linked_panels/projection.js";
import { Viewport } from "../../../pages/panels/linked_panels/viewport.js";

function projection(down, equal = false) {
  const viewport = new Viewport(down);
  viewport.setHome({ x0: 0, x1: 10, y0: 0, y1: 5 });
  const found = new Projection(viewport, down);
  found.plot = { left: 60, top: 10, width: 200, height: 200 };
  found.equal = equal;
  return found;
}

test("y runs upwards in a scatter and downwards on a map", () => {
  assert.deepEqual(projection(false).toPixel([5, 1]), [160, 170]);
  assert.deepEqual(projection(true).toPixel([5, 1]), [160, 50]);
});

test("pixels and data are each other's inverse", () => {
  for (const down of [false, true]) {
    for (const equal of [false, true]) {
      const found = projection(down, equal);
      const [x, y] = found.toData(found.toPixel([3, 4]));
      assert.ok(Math.abs(x - 3) < 1e-12 && Math.abs(y - 4) < 1e-12);
    }
  }
});

test("where the aspect is kept, the shorter axis shows more", () => {
  assert.deepEqual(projection(false, true).view, { x0: 0, x1: 10, y0: -2.5, y1: 7.5 });
  assert.deepEqual(projection(false, true).unitsPerPixel, [0.05, 0.05]);
  assert.deepEqual(projection(false).unitsPerPixel, [0.05, 0.025]);
  assert.equal(projection(false).aspect, 2);
});

test("zooming and panning follow the pointer", () => {
  for (const down of [false, true]) {
    const found = projection(down);
    found.zoomAt(found.middle, 0.5);
    assert.deepEqual(found.view, { x0: 2.5, x1: 7.5, y0: 1.25, y1: 3.75 });
    assert.equal(found.magnification, 2);
    const before = found.toData([100, 100]);
    found.panBy(20, -30);
    found.toData([120, 70]).forEach((v, k) => assert.ok(Math.abs(v - before[k]) < 1e-12));
  }
});

test("the plot holds its border", () => {
  const found = projection(false);
  assert.ok(found.contains([60, 10]) && found.contains([260, 210]));
  assert.ok(!found.contains([59, 10]) && !found.contains([100, 211]));
});
