import assert from "node:assert/strict";
import { test } from "node:test";

import { BINDINGS, keyOf } from "../../../pages/panels/linked_panels/bindings.js";
import { SvgContext } from "../../../pages/panels/linked_panels/svg_context.js";
import { fileName } from "../../../pages/panels/linked_panels/export.js";
import { selectedLabels } from "../../../pages/panels/linked_panels/legend.js";
import { wheelMeans } from "../../../pages/panels/linked_panels/wheel.js";

/** @param {(c: any) => void} draw */
function svg(draw) {
  const c = new SvgContext((_, text) => 6 * text.length);
  draw(c);
  return c.text(100, 50);
}

test("what is drawn on the context is written as SVG", () => {
  const text = svg((c) => {
    c.strokeStyle = "#ff0000";
    c.setLineDash([6, 4]);
    c.beginPath();
    c.moveTo(1, 2);
    c.lineTo(30.12345, 4);
    c.closePath();
    c.stroke();
    c.fillRect(0, 0, 10, 5);
  });
  assert.match(text, /viewBox="0 0 100 50"/);
  assert.match(text, /d="M1 2L30.123 4Z" fill="none" stroke="#ff0000"[^>]*dasharray="6 4"/);
  assert.match(text, /d="M0 0h10v5h-10Z" fill="#000"/);
});

test("text of a file stays text, turned and moved as on the canvas", () => {
  const text = svg((c) => {
    c.font = "600 11px Arial";
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.save();
    c.translate(20, 30);
    c.rotate(-Math.PI / 2);
    c.fillText('<script>"&', 0, 0);
    c.restore();
    c.fillText("after", 5, 0);
  });
  assert.match(text, />&lt;script&gt;&quot;&amp;<\/text>/);
  assert.match(text, /font-size="11" font-weight="600"[^>]*anchor="middle"[^>]*matrix\(0 -1 1 0 20 30\)/);
  assert.doesNotMatch(text.slice(text.indexOf("after") - 120), /transform/);
});

test("a clip holds until it is restored", () => {
  const text = svg((c) => {
    c.save();
    c.beginPath();
    c.rect(0, 0, 5, 5);
    c.clip();
    c.fillRect(0, 0, 9, 9);
    c.restore();
    c.fillRect(1, 1, 2, 2);
  });
  assert.equal(text.match(/clip-path="url\(#clip0\)"/g)?.length, 1);
  assert.match(text, /M1 1h2v2h-2Z" fill="#000"\/>/);
});

test("files are named after scan, panel and date", () => {
  const day = new Date(2026, 2, 5);
  assert.equal(fileName("a/b scan", "Latent 7 <x>", "png", day), "a-b-scan_Latent-7-x_2026-03-05.png");
  assert.equal(fileName("", "../..", "svg", day), "2026-03-05.svg");
});

test("the wheel scrolls the page unless zooming is meant", () => {
  const plain = { ctrlKey: false, metaKey: false };
  assert.equal(wheelMeans(plain, false, Infinity), "scroll");
  assert.equal(wheelMeans({ ...plain, ctrlKey: true }, false, Infinity), "zoom");
  assert.equal(wheelMeans({ ...plain, metaKey: true }, false, Infinity), "zoom");
  assert.equal(wheelMeans(plain, true, Infinity), "zoom");
  // The turn that has zoomed out to the whole goes on.
  assert.equal(wheelMeans(plain, false, 100), "zoom");
});

test("a legend shows which labels are selected as wholes", () => {
  /** @param {number} label @param {import("../../../pages/panels/linked_panels/data.js").Mode} mode */
  const stroke = (label, mode) => ({
    panel: "labels-x", kind: /** @type {const} */ ("box"), mode,
    points: /** @type {any} */ ([[label - 0.5, label - 0.5], [label + 0.5, label + 0.5]]),
  });
  const all = [stroke(3, "replace"), stroke(-1, "add"), stroke(2, "add"), stroke(3, "subtract")];
  assert.deepEqual([...selectedLabels(all)], ["labels-x -1", "labels-x 2"]);
  assert.deepEqual([...selectedLabels([...all, stroke(2, "intersect")])], ["labels-x 2"]);
});

test("every tool, mode and slot has a key, and no key does two things", () => {
  const keys = BINDINGS.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
  /** @type {string[]} */
  const done = [];
  /** @param {string} name */
  const note = (name) => (/** @type {unknown} */ of) => done.push(`${name} ${of}`);
  const board = { panels: new Map([1, 2, 3, 4, 5, 6].map((k) => [k, k])), enlarged: null,
    enlarge: note("enlarge"), resetView: note("reset") };
  const explorer = /** @type {any} */ ({
    board, tools: { choose: note("tool"), combine: note("mode") },
    brushing: { activate: note("slot"), clear: note("clear"), clearRoi: note("no roi"),
      restore: note("history") },
    sheet: { open: note("sheet") }, escape: note("escape"),
  });
  for (const { act } of BINDINGS) act(explorer);
  for (const wanted of ["tool box", "tool lasso", "tool pan", "tool roi", "mode replace",
    "mode add", "mode subtract", "mode intersect", "slot A", "slot B", "history undo",
    "history redo", "reset null", "enlarge 1", "enlarge 6"]) assert.ok(done.includes(wanted), wanted);
  const held = { shiftKey: false, ctrlKey: false };
  assert.equal(keyOf({ ...held, key: "!", code: "Digit1", shiftKey: true }), "shift+digit1");
  assert.equal(keyOf({ key: "Z", code: "KeyZ", ctrlKey: true, shiftKey: true }), "ctrl+shift+z");
  assert.equal(keyOf({ ...held, key: "?", code: "Slash", shiftKey: true }), "?");
});
