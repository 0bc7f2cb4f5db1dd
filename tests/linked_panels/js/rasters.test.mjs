// What is changed point by point must be what is drawn anew, and that what a plain sum says.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.ImageData = class {
  constructor(width, height) {
    Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) });
  }
};
const context = { putImageData() {} };
const { CellIndex } = await import("../../../pages/panels/linked_panels/cells.js");
const { MapRaster } = await import("../../../pages/panels/linked_panels/map.js");
const { ScatterRaster } = await import("../../../pages/panels/linked_panels/scatter.js");
const { Selection, EMPHASIZED } = await import("../../../pages/panels/linked_panels/selection.js");
const { markBox } = await import("../../../pages/panels/linked_panels/geometry.js");
const { GpuScatter } = await import("../../../pages/panels/linked_panels/gpu_scatter.js");
const { finish } = await import("../../../pages/panels/linked_panels/pieces.js");
const { Points } = await import("../../../pages/panels/linked_panels/points.js");

const [ROWS, COLUMNS] = [40, 60];
const N = ROWS * COLUMNS;
const THEME = {
  background: [255, 255, 255], text: [0, 0, 0], dark: false,
  slots: { A: [201, 84, 0], B: [0, 107, 164] },
};
let seed = 1;
const random = () => {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
};
// In no order, some beside the scan's cells of others, some nowhere.
const order = Array.from({ length: N }, (_, k) => k).sort(() => random() - 0.5);
const X = Float32Array.from(order, (k) => k % COLUMNS);
const Y = Float32Array.from(order, (k) => Math.floor(k / COLUMNS));
const U = Float32Array.from(order, () => (random() < 0.02 ? NaN : random() + random()));
const V = Float32Array.from(order, () => random() * random());
const RGBA = Uint32Array.from(order, () => (0xff000000 | Math.floor(random() * 2 ** 24)) >>> 0);
const arrays = new Map(Object.entries({
  x: X, y: Y, u: U, v: V, row: Int32Array.from(Y), col: Int32Array.from(X),
}));
const handles = Object.fromEntries([...arrays.keys()].map((k) => [k, { url: k }]));
const pointsOn = (wide) => {
  const points = new Points();
  points.take({
    n: N, arrays: handles, frames: { map: ["x", "y"], cloud: ["u", "v"] },
    grid: { shape: [ROWS, COLUMNS + 1], origin: [0, 0], step: [1, 1], unit: "", wide },
  }, arrays);
  return points;
};

/** Boxes that grow, move and jump, into both slots, with a ROI between. */
function* strokes(selection) {
  for (let k = 0; k < 14; k++) {
    const [u, v] = k < 13 ? [random(), random()] : [0.4, 0.7];
    const box = { panel: "cloud", kind: "box", points: [[u, v / 2], [u + 0.4, v]], mode: "replace" };
    if (k === 6) selection.setShapes("B", [box]);
    else if (k === 9) {
      selection.setRoi({ bounds: [5, 50, 3, 30], x: X, y: Y, step: [1, 1] }, null);
    } else selection.setLive("A", box);
    selection.refresh("A");
    yield k;
  }
}

for (const [name, size, view, wide] of [
  ["cells smaller than a pixel", [37, 29], { x0: -0.5, x1: 59.5, y0: -0.5, y1: 39.5 }, 1],
  ["part of the map, and beyond it", [90, 70], { x0: 30.2, x1: 75, y0: -4, y1: 31 }, 1],
  ["two columns a cell", [131, 80], { x0: -0.5, x1: 60.5, y0: -0.5, y1: 39.5 }, 2],
]) {
  test(`a map brushed cell by cell is the map drawn anew: ${name}`, () => {
    const points = pointsOn(wide);
    const selection = new Selection(N, (id) => points.axesOf(id));
    const make = () => {
      const raster = new MapRaster();
      raster.resize(...size);
      raster.place(points.grid, view);
      finish(raster.fill(points.pointOf, RGBA));
      return raster;
    };
    const brushed = make();
    let focus = null;
    let few = 0;
    for (const k of strokes(selection)) {
      few += 2 * selection.changedCount < brushed.pixels.length;
      brushed.paint(context, points, selection, THEME, "A", focus !== selection.focus);
      focus = selection.focus;
      const anew = make();
      anew.paint(context, points, selection, THEME, "A", true);
      assert.deepEqual(brushed.pixels, anew.pixels, `stroke ${k}`);
    }
    assert.ok(few > 3);
  });
}

test("a map with detail is that of all points where the detail lies", () => {
  // Blocks of 5 × 5 cells, of which the last point stands for all; and all cells of a window.
  const [side, window] = [5, { row: 10, col: 20, rows: 12, columns: 15 }];
  const [rows, columns] = [ROWS / side, COLUMNS / side];
  const stands = new Map(order.map((k, i) => [
    Math.floor(Math.floor(k / COLUMNS) / side) * columns + Math.floor((k % COLUMNS) / side), i,
  ]));
  const blocks = [...stands.keys()].sort((a, b) => a - b);
  const inside = order.flatMap((_, i) => {
    const [r, c] = [Y[i] - window.row, X[i] - window.col];
    return r >= 0 && r < window.rows && c >= 0 && c < window.columns ? [i] : [];
  });
  const rowsOf = [...blocks.map((b) => stands.get(b)), ...inside];
  const pick = (values) => Float32Array.from(rowsOf, (i) => values[i]);
  const places = (fine, coarse) => Int32Array.from([
    ...blocks.map(coarse), ...inside.map(fine),
  ]);
  const some = new Points();
  some.take({
    n: rowsOf.length, arrays: handles, frames: { map: ["x", "y"], cloud: ["u", "v"] },
    grid: { shape: [rows, columns], origin: [2, 2], step: [side, side], unit: "", wide: 1 },
    sampled: {
      of: N, counts: {}, even: blocks.length, detail: {
        shape: [window.rows, window.columns], origin: [window.col, window.row], step: [1, 1],
        unit: "", wide: 1,
      },
    },
  }, new Map(Object.entries({
    x: pick(X), y: pick(Y), u: pick(U), v: pick(V),
    row: places((i) => Y[i] - window.row, (b) => Math.floor(b / columns)),
    col: places((i) => X[i] - window.col, (b) => b % columns),
  })));
  const view = { x0: 21.3, x1: 33.8, y0: 10.2, y1: 20.9 };
  const painted = (points, rgba, even) => {
    const selection = new Selection(points.data.n, (id) => points.axesOf(id), even);
    const raster = new MapRaster();
    raster.resize(83, 71);
    raster.place(points.grid, view, points.fine);
    finish(raster.fill(points.pointOf, rgba, points.finePointOf));
    const pictures = [];
    for (const box of [[[0, 0], [0.9, 0.9]], [[0.2, 0.1], [1.1, 0.6]]]) {
      selection.setLive("A", { panel: "cloud", kind: "box", points: box, mode: "replace" });
      selection.refresh("A");
      raster.paint(context, points, selection, THEME, "A", false);
      pictures.push(raster.pixels.slice());
    }
    return { pictures, count: selection.count("A", "A"), within: selection.countWithin() };
  };
  const all = pointsOn(1);
  const whole = painted(all, RGBA, N);
  const zoomed = painted(some, Uint32Array.from(rowsOf, (i) => RGBA[i]), blocks.length);
  assert.deepEqual(zoomed.pictures, whole.pictures);
  // What is counted is the even sample alone.
  const evenly = blocks.filter((b) => {
    const i = stands.get(b);
    return U[i] >= 0.2 && U[i] < 1.1 && V[i] >= 0.1 && V[i] < 0.6;
  });
  assert.equal(zoomed.count, evenly.length);
  assert.equal(zoomed.within, blocks.length);
});

test("points under a scatter are gray where no point of its own hides them", () => {
  const view = { x0: 0, x1: 10, y0: 0, y1: 10 };
  const raster = new ScatterRaster();
  raster.resize(20, 20, 0.5, 1);
  raster.underlay(Float32Array.of(2.25, 7.25, 7.25, NaN), Float32Array.of(2.25, 7.25, 7.25, 1), view);
  finish(raster.build(Float32Array.of(2.25), Float32Array.of(2.25), view, Uint32Array.of(0xff0000ff)));
  const selection = new Selection(1, () => null);
  raster.update(Uint32Array.of(0xff0000ff), selection);
  raster.paint(context, THEME, false, THEME.slots.B, true);
  const at = (x, y) => raster.pixels[(19 - y) * 20 + x];
  const shade = (share) => {
    const level = Math.floor(255 + share * (168 - 255));
    return ((255 << 24) | (level << 16) | (level << 8) | level) >>> 0;
  };
  assert.equal(at(14, 14), shade(0.4));
  assert.equal(at(0, 0), 0xffffffff);
  const alone = raster.pixels.slice();
  raster.underlay(null, null, view);
  raster.paint(context, THEME, false, THEME.slots.B, true);
  assert.equal(at(14, 14), 0xffffffff);
  const [r, g, b] = [0, 8, 16].map((bits) => (alone[(19 - 4) * 20 + 4] >>> bits) & 255);
  assert.ok(r > 200 && g < 80 && b < 80, `${[r, g, b]}`);
});

for (const radius of [0.5, 1.9]) {
  test(`a scatter brushed point by point is the sum over its points, radius ${radius}`, () => {
    const points = pointsOn(1);
    const selection = new Selection(N, (id) => points.axesOf(id));
    points.axesOf("cloud").cells();
    const view = { x0: 0, x1: 1.5, y0: 0, y1: 1 };
    const make = () => {
      const raster = new ScatterRaster();
      raster.resize(60, 45, radius, N);
      finish(raster.build(U, V, view, RGBA));
      raster.update(RGBA, selection);
      return raster;
    };
    selection.refresh("A");
    const brushed = make();
    for (const k of strokes(selection)) {
      brushed.update(RGBA, selection);
      brushed.paint(context, THEME, true, THEME.slots.B, k === 0);
      const anew = make();
      anew.paint(context, THEME, true, THEME.slots.B, true);
      assert.deepEqual(brushed.sums, anew.sums, `stroke ${k}`);
      assert.deepEqual(brushed.pixels, anew.pixels, `stroke ${k}`);
    }
    if (radius > 0.75) return;
    const wanted = new Map();
    for (let i = 0; i < N; i++) {
      const [px, py] = [Math.floor(U[i] * 40), Math.floor((1 - V[i]) * 45)];
      if (selection.classes[i] !== EMPHASIZED || !(px >= 0 && px < 60 && py >= 0 && py < 45)) continue;
      const sum = wanted.get(`${px},${py}`) ?? [0, 0, 0, 0];
      const rgb = [1, RGBA[i] & 255, (RGBA[i] >>> 8) & 255, (RGBA[i] >>> 16) & 255];
      wanted.set(`${px},${py}`, sum.map((v, c) => v + brushed.full * rgb[c]));
    }
    assert.ok(wanted.size > 50, String(wanted.size));
    const { pad, stride } = brushed;
    for (let py = 0; py < 45; py++) {
      for (let px = 0; px < 60; px++) {
        const at = 4 * ((py + pad) * stride + px + pad);
        const found = [...brushed.sums[EMPHASIZED].subarray(at, at + 4)];
        assert.deepEqual(found, wanted.get(`${px},${py}`) ?? [0, 0, 0, 0]);
      }
    }
  });
}

test("a scatter that is brushed faster than it can follow catches up", () => {
  const points = pointsOn(1);
  const selection = new Selection(N, (id) => points.axesOf(id));
  points.axesOf("cloud").cells();
  // Four thousand words at a time, of which there must be several.
  const times = 20;
  const many = (array) => array.constructor.from({ length: times * N }, (_, i) => array[i % N]);
  const [u, v, rgba] = [U, V, RGBA].map(many);
  const make = () => {
    const raster = new ScatterRaster();
    raster.resize(60, 45, 0.5, times * N);
    finish(raster.build(u, v, { x0: 0, x1: 1.5, y0: 0, y1: 1 }, rgba));
    return raster;
  };
  const brushed = make();
  let seen = null;
  for (const k of strokes(selection)) {
    const classes = many(selection.classes);
    seen = { classes, classWords: new Uint32Array(classes.buffer), version: selection.version };
    const done = brushed.update(rgba, seen, () => true);
    assert.equal(brushed.version === seen.version, done, `stroke ${k}`);
  }
  let frames = 1;
  while (!brushed.update(rgba, seen, () => true)) frames += 1;
  assert.ok(frames > 1 && frames < 9, String(frames));
  const anew = make();
  anew.update(rgba, seen);
  assert.deepEqual(brushed.sums, anew.sums);
});

for (const radius of [0.5, 1.9]) {
  test(`a card is told the points, weights and opacities of the canvas, radius ${radius}`, () => {
    const told = {};
    const card = { buffers: () => ({ at: "at", rgba: "rgba", classes: "classes" }),
      fill: (name, values) => { told[name] = values; } };
    const [canvas, gpu] = [new ScatterRaster(), new GpuScatter(card)];
    for (const raster of [canvas, gpu]) {
      raster.resize(60, 45, radius, N);
      finish(raster.build(U, V, { x0: 0, x1: 1.5, y0: 0, y1: 1 }, RGBA));
    }
    assert.deepEqual(told, { at: canvas.at, rgba: RGBA });
    assert.ok(canvas.top > Math.log(4) || radius < 1);
    assert.deepEqual([gpu.single, gpu.top], [canvas.single, canvas.top]);
    // The stamp, laid on every point, sums to what the canvas summed.
    const side = Math.sqrt(gpu.stamp.length);
    const half = (side - 1) / 2;
    const sums = new Int32Array(canvas.size);
    for (const p of told.at) {
      for (let k = 0; p >= 0 && k < side * side; k++) {
        sums[p + (Math.floor(k / side) - half) * canvas.stride + (k % side) - half] += gpu.stamp[k];
      }
    }
    const weights = sums.map((w) => (w * canvas.full) / gpu.full);
    assert.deepEqual(weights, canvas.all.filter((_, k) => k % 4 === 0));
  });
}

test("a box by the index selects what each point's test selects", () => {
  const cells = new CellIndex(U, V);
  for (let k = 0; k < 60; k++) {
    // On points exactly, too, and beyond all of them.
    const corner = () => (k % 3 ? [random() * 3 - 0.5, random() * 1.4 - 0.2]
      : [U[Math.floor(random() * N)] || 0, V[Math.floor(random() * N)]]);
    const corners = [corner(), corner()];
    const [plain, indexed] = [new Uint8Array(N), new Uint8Array(N)];
    markBox(plain, U, V, corners);
    markBox(indexed, U, V, corners, cells);
    assert.deepEqual(indexed, plain);
  }
});
