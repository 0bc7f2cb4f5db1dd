/** Arrays fetched from the server by URL, kept while they are in use and some time longer. */

const KEPT_BYTES = 384 * 1024 * 1024;
const TYPES = { float32: Float32Array, int32: Int32Array };

/** The server does not hold an array any more; it will if it is asked to. */
export class MissingArray extends Error {
  /** @param {string} url */
  constructor(url) {
    super(`The server no longer holds ${url}.`);
    this.url = url;
  }
}

/**
 * @typedef {Float32Array|Int32Array} Numbers
 * @typedef {{url: string, dtype: "float32"|"int32"}} ArrayHandle as `array_store` makes it
 */

/** @type {Map<string, {bytes: number, promise: Promise<Numbers>}>} */
const held = new Map();
let heldBytes = 0;

/**
 * Fetch an array, or return it if it was fetched before.
 * @param {ArrayHandle} handle
 * @returns {Promise<Numbers>}
 */
export function loadArray(handle) {
  const found = held.get(handle.url);
  if (found) {
    held.delete(handle.url);
    held.set(handle.url, found);
    return found.promise;
  }
  const promise = fetchArray(handle).then(
    (array) => {
      entry.bytes = array.byteLength;
      heldBytes += entry.bytes;
      forgetOldest();
      return array;
    },
    (error) => {
      held.delete(handle.url);
      throw error;
    },
  );
  const entry = { bytes: 0, promise };
  held.set(handle.url, entry);
  return promise;
}

/** @param {ArrayHandle} handle */
async function fetchArray({ url, dtype }) {
  const response = await fetch(url, { credentials: "same-origin" });
  if (response.status === 404) throw new MissingArray(url);
  if (!response.ok) throw new Error(`The server answered ${response.status} for an array.`);
  return new TYPES[dtype](await response.arrayBuffer());
}

function forgetOldest() {
  for (const [url, entry] of held) {
    if (heldBytes <= KEPT_BYTES || held.size <= 1) return;
    if (!entry.bytes) continue;
    held.delete(url);
    heldBytes -= entry.bytes;
  }
}
