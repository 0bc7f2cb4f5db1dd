/** Fetch what the server's data names. A later call overtakes an earlier one. */

import { MissingArray, loadArray } from "../browser/arrays.js";
import { neededArrays } from "./data.js";

/** @typedef {import("./data.js").Data} Data */

const PATIENCE_MS = 400;
const MAX_REFILLS = 4;

/**
 * Begin to fetch the arrays of the first picture, before there is anything to show them.
 * @param {Data} data
 */
export function prefetch(data) {
  // Who needs them tells about an array that can't be had.
  for (const name of neededArrays(data)) loadArray(data.arrays[name]).catch(() => {});
}

export class Loader {
  /**
   * @param {{show: (data: Data, arrays: import("./data.js").Arrays) => void,
   *   say: (messages: string[]) => void, missing: (url: string) => void}} actions
   *   `missing` asks the server to put an array again
   */
  constructor(actions) {
    this.actions = actions;
    /** @type {Data|null} */
    this.latest = null;
    this.refills = 0;
  }

  /** @param {Data} data */
  async load(data) {
    this.latest = data;
    const { show, say } = this.actions;
    const names = neededArrays(data);
    const pending = setTimeout(() => say([...data.messages, "Loading the data…"]), PATIENCE_MS);
    let found;
    try {
      found = await Promise.all(names.map((name) => loadArray(data.arrays[name])));
    } catch (error) {
      if (this.latest === data) this.fail(error, data);
      return;
    } finally {
      clearTimeout(pending);
    }
    if (this.latest !== data) return;
    this.refills = 0;
    const arrays = new Map(found.map((array, k) => [names[k], array]));
    show(data, arrays);
    say(data.messages);
    // The tooltip's values are not needed for the first picture.
    for (const [, name] of data.hover) {
      loadArray(data.arrays[name]).then((array) => arrays.set(name, array), () => {});
    }
  }

  /**
   * @param {unknown} error
   * @param {Data} data
   */
  fail(error, data) {
    if (error instanceof MissingArray && this.refills < MAX_REFILLS) {
      this.refills += 1;
      this.actions.missing(error.url);
      return;
    }
    console.error(error);
    const reason = error instanceof Error ? error.message : error;
    this.actions.say([...data.messages, `The data could not be loaded: ${reason}`]);
  }

  /** Show nothing more. */
  stop() {
    this.latest = null;
  }
}
