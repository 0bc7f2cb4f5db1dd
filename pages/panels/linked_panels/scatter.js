/**
 * Rasterize points without WebGL.
 *
 * Per pixel the coverage and the color of the points on it are summed, for all points and for
 * those of each class. Sums do not depend on the order of points, show density, and can be
 * changed one point at a time: brushing costs only the points that change.
 */

import { EMPHASIZED, OTHER, OUTSIDE } from "./selection.js";
import { never, pieces } from "./pieces.js";

/** @typedef {Array<[number, number, number]>} Stamp dx, dy, weight */

const DIM = { light: 0.26, dark: 0.4 };
export const FAINT = 0.1;
/** How much a point of the ground lets through, and how dark many of them become at most. */
const UNDER = { each: 0.2, most: 0.5 };
const TABLE = 4096;
/** Share of the pixels from which on all are painted, which then is faster. */
const MANY_DIRTY = 0.3;
/** Points, four to a word, whose classes are compared between two looks at the clock. */
const WORDS = 4096;
const REHEARSED = 20000;

/**
 * Round point, antialiased: offsets from its center and coverage 0..1.
 * @param {number} radius
 */
function disc(radius) {
  const reach = Math.ceil(radius);
  /** @type {Stamp} */
  const stamp = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const weight = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(dx, dy)));
      if (weight > 0.05) stamp.push([dx, dy, weight]);
    }
  }
  return stamp;
}

/**
 * Radius of a point in CSS pixels: smaller the more there are, larger when zoomed in.
 * @param {number} n
 * @param {number} zoom
 */
export function pointRadius(n, zoom) {
  const base = n <= 3000 ? 2.6 : n <= 12000 ? 1.9 : n <= 50000 ? 1.3 : n <= 200000 ? 0.75 : 0.5;
  return Math.min(4.5, base * Math.max(1, zoom) ** 0.4);
}

export class ScatterRaster {
  constructor() {
    this.width = 0;
    this.height = 0;
    this.dirtyCount = 0;
    this.fullPaint = true;
    this.focus = false;
    this.gray = 0;
    this.dim = DIM.light;
    /** @type {import("./data.js").Rgb} */
    this.background = [0, 0, 0];
    this.otherColor = this.background;
    this.opacity = new Float32Array(TABLE);
    /** Opacity of a single point, and the logarithm of the number from which on they are opaque. */
    this.single = this.top = 1;
    /** @type {(weight: number) => number} */
    this.curve = () => 0;
    this.n = 0;
    /** The version of the classes that are summed, and of those that they are compared with. */
    this.version = -1;
    this.goal = -1;
    /** The class of every point as it is summed; four are a word. */
    this.shown = new Uint8Array(0);
    this.shownWords = new Uint32Array(0);
    /** Words whose comparison with the goal is still to come, and the next of them. */
    this.unseen = this.cursor = 0;
    /** Pixel of every point, or −1; rows have a margin for points at the border. */
    this.at = new Int32Array(0);
    this.reach = 0;
    this.pad = 0;
    this.stride = 0;
    this.size = 0;
    /** Offset and weight of every pixel of a point, and the largest weight. */
    this.offsets = new Int32Array(0);
    this.weights = new Int32Array(0);
    this.full = 1;
    /** Weight, red, green and blue of every pixel, over all points and those of each class. */
    this.all = new Int32Array(0);
    /** @type {Record<number, Int32Array>} */
    this.sums = {};
    this.dirty = new Int32Array(0);
    this.isDirty = new Uint8Array(0);
    this.image = new ImageData(1, 1);
    this.pixels = new Uint32Array(0);
    /**
     * How much gray lies under the points, for each pixel of the sums.
     * @type {Float32Array|null}
     */
    this.under = null;
  }

  /**
   * Prepare for a canvas and a number of points.
   * @param {number} width device pixels
   * @param {number} height device pixels
   * @param {number} radius device pixels
   * @param {number} n
   */
  resize(width, height, radius, n) {
    this.reach = Math.ceil(radius);
    this.pad = 2 * this.reach;
    this.stride = width + 2 * this.pad;
    const size = this.stride * (height + 2 * this.pad);
    const other = this.width !== width || this.height !== height || this.size !== size;
    Object.assign(this, { width, height, size, n });
    if (other) this.allocate();
    if (this.at.length !== n) {
      this.at = new Int32Array(n);
      this.shown = new Uint8Array(Math.ceil(n / 4) * 4);
      this.shownWords = new Uint32Array(this.shown.buffer);
    }
    // The largest weight whose sum can't overflow, even with all points on one pixel.
    this.full = Math.max(1, Math.min(255, Math.floor(2 ** 32 / (255 * n))));
    /** @type {Stamp} */
    const stamp = radius < 0.75 ? [[0, 0, 1]] : disc(radius);
    this.offsets = Int32Array.from(stamp, ([dx, dy]) => dy * this.stride + dx);
    this.weights = Int32Array.from(stamp, (s) => Math.max(1, Math.round(s[2] * this.full)));
  }

  /** Make what has an entry for each pixel. */
  allocate() {
    const { size, width, height } = this;
    this.all = new Int32Array(4 * size);
    this.sums = {
      [EMPHASIZED]: new Int32Array(4 * size),
      [OUTSIDE]: new Int32Array(4 * size),
      [OTHER]: new Int32Array(4 * size),
    };
    this.dirty = new Int32Array(size);
    this.isDirty = new Uint8Array(size);
    this.image = new ImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /**
   * Lay other points under these, in gray: they are never brushed.
   * @param {import("./data.js").Numbers|null} x
   * @param {import("./data.js").Numbers|null} y
   * @param {import("./data.js").Range} view y upwards
   */
  underlay(x, y, view) {
    this.under = x && y ? new Float32Array(this.size) : null;
    if (!this.under || !x || !y) return;
    const { full, offsets, under, weights } = this;
    const n = x.length;
    const own = this.at;
    this.at = new Int32Array(n);
    this.place(x, y, view, 0, n);
    for (const p of this.at) {
      if (p < 0) continue;
      for (let k = 0; k < offsets.length; k++) {
        const q = p + offsets[k];
        under[q] = Math.min(UNDER.most, under[q] + (UNDER.each * weights[k]) / full);
      }
    }
    this.at = own;
  }

  /** Sum no points as yet. */
  begin() {
    for (const sum of [this.all, ...Object.values(this.sums)]) sum.fill(0);
    this.shown.fill(0);
    this.version = -1;
    this.goal = -1;
  }

  /**
   * Place and sum all points, in pieces; no point has a class as yet.
   * @param {import("./data.js").Numbers} x
   * @param {import("./data.js").Numbers} y
   * @param {import("./data.js").Range} view y upwards
   * @param {Uint32Array} rgba
   */
  *build(x, y, view, rgba) {
    this.begin();
    yield;
    for (const [from, to] of pieces(this.n)) {
      this.place(x, y, view, from, to);
      this.sum(rgba, from, to);
      yield;
    }
    this.calibrate();
  }

  /**
   * Find the pixels of some points.
   * @param {import("./data.js").Numbers} x
   * @param {import("./data.js").Numbers} y
   * @param {import("./data.js").Range} view y upwards
   * @param {number} from
   * @param {number} to
   */
  place(x, y, view, from, to) {
    const { at, width, height, pad, stride, reach } = this;
    const sx = width / (view.x1 - view.x0);
    const sy = height / (view.y1 - view.y0);
    for (let i = from; i < to; i++) {
      const px = Math.floor((x[i] - view.x0) * sx);
      const py = Math.floor((view.y1 - y[i]) * sy);
      // Written so that NaN fails it.
      const visible = px >= -reach && px < width + reach && py >= -reach && py < height + reach;
      at[i] = visible ? (py + pad) * stride + px + pad : -1;
    }
  }

  /**
   * Add some points to the sum of all.
   * @param {Uint32Array} rgba
   * @param {number} from
   * @param {number} to
   */
  sum(rgba, from, to) {
    const { all, at } = this;
    for (let i = from; i < to; i++) if (at[i] >= 0) this.add(all, at[i], rgba[i], 1);
  }

  /**
   * Move the points whose class changed from one sum to another, until it is late.
   * @param {Uint32Array} rgba
   * @param {import("./selection.js").Selection} selection
   * @param {import("./pieces.js").Late} [late]
   * @returns whether all of them are
   */
  update(rgba, { classes, classWords, version }, late = never) {
    const { shownWords } = this;
    const length = shownWords.length;
    if (version !== this.goal) {
      this.goal = version;
      this.unseen = length;
    }
    // Going on where it stopped, so that classes that change at every frame leave none behind.
    while (this.unseen > 0) {
      if (this.cursor >= length) this.cursor = 0;
      const to = Math.min(this.cursor + WORDS, length, this.cursor + this.unseen);
      for (let k = this.cursor; k < to; k++) {
        if (classWords[k] !== shownWords[k]) this.move(rgba, classes, 4 * k);
      }
      this.unseen -= to - this.cursor;
      this.cursor = to;
      if (late()) break;
    }
    if (!this.unseen) this.version = version;
    return !this.unseen;
  }

  /**
   * Move those of four points whose class changed.
   * @param {Uint32Array} rgba
   * @param {Uint8Array} classes
   * @param {number} first
   */
  move(rgba, classes, first) {
    const { at, n, shown, sums } = this;
    for (let i = first; i < first + 4 && i < n; i++) {
      const [before, now] = [shown[i], classes[i]];
      if (before === now) continue;
      shown[i] = now;
      const p = at[i];
      if (p < 0) continue;
      if (before) this.add(sums[before], p, rgba[i], -1);
      if (now) this.add(sums[now], p, rgba[i], 1);
      this.touch(p);
    }
  }

  /**
   * Add a point to a sum, or take it away.
   * @param {Int32Array} sum
   * @param {number} p its pixel
   * @param {number} rgba
   * @param {1|-1} sign
   */
  add(sum, p, rgba, sign) {
    const { offsets, weights } = this;
    const r = rgba & 255;
    const g = (rgba >>> 8) & 255;
    const b = (rgba >>> 16) & 255;
    for (let k = 0; k < offsets.length; k++) {
      const o = 4 * (p + offsets[k]);
      const w = sign * weights[k];
      sum[o] += w;
      sum[o + 1] += w * r;
      sum[o + 2] += w * g;
      sum[o + 3] += w * b;
    }
  }

  /**
   * Note that the pixels of a point must be painted.
   * @param {number} p
   */
  touch(p) {
    const { offsets, isDirty, dirty } = this;
    for (let k = 0; k < offsets.length; k++) {
      const q = p + offsets[k];
      if (isDirty[q]) continue;
      isDirty[q] = 1;
      dirty[this.dirtyCount++] = q;
    }
  }

  /**
   * Select and deselect some points without showing it, so that the browser has compiled this
   * code when the first brush needs it; else its first frames take five times as long.
   * @param {Uint32Array} rgba
   */
  rehearse(rgba) {
    const sum = this.sums[EMPHASIZED];
    const last = Math.min(this.n, REHEARSED);
    let sink = 0;
    for (let i = 0; i < last; i++) {
      const p = this.at[i];
      if (p < 0) continue;
      this.add(sum, p, rgba[i], 1);
      this.touch(p);
      sink ^= this.mixed(p);
      this.add(sum, p, rgba[i], -1);
    }
    return sink;
  }

  /**
   * Sum of the weights of the points on a pixel.
   * @param {number} p
   */
  weightAt(p) {
    return this.all[4 * p] >>> 0;
  }

  /** Choose the opacities: few points are nearly opaque, many build up with the log of density. */
  calibrate() {
    const sample = [];
    const step = Math.max(1, Math.floor(this.size / 20000));
    for (let p = 0; p < this.size; p += step) {
      const w = this.weightAt(p);
      if (w) sample.push(w);
    }
    sample.sort((a, b) => a - b);
    const dense = (sample[Math.floor(sample.length * 0.98)] ?? 0) / this.full;
    const single = Math.max(0.42, Math.min(0.88, 0.88 - 0.13 * Math.log10(Math.max(1, dense))));
    const top = Math.log(Math.max(4, dense));
    Object.assign(this, { single, top });
    /** @param {number} w */
    const curve = (w) => {
      const c = w / this.full;
      return c < 1 ? single * c : single + (1 - single) * Math.min(1, Math.log(c) / top);
    };
    this.curve = curve;
    this.opacity = Float32Array.from({ length: TABLE }, (_, w) => curve(w));
  }

  /**
   * Paint what changed, or everything.
   * @param {CanvasRenderingContext2D} context
   * @param {import("./colors.js").Theme} theme
   * @param {boolean} focus dim the points that are not emphasized
   * @param {import("./data.js").Rgb} otherColor
   * @param {boolean} whole whether more changed than classes
   */
  paint(context, theme, focus, otherColor, whole) {
    this.fullPaint ||= whole;
    this.dress(theme, focus, otherColor);
    const many = this.dirtyCount > MANY_DIRTY * this.pixels.length;
    if (this.fullPaint || many) this.paintAll(context);
    else if (this.dirtyCount) this.paintDirty(context);
    for (let k = 0; k < this.dirtyCount; k++) this.isDirty[this.dirty[k]] = 0;
    this.dirtyCount = 0;
    this.fullPaint = false;
  }

  /**
   * @param {import("./colors.js").Theme} theme
   * @param {boolean} focus
   * @param {import("./data.js").Rgb} otherColor
   */
  dress({ background, dark }, focus, otherColor) {
    this.gray = dark ? 150 : 168;
    this.dim = dark ? DIM.dark : DIM.light;
    Object.assign(this, { background, focus, otherColor });
  }

  /** @param {CanvasRenderingContext2D} context */
  paintAll(context) {
    const { width, height, pad, stride, pixels, all, under } = this;
    const [r, g, b] = this.background;
    pixels.fill(((255 << 24) | (b << 16) | (g << 8) | r) >>> 0);
    for (let y = 0; y < height; y++) {
      const from = (y + pad) * stride + pad;
      for (let x = 0; x < width; x++) {
        if (all[4 * (from + x)] || under?.[from + x]) pixels[y * width + x] = this.mixed(from + x);
      }
    }
    context.putImageData(this.image, 0, 0);
  }

  /** @param {CanvasRenderingContext2D} context */
  paintDirty(context) {
    const { width, height, pad, stride, pixels, dirty, dirtyCount } = this;
    let [x0, x1, y0, y1] = [width, -1, height, -1];
    for (let k = 0; k < dirtyCount; k++) {
      const p = dirty[k];
      const y = Math.floor(p / stride) - pad;
      const x = (p % stride) - pad;
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      pixels[y * width + x] = this.mixed(p);
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
      if (y < y0) y0 = y;
      if (y > y1) y1 = y;
    }
    if (x1 >= 0) context.putImageData(this.image, 0, 0, x0, y0, x1 - x0 + 1, y1 - y0 + 1);
  }

  /**
   * Color of one pixel: outside the ROI, then the dimmed, then the emphasized points.
   * @param {number} p
   */
  mixed(p) {
    const o = 4 * p;
    const { all, sums, opacity, gray, dim, focus } = this;
    const chosen = sums[EMPHASIZED];
    const outside = sums[OUTSIDE];
    const other = sums[OTHER];
    let r = this.background[0];
    let g = this.background[1];
    let b = this.background[2];
    const ground = this.under?.[p];
    if (ground) {
      r += ground * (gray - r);
      g += ground * (gray - g);
      b += ground * (gray - b);
    }
    const wo = outside[o] >>> 0;
    const ws = chosen[o] >>> 0;
    const wt = other[o] >>> 0;
    const wi = ((all[o] >>> 0) - wo - ws) >>> 0;
    if (wo) {
      const a = FAINT * (wo < TABLE ? opacity[wo] : this.curve(wo));
      r += a * (gray - r);
      g += a * (gray - g);
      b += a * (gray - b);
    }
    if (wi) {
      let a = wi < TABLE ? opacity[wi] : this.curve(wi);
      let cr = ((all[o + 1] - outside[o + 1] - chosen[o + 1]) >>> 0) / wi;
      let cg = ((all[o + 2] - outside[o + 2] - chosen[o + 2]) >>> 0) / wi;
      let cb = ((all[o + 3] - outside[o + 3] - chosen[o + 3]) >>> 0) / wi;
      if (focus) {
        a *= dim;
        cr = (cr + gray) / 2;
        cg = (cg + gray) / 2;
        cb = (cb + gray) / 2;
        if (wt) {
          // The other slot's points keep a tint of its color, so that both can be compared.
          const f = wt / wi;
          const tint = this.otherColor;
          a *= 1 + f;
          cr += f * (tint[0] - cr);
          cg += f * (tint[1] - cg);
          cb += f * (tint[2] - cb);
        }
      }
      r += a * (cr - r);
      g += a * (cg - g);
      b += a * (cb - b);
    }
    if (ws) {
      // Emphasized points must be seen even where there is but one.
      const build = ws < TABLE ? opacity[ws] : this.curve(ws);
      const cover = ws < this.full ? (0.85 * ws) / this.full : 0.85 + 0.15 * build;
      r += cover * ((chosen[o + 1] >>> 0) / ws - r);
      g += cover * ((chosen[o + 2] >>> 0) / ws - g);
      b += cover * ((chosen[o + 3] >>> 0) / ws - b);
    }
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  }
}
