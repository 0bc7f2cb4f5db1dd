import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { MissingArray, loadArray } from "../../../pages/panels/browser/arrays.js";

let asked;
let answer;
beforeEach(() => {
  asked = [];
  globalThis.fetch = async (url) => {
    asked.push(url);
    return answer;
  };
});

const bytes = (buffer) => ({ ok: true, status: 200, arrayBuffer: async () => buffer });

test("an array is fetched once, as the type that the server names", async () => {
  answer = bytes(Float32Array.of(1.5, NaN).buffer);
  const handle = { url: "once", dtype: "float32" };
  const both = await Promise.all([loadArray(handle), loadArray(handle)]);
  assert.deepEqual(both[0], Float32Array.of(1.5, NaN));
  assert.equal(both[0], both[1]);
  assert.deepEqual(asked, ["once"]);
  answer = bytes(Int32Array.of(-7).buffer);
  assert.deepEqual(await loadArray({ url: "whole", dtype: "int32" }), Int32Array.of(-7));
});

test("a missing array says which, and is asked for again", async () => {
  const handle = { url: "gone", dtype: "int32" };
  answer = { ok: false, status: 404 };
  await assert.rejects(loadArray(handle), (error) => {
    assert.ok(error instanceof MissingArray);
    return error.url === "gone";
  });
  answer = bytes(new ArrayBuffer(4));
  assert.equal((await loadArray(handle)).length, 1);
  assert.deepEqual(asked, ["gone", "gone"]);
  answer = { ok: false, status: 500 };
  await assert.rejects(loadArray({ url: "broken", dtype: "int32" }), /answered 500/);
});

test("what was not used for longest is forgotten first", async () => {
  const load = (url) => {
    answer = bytes(new ArrayBuffer(160 * 1024 * 1024));
    return loadArray({ url, dtype: "int32" });
  };
  for (const url of ["a", "b", "a", "c", "a", "b"]) await load(url);
  assert.deepEqual(asked, ["a", "b", "c", "b"]);
});
