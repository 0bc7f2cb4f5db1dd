/** A panel as a picture: copied, PNG or SVG, drawn anew at any scale as the screen shows it. */

import { ScatterRaster } from "./scatter.js";
import { SvgContext } from "./svg_context.js";
import { context2d, h } from "../browser/dom.js";
import { css, mix } from "./colors.js";
import { fitText } from "./text.js";
import { drawOverlay } from "./overlay.js";
import { icon } from "./icons.js";
import { Made } from "./made.js";

/**
 * @typedef {import("./panel.js").Panel} Panel
 * @typedef {import("./panel.js").Picture} Picture
 * @typedef {import("./colors.js").Theme} Theme
 * @typedef {import("./data.js").Rgb} Rgb
 * @typedef {"screen"|"white"|"transparent"} Ground
 */

const HEADER = 26;
const KEY = 18;
const RASTER_SCALE = 2;
const SCALES = [1, 2, 4];
/** @type {Array<[Ground, string]>} */
const GROUNDS = [["screen", "as shown"], ["white", "white"], ["transparent", "transparent"]];

/**
 * The theme that a picture is drawn in: on paper text is dark.
 * @param {Theme} theme
 * @param {Ground} ground
 * @returns {Theme}
 */
function themeOn(theme, ground) {
  if (ground === "screen") return theme;
  /** @type {Rgb} */
  const white = [255, 255, 255];
  /** @type {Rgb} */
  const text = theme.dark ? [49, 51, 63] : theme.text;
  return { ...theme, background: white, text, muted: mix(text, white, 0.35), dark: false };
}

/**
 * The panel with canvases of its own, so that the screen stays as it is.
 * @param {Panel} panel
 * @param {number} scale
 * @returns {Panel}
 */
function copyOf(panel, scale) {
  const { plot } = panel.projection;
  const raster = panel.raster instanceof ScatterRaster ? ScatterRaster
    : /** @type {new () => Panel["raster"]} */ (panel.raster.constructor);
  const data = h("canvas");
  data.width = Math.round(plot.width * scale);
  data.height = Math.round(plot.height * scale);
  /** @type {Panel} */
  const copy = Object.create(panel);
  return Object.assign(copy, {
    dpr: scale, raster: new raster(), data, dataContext: context2d(data), made: new Made(),
    work: null, cardFor: () => null,
  });
}

/**
 * The points of a panel; on a transparent ground what is drawn on white and on black says how much
 * of the ground is seen.
 * @param {Panel} copy
 * @param {Picture} picture
 * @param {Ground} ground
 */
function points(copy, picture, ground) {
  const { data, dataContext: c } = copy;
  if (ground !== "transparent") {
    copy.drawData(picture);
    return data;
  }
  /** @param {Rgb} background */
  const on = (background) => {
    copy.drawData({ ...picture, theme: { ...picture.theme, background } });
    return c.getImageData(0, 0, data.width, data.height);
  };
  const [white, image] = [on([255, 255, 255]).data, on([0, 0, 0])];
  const black = image.data;
  for (let k = 0; k < black.length; k += 4) {
    const seen = Math.max(
      white[k] - black[k], white[k + 1] - black[k + 1], white[k + 2] - black[k + 2], 0,
    );
    const alpha = 1 - seen / 255;
    for (let j = k; j < k + 3; j++) black[j] = alpha > 0 ? Math.round(black[j] / alpha) : 0;
    black[k + 3] = Math.round(255 * alpha);
  }
  c.putImageData(image, 0, 0);
  return data;
}

/**
 * Draw the legend as the page shows it.
 * @param {CanvasRenderingContext2D} c
 * @param {Panel} panel
 * @param {Theme} theme
 */
function drawLegend(c, panel, theme) {
  const { plot } = panel.projection;
  const left = plot.left + plot.width + 10;
  const room = Math.max(40, panel.width - left);
  c.textAlign = "left";
  c.textBaseline = "middle";
  c.fillStyle = css(theme.text);
  [...panel.legend.children].forEach((entry, k) => {
    const y = plot.top + KEY * k + KEY / 2;
    const chip = entry.querySelector(".lp-chip");
    c.font = `${chip ? "" : "600 "}11px ${theme.font}`;
    if (chip instanceof HTMLElement) {
      const colors = chip.style.background.match(/rgba?\([^)]*\)|#[0-9a-f]{6}/gi) ?? [];
      colors.forEach((color, j) => {
        c.fillStyle = color;
        c.fillRect(left + (12 * j) / colors.length, y - 6, 12 / colors.length, 12);
      });
      c.fillStyle = css(theme.text);
    }
    fitText(c, entry.textContent ?? "", left + (chip ? 18 : 0), y, room - (chip ? 18 : 0));
  });
}

/**
 * Draw a panel below its title: points, axes, scale bar, legend and selection.
 * @param {CanvasRenderingContext2D} c in CSS pixels
 * @param {Panel} panel
 * @param {Picture} picture
 * @param {number} scale of the points
 * @param {Ground} ground
 */
function draw(c, panel, picture, scale, ground) {
  const theme = themeOn(picture.theme, ground);
  // What the mouse does now is no part of the picture.
  const shown = { ...picture, theme, hovered: -1 };
  const copy = copyOf(panel, scale);
  const { plot } = panel.projection;
  if (ground !== "transparent") {
    c.fillStyle = css(theme.background);
    c.fillRect(0, 0, ...sizeOf(panel));
  }
  c.fillStyle = css(theme.text);
  c.font = `600 13px ${theme.font}`;
  c.textAlign = "left";
  c.textBaseline = "middle";
  fitText(c, panel.spec.title, 8, HEADER / 2, panel.width - 16);
  c.save();
  c.translate(0, HEADER);
  c.imageSmoothingEnabled = false;
  c.drawImage(points(copy, shown, ground), plot.left, plot.top, plot.width, plot.height);
  copy.drawAxes(c, shown);
  drawOverlay(c, copy, shown);
  drawLegend(c, panel, theme);
  c.restore();
}

/** @param {Panel} panel @returns {[number, number]} of the picture in CSS pixels */
function sizeOf(panel) {
  const keys = panel.projection.plot.top + KEY * panel.legend.children.length;
  return [panel.width, HEADER + Math.max(panel.height, keys + 4)];
}

/**
 * A panel as a PNG.
 * @param {Panel} panel
 * @param {Picture} picture
 * @param {number} scale pixels to a CSS pixel
 * @param {Ground} ground
 * @returns {Promise<Blob>}
 */
function pngOf(panel, picture, scale, ground) {
  const canvas = h("canvas");
  [canvas.width, canvas.height] = sizeOf(panel).map((side) => Math.round(side * scale));
  const c = context2d(canvas);
  c.scale(scale, scale);
  draw(c, panel, picture, scale, ground);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("too large"))), "image/png");
  });
}

/**
 * A panel as SVG text: points as a picture, all else as vectors and text.
 * @param {Panel} panel
 * @param {Picture} picture
 * @param {Ground} ground
 */
function svgOf(panel, picture, ground) {
  const probe = context2d(h("canvas"));
  const svg = new SvgContext((font, text) => {
    probe.font = font;
    return probe.measureText(text).width;
  });
  const c = /** @type {CanvasRenderingContext2D} */ (/** @type {unknown} */ (svg));
  draw(c, panel, picture, RASTER_SCALE, ground);
  return svg.text(...sizeOf(panel));
}

/**
 * Name of a file: scan, panel, date.
 * @param {string} scan
 * @param {string} title
 * @param {string} ending
 * @param {Date} [now]
 */
export function fileName(scan, title, ending, now = new Date()) {
  const two = [now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0"));
  const words = [scan, title].map((text) => (
    text.normalize("NFKD").replace(/[^\p{L}\p{N}.-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 60)
  ));
  return `${[...words.filter(Boolean), [now.getFullYear(), ...two].join("-")].join("_")}.${ending}`;
}

export class Export {
  /**
   * Put the menu into the header of a panel.
   * @param {Panel} panel
   * @param {import("./explorer.js").Explorer} explorer
   */
  constructor(panel, explorer) {
    this.panel = panel;
    this.explorer = explorer;
    /** @type {Ground} */
    this.ground = "screen";
    const label = "Copy or save this panel";
    this.button = h("button", {
      class: "lp-button lp-enlarge", type: "button", title: label, "aria-label": label,
      "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => this.open(this.menu.hidden),
    }, icon("save"));
    this.said = h("p", { class: "lp-said", role: "status" });
    /** @param {string} text @param {() => void} onclick */
    const item = (text, onclick) => h("button", { class: "lp-button", type: "button", onclick }, text);
    this.grounds = GROUNDS.map(([ground, text]) => {
      const button = item(text, () => this.choose(ground));
      button.dataset.ground = ground;
      return button;
    });
    const scales = SCALES.map((scale) => item(`${scale}×`, () => {
      void pngOf(panel, this.picture, scale, this.ground).then((blob) => this.save(blob, "png"));
    }));
    /** @param {string} title @param {HTMLElement[]} items */
    const row = (title, items) => h("div", { class: "lp-row", role: "group", "aria-label": title },
      h("span", {}, title), ...items);
    this.menu = h("div", { class: "lp-menu", role: "dialog", "aria-label": label },
      row("Copy", [item("as an image", () => void this.copy())]),
      row("PNG", scales),
      row("SVG", [item("points as a picture, the rest as vectors", () => {
        this.save(new Blob([svgOf(panel, this.picture, this.ground)], { type: "image/svg+xml" }), "svg");
      })]),
      row("Ground", this.grounds),
      this.said);
    this.menu.hidden = true;
    this.menu.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.open(false);
    };
    this.menu.addEventListener("focusout", ({ relatedTarget }) => {
      const within = relatedTarget instanceof Node
        && (this.menu.contains(relatedTarget) || relatedTarget === this.button);
      if (relatedTarget && !within) this.menu.hidden = true;
    });
    this.choose("screen");
    panel.enlarge.before(this.button);
    panel.element.append(this.menu);
  }

  get picture() {
    return this.explorer.drawing.picture;
  }

  /** @param {boolean} shown */
  open(shown) {
    this.menu.hidden = !shown;
    this.button.setAttribute("aria-expanded", String(shown));
    this.said.textContent = "";
    if (shown) this.menu.querySelector("button")?.focus();
    else this.button.focus();
  }

  /** @param {Ground} ground */
  choose(ground) {
    this.ground = ground;
    for (const button of this.grounds) {
      button.setAttribute("aria-pressed", String(button.dataset.ground === ground));
    }
  }

  async copy() {
    try {
      const blob = pngOf(this.panel, this.picture, RASTER_SCALE, this.ground);
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
      this.said.textContent = "Copied.";
    } catch {
      // Browsers give the clipboard to pages of https and of this machine only.
      this.said.textContent = "The browser doesn't allow this page to copy: save a PNG.";
    }
  }

  /**
   * @param {Blob} blob
   * @param {string} ending
   */
  save(blob, ending) {
    const href = URL.createObjectURL(blob);
    const { scan } = this.explorer.points.data;
    h("a", { href, download: fileName(scan ?? "", this.panel.spec.title, ending) }).click();
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
    this.said.textContent = "Saved.";
  }
}
