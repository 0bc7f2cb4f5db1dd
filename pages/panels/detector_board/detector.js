/** A detector on a pattern: its pixels, and what a drag does to it. */

/**
 * @typedef {{name: string, kind: "rectangle"|"disk", numbers: number[]}} Detector a rectangle is
 *   x0, x1, y0, y1 in whole pixels, a disk x, y and radius; pixel 0 reaches from 0 to 1
 * @typedef {"move"|"draw"|{x: number, y: number}} Grip what a drag does; x and y say which side of
 *   a rectangle it takes along (-1, 0 or 1)
 */

/**
 * The pixels of a detector, row by row, as [row, first, last + 1]; as the library counts them.
 * @param {Detector} detector
 * @param {number} height
 * @param {number} width
 */
export function spans({ kind, numbers }, height, width) {
  /** @type {Array<[number, number, number]>} */
  const found = [];
  if (kind === "rectangle") {
    const [x0, x1, y0, y1] = numbers;
    for (let row = y0; row < y1; row += 1) found.push([row, x0, x1]);
    return found;
  }
  const [x, y, radius] = numbers;
  for (let row = 0; row < height; row += 1) {
    let first = -1;
    let last = -1;
    for (let column = 0; column < width; column += 1) {
      if ((column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 > radius ** 2) continue;
      if (first < 0) first = column;
      last = column + 1;
    }
    if (first >= 0) found.push([row, first, last]);
  }
  return found;
}

/**
 * How many pixels there are in all.
 * @param {Array<[number, number, number]>} pixels
 */
export function pixelCount(pixels) {
  return pixels.reduce((sum, [, first, last]) => sum + last - first, 0);
}

/**
 * Move a detector, or a side of it, and keep it on the pattern.
 * @param {Detector} before
 * @param {Grip} grip
 * @param {{x: number, y: number}} from where the drag began, in pixels of the pattern
 * @param {{x: number, y: number}} to
 * @param {number} height
 * @param {number} width
 * @returns {number[]}
 */
export function dragged({ kind, numbers }, grip, from, to, height, width) {
  /** @param {number} value @param {number} low @param {number} high */
  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  if (kind === "disk") {
    const [x, y, radius] = numbers;
    /** @param {number} value */
    const half = (value) => Math.round(2 * value) / 2;
    if (grip === "move") {
      return [half(within(x + dx, 0, width)), half(within(y + dy, 0, height)), radius];
    }
    const middle = grip === "draw" ? [half(from.x), half(from.y)] : [x, y];
    const reach = half(Math.hypot(to.x - middle[0], to.y - middle[1]));
    return [...middle, within(reach, 1, Math.hypot(width, height))];
  }
  let [x0, x1, y0, y1] = numbers;
  if (grip === "move") {
    const right = within(Math.round(dx), -x0, width - x1);
    const down = within(Math.round(dy), -y0, height - y1);
    return [x0 + right, x1 + right, y0 + down, y1 + down];
  }
  if (grip === "draw") {
    /** @param {number} a @param {number} b @param {number} size */
    const side = (a, b, size) => {
      const low = within(Math.floor(Math.min(a, b)), 0, size - 1);
      return [low, within(Math.ceil(Math.max(a, b)), low + 1, size)];
    };
    return [...side(from.x, to.x, width), ...side(from.y, to.y, height)];
  }
  if (grip.x < 0) x0 = within(Math.round(x0 + dx), 0, x1 - 1);
  if (grip.x > 0) x1 = within(Math.round(x1 + dx), x0 + 1, width);
  if (grip.y < 0) y0 = within(Math.round(y0 + dy), 0, y1 - 1);
  if (grip.y > 0) y1 = within(Math.round(y1 + dy), y0 + 1, height);
  return [x0, x1, y0, y1];
}

/**
 * What a drag that begins at a place does to a detector; null where it begins beside it.
 * @param {Detector} detector
 * @param {{x: number, y: number}} at
 * @param {number} near in pixels of the pattern
 * @returns {Grip|null}
 */
export function gripAt({ kind, numbers }, at, near) {
  if (kind === "disk") {
    const [x, y, radius] = numbers;
    const distance = Math.hypot(at.x - x, at.y - y);
    const rim = Math.min(near, radius / 2);
    if (Math.abs(distance - radius) <= rim) return { x: 1, y: 1 };
    return distance < radius ? "move" : null;
  }
  const [x0, x1, y0, y1] = numbers;
  /** @param {number} value @param {number} low @param {number} high */
  const side = (value, low, high) => {
    const rim = Math.min(near, (high - low) / 3);
    if (value < low - near || value > high + near) return null;
    if (value < low + rim) return -1;
    return value > high - rim ? 1 : 0;
  };
  const [x, y] = [side(at.x, x0, x1), side(at.y, y0, y1)];
  if (x === null || y === null) return null;
  return x || y ? { x, y } : "move";
}

/** @param {Grip|null} grip */
export function cursorOf(grip) {
  if (grip === null) return "crosshair";
  if (grip === "move" || grip === "draw") return "move";
  if (!grip.x) return "ns-resize";
  if (!grip.y) return "ew-resize";
  return grip.x === grip.y ? "nwse-resize" : "nesw-resize";
}
