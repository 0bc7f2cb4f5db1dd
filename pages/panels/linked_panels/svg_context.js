/** A drawing context that writes SVG: what the panels draw on a canvas, as vectors and text. */

/** @typedef {[number, number, number, number, number, number]} Matrix as in SVG */

const ENTITIES = new Map([["&", "&amp;"], ["<", "&lt;"], [">", "&gt;"], ['"', "&quot;"]]);
/** @type {Record<string, string>} */
const ANCHORS = { left: "start", start: "start", center: "middle", right: "end", end: "end" };
/** Lowering of the text, in heights of the font. */
/** @type {Record<string, number>} */
const LOWERED = { top: 0.8, middle: 0.35, alphabetic: 0, bottom: -0.2 };

/**
 * Text that may have come from a file is text in the SVG, too.
 * @param {string} text
 */
function escaped(text) {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "")
    .replace(/[&<>"]/g, (/** @type {string} */ sign) => ENTITIES.get(sign) ?? "");
}

/** @param {number} v */
const short = (v) => String(Math.round(v * 1000) / 1000);

export class SvgContext {
  /** @param {(font: string, text: string) => number} widthOf measures text */
  constructor(widthOf) {
    this.widthOf = widthOf;
    /** @type {string[]} */
    this.parts = [];
    this.path = "";
    this.at = "";
    this.clips = 0;
    /** @type {Array<Record<string, unknown>>} */
    this.stack = [];
    this.state = {
      /** @type {Matrix} */
      matrix: [1, 0, 0, 1, 0, 0],
      clip: "", dash: "",
      fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, lineJoin: "miter",
      font: "10px sans-serif", textAlign: "start", textBaseline: "alphabetic",
    };
    this.imageSmoothingEnabled = true;
    const names = /** @type {const} */ (
      ["fillStyle", "strokeStyle", "lineWidth", "lineJoin", "font", "textAlign", "textBaseline"]
    );
    for (const name of names) {
      Object.defineProperty(this, name, {
        get: () => this.state[name],
        set: (value) => {
          this.state = { ...this.state, [name]: value };
        },
      });
    }
  }

  save() {
    this.stack.push({ ...this.state });
  }

  restore() {
    const state = this.stack.pop();
    if (state) Object.assign(this.state = { ...this.state }, state);
  }

  /** The scale of a canvas is nothing to vectors. */
  setTransform() {}

  clearRect() {}

  /** @param {Matrix} by */
  transform([a, b, c, d, e, f]) {
    const [A, B, C, D, E, F] = this.state.matrix;
    /** @type {Matrix} */
    const matrix = [
      A * a + C * b, B * a + D * b, A * c + C * d, B * c + D * d, A * e + C * f + E,
      B * e + D * f + F,
    ];
    this.state = { ...this.state, matrix };
  }

  /** @param {number} x @param {number} y */
  translate(x, y) {
    this.transform([1, 0, 0, 1, x, y]);
  }

  /** @param {number} angle */
  rotate(angle) {
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    this.transform([c, s, -s, c, 0, 0]);
  }

  beginPath() {
    this.path = "";
  }

  closePath() {
    this.path += "Z";
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.path += `M${short(x)} ${short(y)}`;
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.path += `L${short(x)} ${short(y)}`;
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  rect(x, y, w, h) {
    this.path += `M${short(x)} ${short(y)}h${short(w)}v${short(h)}h${short(-w)}Z`;
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  roundRect(x, y, w, h) {
    this.rect(x, y, w, h);
  }

  /**
   * Whole circles only.
   * @param {number} x
   * @param {number} y
   * @param {number} r
   */
  arc(x, y, r) {
    const half = `a${short(r)} ${short(r)} 0 1 1`;
    this.path += `M${short(x - r)} ${short(y)}${half} ${short(2 * r)} 0${half} ${short(-2 * r)} 0Z`;
  }

  clip() {
    const id = `clip${this.clips++}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this.path}"/></clipPath>`);
    this.state = { ...this.state, clip: id };
  }

  /** @param {number[]} dash */
  setLineDash(dash) {
    this.state = { ...this.state, dash: dash.join(" ") };
  }

  /** @param {string} [rule] */
  fill(rule) {
    this.paint(this.path, `fill="${escaped(this.state.fillStyle)}"${
      rule === "evenodd" ? ' fill-rule="evenodd"' : ""}`);
  }

  stroke() {
    const { strokeStyle, lineWidth, lineJoin, dash } = this.state;
    this.paint(this.path, `fill="none" stroke="${escaped(strokeStyle)}" stroke-width="${
      short(lineWidth)}" stroke-linejoin="${lineJoin}"${
      dash ? ` stroke-dasharray="${dash}"` : ""}`);
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  fillRect(x, y, w, h) {
    this.apart(() => this.rect(x, y, w, h), () => this.fill());
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  strokeRect(x, y, w, h) {
    this.apart(() => this.rect(x, y, w, h), () => this.stroke());
  }

  /** @param {() => void} draw @param {() => void} paint */
  apart(draw, paint) {
    const { path } = this;
    this.path = "";
    draw();
    paint();
    this.path = path;
  }

  /** @param {string} d @param {string} how */
  paint(d, how) {
    if (d) this.parts.push(`<path d="${d}" ${how}${this.place}/>`);
  }

  /** Attributes that say where a thing is and what cuts it. */
  get place() {
    const { matrix, clip } = this.state;
    const moved = matrix.join() === "1,0,0,1,0,0" ? "" : ` transform="matrix(${
      matrix.map(short).join(" ")})"`;
    return moved + (clip ? ` clip-path="url(#${clip})"` : "");
  }

  /** @param {string} text @param {number} x @param {number} y */
  fillText(text, x, y) {
    const { font, textAlign, textBaseline, fillStyle } = this.state;
    const [, weight, size, family] = /^(?:(\d+|bold) )?([\d.]+)px (.*)$/.exec(font)
      ?? ["", "", "10", "sans-serif"];
    const lowered = y + LOWERED[textBaseline] * Number(size);
    this.parts.push(`<text x="${short(x)}" y="${short(lowered)}" font-size="${size}"${
      weight ? ` font-weight="${weight}"` : ""} font-family="${escaped(family)}" text-anchor="${
      ANCHORS[textAlign]}" fill="${escaped(fillStyle)}"${this.place}>${escaped(text)}</text>`);
  }

  /** @param {string} text */
  measureText(text) {
    return { width: this.widthOf(this.state.font, text) };
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} x @param {number} y @param {number} w @param {number} h
   */
  drawImage(canvas, x, y, w, h) {
    this.parts.push(`<image x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${
      short(h)}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${
      canvas.toDataURL("image/png")}"${this.place}/>`);
  }

  /** @param {number} width @param {number} height */
  text(width, height) {
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${short(width)}" height="${
      short(height)}" viewBox="0 0 ${short(width)} ${short(height)}">${this.parts.join("\n")}</svg>`;
  }
}
