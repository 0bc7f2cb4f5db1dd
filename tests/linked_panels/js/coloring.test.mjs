import assert from "node:assert/strict";
import { test } from "node:test";
import { colorize as colorizing, shade } from "../../../pages/panels/linked_panels/coloring.js";
import { css, mix, pack, parseColor, unpack } from "../../../pages/panels/linked_panels/colors.js";
import { finish } from "../../../pages/panels/linked_panels/pieces.js";

const colorize = (...of) => finish(colorizing(...of));
const NAN = "#0a0b0c";
const channels = (rgba) => Array.from(rgba, (v) => unpack(v & 0xffffff).reverse());
const gray = Uint8Array.from({ length: 768 }, (_, k) => Math.floor(k / 3));
const lut = Buffer.from(gray).toString("base64");

test("colors are read, mixed, packed and written", () => {
  assert.deepEqual(parseColor("#0102fE"), [1, 2, 254]);
  assert.deepEqual(mix([0, 100, 200], [100, 100, 0], 0.25), [25, 100, 150]);
  assert.equal(pack([1, 2, 3]), 0xff030201);
  assert.deepEqual(unpack(0x010203), [1, 2, 3]);
  assert.equal(css([1, 2, 3], 0.5), "rgba(1, 2, 3, 0.5)");
});

test("a value has the color of its place between the limits", () => {
  const coloring = { type: "continuous", array: "v", lut, limits: [0, 2], nan: NAN };
  const values = Float32Array.of(0, 1, 1.999, 2, -5, 7, NaN);
  const found = colorize(coloring, () => values, values.length);
  assert.deepEqual(channels(found.rgba).map(([r]) => r), [0, 128, 255, 255, 0, 255, 10]);
  assert.deepEqual([found.below, found.above, found.missing], [true, true, true]);
  const flat = colorize({ ...coloring, limits: [1, 1] }, () => Float32Array.of(1), 1);
  assert.deepEqual(channels(flat.rgba), [[128, 128, 128]]);
  assert.deepEqual([flat.below, flat.above, flat.missing], [false, false, false]);
});

test("a label has the color of the palette, and one without a color has no value", () => {
  const coloring = {
    type: "categorical", array: "l", palette: { 0: "#ff0000", "-1": "#999999" }, names: {}, nan: NAN,
  };
  const { rgba, missing, counts } = colorize(coloring, () => Int32Array.of(0, -1, 5, 0), 4);
  assert.deepEqual(channels(rgba), [[255, 0, 0], [153, 153, 153], [10, 11, 12], [255, 0, 0]]);
  assert.ok(missing);
  assert.deepEqual([...counts], [[-1, 1], [0, 2], [5, 1]]);
});

test("labels far apart are counted too", () => {
  const coloring = { type: "categorical", array: "l", palette: {}, names: {}, nan: NAN };
  const { counts } = colorize(coloring, () => Int32Array.of(0, 1e9, 1e9), 3);
  assert.deepEqual([...counts], [[0, 1], [1e9, 2]]);
});

test("a shade follows the formula that colorings.py documents", () => {
  const base = [10, 100, 250];
  for (let k = 0; k <= 100; k++) {
    const t = k / 100;
    const expected = base.map((v) => Math.floor(0.5 + (t < 0.5
      ? v * (0.35 + (1 - 0.35) * 2 * t)
      : v + (255 - v) * 0.6 * (2 * t - 1))));
    assert.deepEqual(shade(base, t, 0.35, 0.6), expected);
  }
});

test("shaded points have the shade of their value within their cluster", () => {
  const coloring = {
    type: "shaded", labels: "l", value: "v", palette: { 0: "#0a64fa", 1: "#336699" },
    ranges: { 0: [0, 4] }, names: {}, nan: NAN, dark: 0.35, light: 0.6,
  };
  const arrays = {
    l: Int32Array.of(0, 0, 0, 0, 1, 0, 9),
    v: Float32Array.of(0, 1, 3, 99, 5, NaN, 1),
  };
  const { rgba } = colorize(coloring, (name) => arrays[name], 7);
  const blue = (t) => shade([10, 100, 250], t, 0.35, 0.6);
  assert.deepEqual(channels(rgba), [
    blue(0), blue(0.25), blue(0.75), blue(1), [51, 102, 153], [10, 11, 12], [10, 11, 12],
  ]);
});

test("a direct color is that of its number, and a negative one is none", () => {
  const colors = Int32Array.of(0xff0000, 0x00ff80, 0x0102fe, -1, 0);
  const { rgba, missing } = colorize({ type: "direct", array: "a", nan: NAN }, () => colors, 5);
  const expected = [[255, 0, 0], [0, 255, 128], [1, 2, 254], [10, 11, 12], [0, 0, 0]];
  assert.deepEqual(channels(rgba), expected);
  assert.ok(missing);
});
