/** Round positions along an axis, and numbers as they are written at them. */

/**
 * @typedef {{values: number[], step: number}} Ticks
 * @typedef {{values: number[], labels: string[], factor: string}} Marks factor: what all labels
 *   are to be multiplied by, "" where by nothing
 */

const MINUS = "\u2212";
/** By ratio, from each of 1, 2 and 5 to the next round number. */
const HALFWAY = [Math.SQRT2, Math.sqrt(2.5), Math.SQRT2];
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * Multiples of a step within a range, whose ends count even where rounding puts them outside.
 * @param {number} step
 * @param {number} low
 * @param {number} high
 */
export function multiples(step, low, high) {
  const values = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    values.push(k * step);
  }
  return values;
}

/**
 * Return round tick positions within a range.
 * @param {number} low
 * @param {number} high
 * @param {number} wanted about how many
 * @returns {Ticks}
 */
export function ticks(low, high, wanted) {
  const span = high - low;
  if (!(span > 0)) return { values: [low], step: 1 };
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  // The nearest by ratio: the next larger one would leave one tick of four.
  const step = power * ([1, 2, 5].find((f, k) => rough < power * f * HALFWAY[k]) ?? 10);
  return { values: multiples(step, low, high), step };
}

/**
 * Power of ten to take out of the labels of an axis; 0 where they are readable as they are.
 * @param {number[]} values
 */
function commonExponent(values) {
  const largest = Math.max(...values.map(Math.abs));
  if (!(largest > 0) || (largest < 1e5 && largest >= 1e-2)) return 0;
  return Math.floor(Math.log10(largest) + 1e-9);
}

/**
 * Write a number with a true minus sign and about four digits.
 * @param {number} value
 * @returns {string}
 */
export function formatNumber(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6)
    ? value.toExponential(2).replace(/e([+-]\d+)/, (_, power) => ` × 10${superscript(Number(power))}`)
    : Number(value.toPrecision(size >= 1000 ? 6 : 4)).toString();
  return text.replace("-", MINUS);
}

/** @param {number} exponent */
function superscript(exponent) {
  const digits = [...String(Math.abs(exponent))].map((d) => SUPERSCRIPTS[Number(d)]);
  return (exponent < 0 ? "⁻" : "") + digits.join("");
}

/**
 * Write numbers at ticks.
 * @param {Ticks} ticks
 * @returns {Marks}
 */
export function marks({ values, step }) {
  const exponent = commonExponent(values);
  const scale = 10 ** exponent;
  const digits = Math.max(0, Math.min(8, -Math.floor(Math.log10(step / scale) + 1e-9)));
  const labels = values.map((v) => {
    const text = (v / scale).toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", MINUS);
  });
  return { values, labels, factor: exponent ? `×10${superscript(exponent)}` : "" };
}
