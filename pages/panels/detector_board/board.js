/** Virtual detectors: drag one on a pattern, and see its map of the scan at once. */

/**
 * @typedef {{name: string, kind: "rectangle"|"disk", numbers: number[]}} Detector a rectangle is
 *   x0, x1, y0, y1 in whole pixels, a disk x, y and radius; pixel 0 reaches from 0 to 1
 * @typedef {{url: string}} Handle
 * @typedef {{rows: number[], columns: number[], scale: Handle, levels: Handle}} Bins
 * @typedef {{n: number, height: number, width: number, mean: Handle, patterns: string,
 *   raster: {rows: number, columns: number, aspect: number, points: Handle}, bins: Bins,
 *   detectors: Detector[], active: number, shown: {operation: ""|"-"|"/", first: number,
 *   second: number}, reduction: "sum"|"mean", exact: (Handle & {about: string})|null,
 *   colors: number[], diverging: boolean, answered: number, waiting: string}} Data
 * @typedef {{data: Data, parentElement: ShadowRoot|HTMLElement,
 *   setStateValue: (name: string, value: unknown) => void,
 *   setTriggerValue: (name: string, value: unknown) => void}} Component as Streamlit hands it in
 * @typedef {"move"|"draw"|{x: number, y: number}} Grip what a drag does; x and y say which side of
 *   a rectangle it takes along (-1, 0 or 1)
 */

const NEAR_PX = 7;
const SEND_LATER_MS = 300;
const MOST_SORTED = 20_000;
const SVG = "http://www.w3.org/2000/svg";

/** @type {WeakMap<object, Board>} */
const boards = new WeakMap();

/** @param {Component} component */
export default function (component) {
  const element = component.parentElement;
  let board = boards.get(element);
  if (!board) {
    board = new Board(component);
    boards.set(element, board);
  }
  board.update(component);
  return () => {
    boards.get(element)?.root.remove();
    boards.delete(element);
  };
}

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
 * How many pixels a detector has in each bin, row by row of bins, and in all.
 * @param {Array<[number, number, number]>} pixels
 * @param {{rows: number[], columns: number[]}} bins
 */
export function binWeights(pixels, { rows, columns }) {
  const across = columns.length - 1;
  const weights = new Float64Array((rows.length - 1) * across);
  let count = 0;
  for (const [row, first, last] of pixels) {
    count += last - first;
    let down = 0;
    while (rows[down + 1] <= row) down += 1;
    for (let bin = 0; bin < across; bin += 1) {
      const shared = Math.min(last, columns[bin + 1]) - Math.max(first, columns[bin]);
      if (shared > 0) weights[down * across + bin] += shared;
    }
  }
  return { weights, count };
}

/**
 * The approximate sum over a detector at each point.
 * @param {Float64Array} weights
 * @param {Float32Array} scale what level 0 stands for in each bin, then what a level more does
 * @param {Uint8Array} levels bins × points
 * @param {number} n
 */
export function binSums(weights, scale, levels, n) {
  const low = scale.subarray(0, weights.length);
  const step = scale.subarray(weights.length);
  const sums = new Float64Array(n);
  let offset = 0;
  weights.forEach((weight, bin) => {
    if (!weight) return;
    offset += weight * low[bin];
    const factor = weight * step[bin];
    const start = bin * n;
    for (let point = 0; point < n; point += 1) sums[point] += factor * levels[start + point];
  });
  for (let point = 0; point < n; point += 1) sums[point] += offset;
  return sums;
}

/**
 * The 2 % and 98 % quantiles of the finite values, of not too many of them.
 * @param {ArrayLike<number>} values
 * @param {boolean} symmetric about zero
 */
export function limits(values, symmetric) {
  const every = Math.max(1, Math.floor(values.length / MOST_SORTED));
  const some = [];
  for (let k = 0; k < values.length; k += every) if (Number.isFinite(values[k])) some.push(values[k]);
  const sorted = Float64Array.from(some).sort();
  if (!sorted.length) return [0, 1];
  const low = sorted[Math.floor(0.02 * (sorted.length - 1))];
  const high = sorted[Math.ceil(0.98 * (sorted.length - 1))];
  const end = Math.max(Math.abs(low), Math.abs(high));
  const [first, last] = symmetric ? [-end, end] : [low, high];
  return first < last ? [first, last] : [first - 0.5, last + 0.5];
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

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node|string)} children
 */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @type {Map<string, Promise<ArrayBuffer>>} */
const fetched = new Map();

/**
 * Fetch an array once; the last few are kept.
 * @param {string} url
 * @returns {Promise<ArrayBuffer>}
 */
function bytes(url) {
  const found = fetched.get(url) ?? fetch(url, { credentials: "same-origin" }).then((response) => {
    if (!response.ok) throw new Error(`The server answered ${response.status} for an array.`);
    return response.arrayBuffer();
  });
  fetched.delete(url);
  fetched.set(url, found);
  found.catch(() => fetched.delete(url));
  if (fetched.size > 24) fetched.delete(/** @type {string} */ (fetched.keys().next().value));
  return found;
}

class Board {
  /** @param {Component} component */
  constructor(component) {
    this.component = component;
    this.data = component.data;
    this.revision = 0;
    this.active = 0;
    /** @type {Detector[]} */
    this.detectors = [];
    /** @type {{levels: Uint8Array, scale: Float32Array, points: Int32Array,
     *   mean: Float32Array}|null} */
    this.arrays = null;
    this.loaded = "";
    /** @type {Float32Array|null} */
    this.exact = null;
    this.exactAbout = "";
    this.point = -1;
    this.isExact = false;
    /** @type {ArrayLike<number>} */
    this.values = [];
    this.frame = 0;
    this.timer = 0;
    this.pattern = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "db-picture" }));
    this.image = /** @type {HTMLImageElement} */ (h("img", { class: "db-picture", alt: "" }));
    this.image.hidden = true;
    this.overlay = document.createElementNS(SVG, "svg");
    this.overlay.setAttribute("class", "db-overlay");
    this.overlay.setAttribute("tabindex", "0");
    this.overlay.setAttribute("role", "application");
    this.overlay.setAttribute("aria-label",
      "Detectors on the pattern. Arrow keys move the chosen one, with Shift they change its size.");
    this.map = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "db-picture db-map" }));
    this.marker = h("div", { class: "db-marker", hidden: "" });
    this.bar = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "db-bar", width: "256", height: "1" }));
    this.low = h("span");
    this.high = h("span");
    this.status = h("div", { class: "db-status", role: "status" });
    this.caption = h("span");
    this.back = h("button", { class: "db-button", type: "button", hidden: "" }, "Mean pattern");
    this.stage = h("div", { class: "db-stage" }, this.pattern, this.image, this.overlay);
    this.field = h("div", { class: "db-stage" }, this.map, this.marker);
    this.root = h("div", { class: "db-root" },
      h("div", { class: "db-side" }, h("div", { class: "db-caption" }, this.caption, this.back), this.stage),
      h("div", { class: "db-side" }, h("div", { class: "db-caption" }, this.status), this.field,
        h("div", { class: "db-scale" }, this.low, this.bar, this.high)));
    component.parentElement.append(this.root);
    this.listen();
    /** @type {any} */ (window).__latentDetectors = this;
  }

  listen() {
    this.overlay.addEventListener("pointerdown", (event) => this.press(event));
    this.overlay.addEventListener("pointermove", (event) => {
      if (!this.arrays || event.buttons) return;
      this.overlay.style.cursor = cursor(gripAt(this.chosen, this.at(event), this.near));
    });
    this.overlay.addEventListener("keydown", (event) => this.key(event));
    this.map.addEventListener("pointerdown", (event) => this.pick(event));
    this.back.addEventListener("click", () => this.show(-1));
  }

  /** @param {Component} component */
  update(component) {
    this.component = component;
    const { data } = component;
    this.data = data;
    // What the user did meanwhile counts; the server's answer to it is on its way.
    if (data.answered >= this.revision) {
      this.revision = data.answered;
      this.detectors = data.detectors.map((one) => ({ ...one }));
      this.active = data.active;
    }
    this.load(data).catch((error) => {
      this.status.textContent = `The map could not be loaded: ${error.message} Reload the page.`;
      console.error(error);
    });
  }

  /** @param {Data} data */
  async load(data) {
    const { bins, raster, mean, exact } = data;
    const about = [bins.levels.url, raster.points.url, mean.url].join();
    if (about !== this.loaded) {
      const [levels, scale, points, average] = await Promise.all(
        [bins.levels, bins.scale, raster.points, mean].map(({ url }) => bytes(url)));
      if (this.data !== data) return;
      this.arrays = {
        levels: new Uint8Array(levels), scale: new Float32Array(scale),
        points: new Int32Array(points), mean: new Float32Array(average),
      };
      this.loaded = about;
      this.show(-1);
      this.overlay.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
      this.stage.style.aspectRatio = `${data.width} / ${data.height}`;
      this.field.style.aspectRatio = `${raster.aspect}`;
      const wide = Math.min(1, raster.aspect);
      this.field.style.maxWidth = `${Math.round(560 * wide)}px`;
      this.drawPattern();
    }
    if (exact && exact.about !== this.exactAbout) {
      const values = new Float32Array(await bytes(exact.url));
      if (this.data !== data) return;
      this.exact = values;
      this.exactAbout = exact.about;
    }
    this.schedule();
  }

  get chosen() {
    return this.detectors[this.active];
  }

  /** How near counts as at the rim, in pixels of the pattern. */
  get near() {
    return NEAR_PX * this.data.width / Math.max(1, this.overlay.getBoundingClientRect().width);
  }

  /** @param {MouseEvent} event */
  at(event) {
    const { left, top, width, height } = this.overlay.getBoundingClientRect();
    return {
      x: (event.clientX - left) / width * this.data.width,
      y: (event.clientY - top) / height * this.data.height,
    };
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button || !this.arrays) return;
    const from = this.at(event);
    let grip = gripAt(this.chosen, from, this.near);
    if (grip === null) {
      const other = this.detectors.findIndex((one) => gripAt(one, from, 0) !== null);
      if (other >= 0) {
        this.active = other;
        grip = "move";
      }
    }
    const before = { ...this.chosen };
    const does = grip ?? "draw";
    this.overlay.setPointerCapture(event.pointerId);
    /** @param {PointerEvent} moved */
    const move = (moved) => {
      const { height, width } = this.data;
      this.chosen.numbers = dragged(before, does, from, this.at(moved), height, width);
      this.revision += 1;
      this.schedule();
    };
    const end = () => {
      this.overlay.removeEventListener("pointermove", move);
      this.overlay.removeEventListener("lostpointercapture", end);
      this.send();
    };
    this.overlay.addEventListener("pointermove", move);
    this.overlay.addEventListener("lostpointercapture", end);
    this.revision += 1;
    this.schedule();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[/** @type {keyof steps} */ (event.key)];
    if (!step || !this.arrays) return;
    event.preventDefault();
    const { height, width } = this.data;
    const { kind, numbers } = this.chosen;
    const [x, y] = step;
    if (event.shiftKey && kind === "disk") {
      this.chosen.numbers = [numbers[0], numbers[1], Math.max(1, numbers[2] + x - y)];
    } else {
      const grip = event.shiftKey ? { x: Math.abs(x), y: Math.abs(y) } : "move";
      this.chosen.numbers = dragged(this.chosen, /** @type {Grip} */ (grip), { x: 0, y: 0 }, { x, y },
        height, width);
    }
    this.revision += 1;
    this.schedule();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), SEND_LATER_MS);
  }

  /** Tell the server, which computes the exact map. */
  send() {
    clearTimeout(this.timer);
    const { revision, active } = this;
    this.component.setStateValue("state", { revision, active, numbers: this.chosen.numbers });
  }

  /** @param {PointerEvent} event */
  pick(event) {
    if (!this.arrays) return;
    const { left, top, width, height } = this.map.getBoundingClientRect();
    const { rows, columns } = this.data.raster;
    const column = Math.min(columns - 1, Math.floor((event.clientX - left) / width * columns));
    const row = Math.min(rows - 1, Math.floor((event.clientY - top) / height * rows));
    this.show(this.arrays.points[row * columns + column]);
    this.marker.style.left = `${(column + 0.5) / columns * 100}%`;
    this.marker.style.top = `${(row + 0.5) / rows * 100}%`;
  }

  /**
   * Show the pattern of a point, or the mean pattern.
   * @param {number} point −1 for the mean
   */
  show(point) {
    this.point = point;
    const mean = point < 0;
    this.image.hidden = mean;
    this.marker.hidden = mean;
    this.back.hidden = mean;
    this.caption.textContent = mean ? "Mean pattern" : `Pattern in row ${point} of the file`;
    if (!mean) this.image.src = `${this.data.patterns}/${point}.png`;
  }

  drawPattern() {
    const { mean } = /** @type {NonNullable<Board["arrays"]>} */ (this.arrays);
    const { height, width } = this.data;
    const low = mean.reduce((a, b) => Math.min(a, b), Infinity);
    const high = mean.reduce((a, b) => Math.max(a, b), -Infinity);
    paint(this.pattern, width, height, (k) => {
      const level = high > low ? Math.round((mean[k] - low) / (high - low) * 255) : 128;
      return [level, level, level];
    });
  }

  schedule() {
    if (this.frame || !this.arrays) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** What the map is about; the server's answer says the same of itself. */
  about() {
    const { shown, reduction } = this.data;
    const first = shown.operation ? shown.first : this.active;
    const used = shown.operation ? [first, shown.second] : [first];
    const shapes = used.map((k) => `${this.detectors[k].kind} ${this.detectors[k].numbers.join(":")}`);
    return [shown.operation || reduction, ...shapes].join(" ");
  }

  /** @param {number} index */
  approximate(index) {
    const { bins, height, width, n, reduction, shown } = this.data;
    const { levels, scale } = /** @type {NonNullable<Board["arrays"]>} */ (this.arrays);
    const { weights, count } = binWeights(spans(this.detectors[index], height, width), bins);
    const sums = binSums(weights, scale, levels, n);
    return shown.operation || reduction === "mean" ? sums.map((sum) => sum / count) : sums;
  }

  draw() {
    const { data } = this;
    const { operation, first, second } = data.shown;
    this.isExact = this.exact !== null && this.exactAbout === this.about();
    if (this.isExact) this.values = /** @type {Float32Array} */ (this.exact);
    else if (!operation) this.values = this.approximate(this.active);
    else {
      const [a, b] = [this.approximate(first), this.approximate(second)];
      this.values = a.map((value, k) => (operation === "-" ? value - b[k] : value / b[k]));
    }
    this.drawMap();
    this.drawDetectors();
    const bins = `${data.bins.columns.length - 1} × ${data.bins.rows.length - 1}`;
    this.status.textContent = this.isExact
      ? `${this.title()}: exact`
      : `${this.title()}: preview from ${bins} bins${data.waiting}`;
    this.root.dataset.map = this.isExact ? "exact" : "preview";
  }

  title() {
    const { shown, reduction, height, width } = this.data;
    if (shown.operation) {
      const names = [shown.first, shown.second].map((k) => this.detectors[k].name);
      return `Means of ${names.join(shown.operation === "-" ? " − " : " / ")}`;
    }
    const count = spans(this.chosen, height, width).reduce((sum, [, a, b]) => sum + b - a, 0);
    const what = reduction === "mean" ? "Mean" : "Sum";
    return `${what} of ${this.chosen.name}, ${count.toLocaleString("en")} ${count === 1 ? "pixel" : "pixels"}`;
  }

  drawMap() {
    const { raster, colors, diverging } = this.data;
    const { points } = /** @type {NonNullable<Board["arrays"]>} */ (this.arrays);
    const [low, high] = limits(this.values, diverging);
    paint(this.map, raster.columns, raster.rows, (k) => {
      const value = points[k] < 0 ? NaN : this.values[points[k]];
      if (!Number.isFinite(value)) return null;
      return color(colors, (value - low) / (high - low));
    });
    paint(this.bar, 256, 1, (k) => color(colors, k / 255));
    const digits = { maximumSignificantDigits: 4 };
    this.low.textContent = low.toLocaleString("en", digits);
    this.high.textContent = high.toLocaleString("en", digits);
  }

  drawDetectors() {
    const shapes = this.detectors.flatMap(({ name, kind, numbers }, index) => {
      const chosen = index === this.active ? "db-chosen" : "";
      const [x0, x1, y0, y1] = kind === "rectangle" ? numbers : [
        numbers[0] - numbers[2], numbers[0] + numbers[2], numbers[1] - numbers[2], numbers[1] + numbers[2],
      ];
      const shape = kind === "rectangle"
        ? svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0 })
        : svg("circle", { cx: numbers[0], cy: numbers[1], r: numbers[2] });
      shape.setAttribute("class", `db-shape ${chosen}`);
      const size = this.data.height / 22;
      const label = svg("text", {
        x: Math.min(Math.max(x0 + size / 4, 0), this.data.width - size),
        y: Math.min(Math.max(y0 + size, size), this.data.height), "font-size": size,
      });
      label.setAttribute("class", `db-name ${chosen}`);
      label.textContent = name;
      return [shape, label];
    });
    this.overlay.replaceChildren(...shapes);
  }
}

/** @param {string} tag @param {Record<string, number>} attributes */
function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** @param {Grip|null} grip */
function cursor(grip) {
  if (grip === null) return "crosshair";
  if (grip === "move" || grip === "draw") return "move";
  if (!grip.x) return "ns-resize";
  if (!grip.y) return "ew-resize";
  return grip.x === grip.y ? "nwse-resize" : "nesw-resize";
}

/**
 * @param {number[]} colors red, green and blue of each entry, one after the other
 * @param {number} share
 * @returns {[number, number, number]}
 */
function color(colors, share) {
  const last = colors.length / 3 - 1;
  const entry = 3 * Math.round(Math.min(Math.max(share, 0), 1) * last);
  return [colors[entry], colors[entry + 1], colors[entry + 2]];
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @param {(k: number) => [number, number, number]|null} rgb of a pixel; null for none
 */
function paint(canvas, width, height, rgb) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const picture = context.createImageData(width, height);
  for (let k = 0; k < width * height; k += 1) {
    const found = rgb(k);
    if (!found) continue;
    picture.data.set(found, 4 * k);
    picture.data[4 * k + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}
