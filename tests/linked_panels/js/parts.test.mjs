import assert from "node:assert/strict";
import { test } from "node:test";
import { drawBorders, firstPixels, markBorders } from "../../../pages/panels/linked_panels/borders.js";
import { Parts } from "../../../pages/panels/linked_panels/parts.js";
import { decades, positionOf, stepAt, thresholdAt } from "../../../pages/panels/linked_panels/plateau.js";

const PLATEAU = {
  thresholds: [0.5, 1, 2, 8], counts: [90, 12, 7, 1], automatic: 2, threshold: 2, found: 7,
  note: "", asked: null, ari: null,
};

/** Two rows of three cells; the first of the second row was not scanned. */
const POINT_OF = Int32Array.from([0, 1, 2, -1, 3, 4]);

function lines(pixelsPerCell, parted) {
  const [width, height] = [3 * pixelsPerCell, 2 * pixelsPerCell];
  const mask = new Uint8Array(width * height).fill(9);
  const left = firstPixels(-0.5, 2.5, width, 0, 1, 3);
  const top = firstPixels(-0.5, 1.5, height, 0, 1, 2);
  markBorders(mask, width, left, top, 1, POINT_OF, parted);
  return Array.from({ length: height }, (_, y) => (
    [...mask.subarray(y * width, (y + 1) * width)].join("")
  ));
}

test("cells begin where the raster of the map says so", () => {
  assert.deepEqual([...firstPixels(-0.5, 2.5, 6, 0, 1, 3)], [0, 2, 4, 6]);
  // As MapRaster.place rounds: the pixel whose center lies in the cell.
  for (const [from, to, pixels] of [[-0.5, 2.5, 7], [0.3, 1.9, 11], [-4, 9, 5]]) {
    const first = firstPixels(from, to, pixels, 0, 1, 3);
    for (let k = 0; k < pixels; k++) {
      const cell = Math.round(from + ((k + 0.5) * (to - from)) / pixels);
      if (cell >= 0 && cell < 3) assert.ok(first[cell] <= k && k < first[cell + 1]);
    }
  }
});

test("a line is drawn between the cells that are parted, and nowhere else", () => {
  const labels = [0, 0, 1, 0, 1];
  const found = lines(2, (i, j) => labels[i] !== labels[j]);
  assert.deepEqual(found, ["000010", "000010", "000010", "000010"]);
  const below = lines(2, (i, j, way) => way === 1 && i === 1 && j === 3);
  assert.deepEqual(below, ["000000", "000000", "001100", "000000"]);
  assert.deepEqual(lines(8, (i, j) => i === 0 && j === 1).map((row) => row.slice(6, 10)),
    [...Array(8).fill("0110"), ...Array(8).fill("0000")]);
});

test("lines between cells smaller than a pixel are not lost", () => {
  const n = 1000;
  const row = Int32Array.from({ length: n }, (_, k) => k);
  const mask = new Uint8Array(100);
  const left = firstPixels(-0.5, n - 0.5, 100, 0, 1, n);
  const top = firstPixels(-0.5, 0.5, 1, 0, 1, 1);
  markBorders(mask, 100, left, top, 1, row, (i) => i % 100 === 42);
  assert.deepEqual([...mask.keys()].filter((k) => mask[k]),
    [42, 142, 242, 342, 442, 542, 642, 742, 842, 942].map((i) => left[i + 1]));
  assert.deepEqual([left[43], left[143], left[943]], [4, 14, 94]);
});

test("lines follow the six sides of the cells of a hexagonal grid", () => {
  // Two pixels a place:  0011.
  //                      .2233
  const pointOf = Int32Array.from([0, 0, 1, 1, -1, -1, 2, 2, 3, 3]);
  const left = firstPixels(-0.5, 4.5, 10, 0, 1, 5);
  const top = firstPixels(-0.5, 1.5, 4, 0, 1, 2);
  const drawn = (parted) => {
    const mask = new Uint8Array(40);
    markBorders(mask, 10, left, top, 2, pointOf, parted);
    return [0, 1, 2, 3].map((y) => [...mask.subarray(10 * y, 10 * y + 10)].join(""));
  };
  const met = [];
  assert.deepEqual(drawn((i, j, way) => met.push([i, j, way]) && false), Array(4).fill("0000000000"));
  assert.deepEqual(met, [[0, 1, 0], [0, 2, 2], [1, 2, 1], [1, 3, 2], [2, 3, 0]]);
  assert.deepEqual(drawn((i, j) => i === 0 && j === 1),
    ["0000100000", "0000100000", "0000000000", "0000000000"]);
  assert.deepEqual(drawn((_i, _j, way) => way === 1),
    ["0000000000", "0000000000", "0000110000", "0000000000"]);
  assert.deepEqual(drawn((i, j) => j === 3),
    ["0000000000", "0000000000", "0000001100", "0000001000"]);
});

test("lines have their color, and all else keeps its own", () => {
  const pixels = Uint32Array.from([0xff000000, 0xffffffff, 0xff123456]);
  drawBorders(pixels, Uint8Array.from([1, 0, 1]), 0xff7300e6);
  assert.deepEqual([...pixels], [0xff7300e6, 0xffffffff, 0xff7300e6]);
});

test("the slider goes over the thresholds on a logarithmic scale, and finds its place again", () => {
  assert.equal(thresholdAt(PLATEAU, 0), 0.5);
  assert.equal(thresholdAt(PLATEAU, 200), 2);
  assert.equal(thresholdAt(PLATEAU, 400), 8);
  for (const k of [0, 1, 77, 200, 399, 400]) {
    assert.equal(positionOf(PLATEAU, thresholdAt(PLATEAU, k)), k);
  }
  assert.equal(positionOf(PLATEAU, 100), 400);
  assert.equal(positionOf({ thresholds: [3] }, 3), 0);
});

test("a count holds until the next threshold", () => {
  const at = (t) => PLATEAU.counts[stepAt(PLATEAU.thresholds, t)];
  assert.deepEqual([0.1, 0.5, 0.99, 1, 7.9, 8, 99].map(at), [90, 90, 90, 12, 7, 1, 1]);
  assert.deepEqual(decades(0.5, 8), [0.5, 1, 2, 5]);
  assert.deepEqual(decades(1, 5000), [1, 10, 100, 1000]);
});

function parts(state = {}) {
  const arrays = new Map([
    ["domain", Int32Array.from([0, 0, 1, -1])],
    ["right", Float32Array.from([1, 5, Infinity, -1])],
    ["down", Float32Array.from([-1, -1, 3, -1])],
  ]);
  const spec = {
    labels: "domain", panel: "domains", word: "domain", lines: true,
    saliency: ["right", "down"], plateau: PLATEAU,
  };
  const changes = [];
  const shared = { state: { threshold: null, selections: { A: [], B: [] }, ...state } };
  const change = (part) => changes.push(part);
  return { made: new Parts({ data: { parts: spec }, arrays }, shared, change), shared, changes };
}

test("lines follow the labels, and the saliency while another threshold is chosen", () => {
  const { made, shared } = parts();
  assert.equal(made.parted(0, 1, 0), false);
  assert.equal(made.parted(1, 2, 0), true);
  made.preview = 4;
  assert.equal(made.parted(0, 1, 0), false);
  assert.equal(made.parted(1, 2, 0), true);
  assert.equal(made.parted(2, 3, 0), true);
  assert.equal(made.parted(2, 3, 1), false);
  assert.equal(made.parted(3, 3, 0), false);
  // On a hexagonal grid there are three ways; without the values of one, no lines.
  made.points.data.parts.saliency = ["right", "down", "slant"];
  assert.equal(made.parted, null);
  made.points.arrays.set("slant", Float32Array.from([9, 4, -1, -1]));
  assert.deepEqual([0, 1, 2].map((way) => made.parted(0, 1, way)), [false, false, true]);
  assert.equal(made.parted(1, 2, 2), false);
  made.preview = null;
  shared.state.threshold = 0.7; // chosen, and not yet answered
  assert.equal(made.threshold, 0.7);
  assert.equal(made.parted(0, 1, 0), true);
  assert.equal(parts({ threshold: null }).made.threshold, 2);
});

test("a threshold is sent once it is another", () => {
  const { made, changes } = parts();
  made.preview = 3;
  made.choose(null);
  made.choose(3);
  assert.deepEqual(changes, [{ threshold: 3 }]);
  assert.equal(made.preview, null);
});

test("with another threshold the selection of parts is let go, for their numbers change", () => {
  const [part, brush] = ["domains", "map"].map((panel) => ({ panel, kind: "box" }));
  const { made, changes } = parts({ selections: { A: [part, brush], B: [] } });
  made.choose(3);
  assert.deepEqual(changes, [{ threshold: 3, selections: { A: [brush], B: [] } }]);
});

test("a click selects the part of a point, and none where there is none", () => {
  const { made } = parts();
  assert.deepEqual(made.stroke(2, "add"),
    { panel: "domains", kind: "box", points: [[0.5, -1], [1.5, 1]], mode: "add" });
  assert.equal(made.stroke(3, "replace"), null);
  assert.equal(made.stroke(-1, "replace"), null);
});
