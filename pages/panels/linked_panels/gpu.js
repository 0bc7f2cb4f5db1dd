/**
 * Sums of points and their mixing on the graphics card (WebGL2), for all scatters of the page.
 *
 * Points are added up by additive blending into 32-bit floats: sums below 2^24 are exact, so that
 * the picture is that of scatter.js.
 */

import { FAINT } from "./scatter.js";

/**
 * @typedef {{at: WebGLBuffer|null, rgba: WebGLBuffer|null, classes: WebGLBuffer|null,
 *   array: WebGLVertexArrayObject|null}} Buffers of the points of one panel
 * @typedef {{n: number, stride: number, rows: number, pad: number, reach: number,
 *   stamp: Float32Array}} Places stamp: the weights of a point's pixels, a square
 * @typedef {{width: number, height: number, full: number, single: number, top: number,
 *   gray: number, dim: number, focus: boolean, background: import("./data.js").Rgb,
 *   otherColor: import("./data.js").Rgb}} Look
 */

/** Sums of 16 bytes that the card may hold: a quarter of a gigabyte. */
const MOST_SUMS = 1 << 24;

// A point of each class goes into a band of its own: plain, emphasized, outside, of the other slot.
const POINTS = `#version 300 es
precision highp float;
precision highp int;
layout(location = 0) in highp int at;
layout(location = 1) in highp uint rgba;
layout(location = 2) in highp uint kind;
uniform int stride;
uniform int rows;
uniform float size;
uniform vec2 extent;
flat out vec3 color;
flat out ivec2 center;
void main() {
  gl_PointSize = size;
  color = vec3(rgba & 255u, (rgba >> 8) & 255u, (rgba >> 16) & 255u);
  int y = at / stride;
  int band = kind == 4u ? 3 : int(kind);
  center = ivec2(at - y * stride, y + band * rows);
  gl_Position = at < 0 ? vec4(2.0, 2.0, 2.0, 1.0)
    : vec4((vec2(center) + 0.5) / extent * 2.0 - 1.0, 0.0, 1.0);
}`;

const STAMP = `#version 300 es
precision highp float;
precision highp int;
uniform int reach;
uniform highp sampler2D stamp;
flat in vec3 color;
flat in ivec2 center;
out vec4 sum;
void main() {
  float weight = texelFetch(stamp, ivec2(gl_FragCoord.xy) - center + reach, 0).r;
  sum = weight * vec4(1.0, color);
}`;

const SCREEN = `#version 300 es
void main() {
  gl_Position = vec4(vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0), 0.0, 1.0);
}`;

// ScatterRaster.mixed, word for word.
const MIX = `#version 300 es
precision highp float;
precision highp int;
uniform highp sampler2D sums;
uniform int pad;
uniform int rows;
uniform int height;
uniform float full;
uniform float single;
uniform float top;
uniform float gray;
uniform float dim;
uniform bool focus;
uniform vec3 background;
uniform vec3 otherColor;
out vec4 pixel;
float opacity(float w) {
  float c = w / full;
  return c < 1.0 ? single * c : single + (1.0 - single) * min(1.0, log(c) / top);
}
vec4 of(int band) {
  ivec2 at = ivec2(int(gl_FragCoord.x) + pad, height - 1 - int(gl_FragCoord.y) + pad + band * rows);
  return texelFetch(sums, at, 0);
}
void main() {
  vec4 chosen = of(1);
  vec4 outside = of(2);
  vec4 other = of(3);
  vec4 inside = of(0) + other;
  vec3 rgb = background;
  if (outside.r > 0.0) rgb += ${FAINT} * opacity(outside.r) * (vec3(gray) - rgb);
  if (inside.r > 0.0) {
    float a = opacity(inside.r);
    vec3 color = inside.gba / inside.r;
    if (focus) {
      a *= dim;
      color = (color + gray) / 2.0;
      if (other.r > 0.0) {
        float f = other.r / inside.r;
        a *= 1.0 + f;
        color += f * (otherColor - color);
      }
    }
    rgb += a * (color - rgb);
  }
  if (chosen.r > 0.0) {
    float cover = chosen.r < full ? 0.85 * chosen.r / full : 0.85 + 0.15 * opacity(chosen.r);
    rgb += cover * (chosen.gba / chosen.r - rgb);
  }
  // What rounding left just below a whole number is meant to be it.
  pixel = vec4(floor(rgb + 0.002) / 255.0, 1.0);
}`;

export class Gpu {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {WebGL2RenderingContext} gl
   */
  constructor(canvas, gl) {
    this.canvas = canvas;
    this.gl = gl;
    this.adding = program(gl, POINTS, STAMP);
    this.mixing = program(gl, SCREEN, MIX);
    this.sums = gl.createTexture();
    this.stamp = gl.createTexture();
    this.target = gl.createFramebuffer();
    this.width = 0;
    this.height = 0;
    this.most = gl.getParameter(gl.MAX_TEXTURE_SIZE);
    this.widest = gl.getParameter(gl.ALIASED_POINT_SIZE_RANGE)[1];
  }

  /** @returns {Buffers} */
  buffers() {
    const { gl } = this;
    const array = gl.createVertexArray();
    const [at, rgba, classes] = [gl.createBuffer(), gl.createBuffer(), gl.createBuffer()];
    gl.bindVertexArray(array);
    for (const [k, buffer, type] of /** @type {const} */ ([
      [0, at, gl.INT], [1, rgba, gl.UNSIGNED_INT], [2, classes, gl.UNSIGNED_BYTE],
    ])) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(k);
      gl.vertexAttribIPointer(k, 1, type, 0, 0);
    }
    return { at, rgba, classes, array };
  }

  /** @param {Buffers} buffers */
  free({ array, ...buffers }) {
    for (const buffer of Object.values(buffers)) this.gl.deleteBuffer(buffer);
    this.gl.deleteVertexArray(array);
  }

  /**
   * @param {WebGLBuffer|null} buffer
   * @param {Int32Array|Uint32Array|Uint8Array} values
   */
  fill(buffer, values) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
  }

  /**
   * Whether the card can draw a picture of this size.
   * @param {number} width device pixels
   * @param {number} height device pixels
   * @param {number} radius of a point
   */
  holds(width, height, radius) {
    const reach = Math.ceil(radius);
    const [across, down] = [width + 4 * reach, 4 * (height + 4 * reach)];
    return across <= this.most && down <= this.most && across * down <= MOST_SUMS
      && 2 * reach < this.widest;
  }

  /**
   * Draw points to the lower left of the canvas.
   * @param {Buffers} buffers
   * @param {Places} places
   * @param {Look} look
   * @returns whether the card did
   */
  draw(buffers, places, look) {
    const { canvas, gl } = this;
    const { width, height } = look;
    if (canvas.width < width || canvas.height < height) {
      canvas.width = Math.max(canvas.width, width);
      canvas.height = Math.max(canvas.height, height);
    }
    this.add(buffers, places);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, width, height);
    gl.disable(gl.BLEND);
    gl.useProgram(this.mixing.program);
    const { set } = this.mixing;
    gl.uniform1i(set("sums"), 0);
    for (const name of /** @type {const} */ (["pad", "rows"])) gl.uniform1i(set(name), places[name]);
    gl.uniform1i(set("height"), height);
    gl.uniform1i(set("focus"), Number(look.focus));
    for (const name of /** @type {const} */ (["full", "single", "top", "gray", "dim"])) {
      gl.uniform1f(set(name), look[name]);
    }
    for (const name of /** @type {const} */ (["background", "otherColor"])) {
      gl.uniform3fv(set(name), look[name]);
    }
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    return !gl.isContextLost();
  }

  /**
   * Add the points up.
   * @param {Buffers} buffers
   * @param {Places} places
   */
  add(buffers, { n, stride, rows, reach, stamp }) {
    const { gl } = this;
    this.fit(stride, 4 * rows);
    const side = Math.sqrt(stamp.length);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.stamp);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, side, side, 0, gl.RED, gl.FLOAT, stamp);
    plain(gl);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.viewport(0, 0, this.width, this.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE);
    gl.useProgram(this.adding.program);
    const { set } = this.adding;
    gl.uniform1i(set("stamp"), 1);
    gl.uniform1i(set("stride"), stride);
    gl.uniform1i(set("rows"), rows);
    gl.uniform1i(set("reach"), side > 1 ? reach : 0);
    gl.uniform1f(set("size"), side);
    gl.uniform2f(set("extent"), this.width, this.height);
    gl.bindVertexArray(buffers.array);
    gl.drawArrays(gl.POINTS, 0, n);
  }

  /**
   * Make room for the sums; all panels have theirs at one place, one after the other.
   * @param {number} width
   * @param {number} height
   */
  fit(width, height) {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.sums);
    if (width <= this.width && height <= this.height) return;
    this.width = Math.max(this.width, width);
    this.height = Math.max(this.height, height);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, this.width, this.height, 0, gl.RGBA, gl.FLOAT, null);
    plain(gl);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.sums, 0);
    if (gl.checkFramebufferStatus(gl.FRAMEBUFFER) !== gl.FRAMEBUFFER_COMPLETE) {
      throw new Error("The graphics card can't add floats up.");
    }
  }
}

/**
 * Let the texture be read as it is.
 * @param {WebGL2RenderingContext} gl
 */
function plain(gl) {
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
}

/**
 * @param {WebGL2RenderingContext} gl
 * @param {string} vertex
 * @param {string} fragment
 */
function program(gl, vertex, fragment) {
  const made = /** @type {WebGLProgram} */ (gl.createProgram());
  for (const [type, source] of /** @type {const} */ ([
    [gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment],
  ])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(type));
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(made) ?? "The graphics card refuses the program.");
  }
  /** @type {Map<string, WebGLUniformLocation|null>} */
  const found = new Map();
  /** @param {string} name */
  const set = (name) => {
    if (!found.has(name)) found.set(name, gl.getUniformLocation(made, name));
    return found.get(name) ?? null;
  };
  return { program: made, set };
}
