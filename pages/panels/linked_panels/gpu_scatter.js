/** Points whose sums and colors the graphics card computes; the picture is that of scatter.js. */

import { ScatterRaster } from "./scatter.js";

export class GpuScatter extends ScatterRaster {
  /** @param {import("./gpu.js").Gpu} gpu */
  constructor(gpu) {
    super();
    this.version = -1;
    this.gpu = gpu;
    this.buffers = gpu.buffers();
    /** How many points have their middle on each pixel. */
    this.counts = new Uint32Array(0);
    /** Weights of a point's pixels, a square. */
    this.stamp = new Float32Array(1);
  }

  /** Leave nothing on the card. */
  free() {
    this.gpu.free(this.buffers);
  }

  /**
   * @param {number} width device pixels
   * @param {number} height device pixels
   * @param {number} radius device pixels
   * @param {number} n
   */
  resize(width, height, radius, n) {
    super.resize(width, height, radius, n);
    const { offsets, reach, stride, weights } = this;
    if (weights.length === 1) {
      // All alike, so that sums of floats stay exact for as many points as possible.
      this.full = weights[0] = 1;
      this.stamp = Float32Array.of(1);
      return;
    }
    const side = 2 * reach + 1;
    this.stamp = new Float32Array(side * side);
    offsets.forEach((offset, k) => {
      const dy = Math.round(offset / stride);
      this.stamp[(dy + reach) * side + offset - dy * stride + reach] = weights[k];
    });
  }

  allocate() {
    this.counts = new Uint32Array(this.size);
  }

  /**
   * @param {import("./data.js").Numbers} x
   * @param {import("./data.js").Numbers} y
   * @param {import("./data.js").Range} view
   * @param {Uint32Array} rgba
   */
  *build(x, y, view, rgba) {
    const { at, buffers, gpu } = this;
    yield* super.build(x, y, view, rgba);
    gpu.fill(buffers.at, at);
    yield;
    gpu.fill(buffers.rgba, rgba);
  }

  begin() {
    super.begin();
    this.counts.fill(0);
  }

  /**
   * @param {Uint32Array} _rgba
   * @param {number} from
   * @param {number} to
   */
  sum(_rgba, from, to) {
    const { at, counts } = this;
    for (let i = from; i < to; i++) if (at[i] >= 0) counts[at[i]]++;
  }

  /** @param {number} p */
  weightAt(p) {
    const { counts, offsets, weights } = this;
    let sum = 0;
    for (let k = 0; k < offsets.length; k++) sum += weights[k] * (counts[p - offsets[k]] ?? 0);
    return sum;
  }

  /**
   * @param {Uint32Array} _rgba
   * @param {import("./selection.js").Selection} selection
   */
  update(_rgba, selection) {
    if (selection.version !== this.version) {
      this.gpu.fill(this.buffers.classes, selection.classes);
    }
    this.version = selection.version;
    return true;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {import("./colors.js").Theme} theme
   * @param {boolean} focus
   * @param {import("./data.js").Rgb} otherColor
   */
  paint(context, theme, focus, otherColor) {
    const { buffers, gpu, height, pad, width } = this;
    this.dress(theme, focus, otherColor);
    // What a lost card would draw is blank; the canvas keeps what it shows until it is made anew.
    if (!gpu.draw(buffers, { ...this, rows: height + 2 * pad }, this)) return;
    context.drawImage(gpu.canvas, 0, gpu.canvas.height - height, width, height,
      0, 0, width, height);
  }

  /** Nothing needs to be compiled before the first brush. */
  rehearse() {
    return 0;
  }
}
