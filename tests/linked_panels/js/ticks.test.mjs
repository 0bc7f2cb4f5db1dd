import assert from "node:assert/strict";
import { test } from "node:test";
import { degreeLabel, degreeTicks } from "../../../pages/panels/linked_panels/graticule.js";
import { shortened } from "../../../pages/panels/linked_panels/text.js";
import { formatNumber, marks, ticks } from "../../../pages/panels/linked_panels/ticks.js";

const near = (found, expected) => {
  assert.equal(found.length, expected.length);
  found.forEach((v, k) => assert.ok(Math.abs(v - expected[k]) < 1e-9, `${v} is not ${expected[k]}`));
};

test("ticks are round and within the range", () => {
  near(ticks(0, 10, 5).values, [0, 2, 4, 6, 8, 10]);
  near(ticks(-0.13, 0.31, 5).values, [-0.1, 0, 0.1, 0.2, 0.3]);
  assert.deepEqual(ticks(3, 3, 5), { values: [3], step: 1 });
  assert.equal(ticks(0, 950, 1).step, 1000);
  near(ticks(120, 200, 3.9).values, [120, 140, 160, 180, 200]);
});

test("labels have the digits that they need, and a common factor where numbers are long", () => {
  assert.deepEqual(marks({ values: [-0.5, 0, 0.5], step: 0.5 }).labels, ["−0.5", "0.0", "0.5"]);
  const large = marks({ values: [0, 100000, 200000], step: 100000 });
  assert.deepEqual([large.labels, large.factor], [["0", "1", "2"], "×10⁵"]);
  const small = marks({ values: [-0.002, 0.002], step: 0.002 });
  assert.deepEqual([small.labels, small.factor], [["−2", "2"], "×10⁻³"]);
});

test("numbers are written with a true minus and about four digits", () => {
  const cases = [
    [0, "0"], [-1.23456, "−1.235"], [12345.678, "12345.7"], [1234567, "1.23 × 10⁶"],
    [-0.00012345, "−1.23 × 10⁻⁴"], [NaN, "–"], [Infinity, "–"],
  ];
  for (const [value, text] of cases) assert.equal(formatNumber(value), text);
});

test("long names keep both ends", () => {
  assert.equal(shortened("specimen_A_channel_07", 11), "speci…el_07");
  assert.equal(shortened("Fe", 11), "Fe");
});

test("degrees are round on a globe and tell their side", () => {
  near(degreeTicks(-100, 100, 5).values, [-90, -45, 0, 45, 90]);
  near(degreeTicks(170.2, 190, 4).values, [175, 180, 185, 190]);
  near(degreeTicks(0.1, 0.36, 5).values, [0.1, 0.2, 0.3]);
  const cases = [
    [190, 10, "EW", "170°W"], [-180, 90, "EW", "180°"], [0, 30, "EW", "0°"],
    [-0.05, 0.05, "EW", "0.05°W"], [-30, 30, "NS", "30°S"], [45.5, 0.5, "NS", "45.5°N"],
    [100, 10, "NS", ""], [370, 10, "EW", "10°E"],
  ];
  for (const [degrees, step, sides, text] of cases) {
    assert.equal(degreeLabel(degrees, step, sides), text);
  }
});
