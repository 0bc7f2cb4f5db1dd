/** Meridians and parallels: where they run, and what is written at them. */

import { multiples } from "./ticks.js";

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45, 60, 90];

/**
 * Return degrees that are round on a globe, within a range.
 * @param {number} low
 * @param {number} high
 * @param {number} wanted about how many
 * @returns {import("./ticks.js").Ticks}
 */
export function degreeTicks(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted);
  const step = STEPS.find((s) => s >= rough * 0.999) ?? 90;
  return { values: multiples(step, low, high), step };
}

/**
 * Write a longitude or latitude.
 * @param {number} degrees longitudes may be counted past 180
 * @param {number} step of the ticks, which says how many digits are needed
 * @param {"EW"|"NS"} sides
 * @returns {string} "" beyond the poles
 */
export function degreeLabel(degrees, step, sides) {
  if (sides === "NS" && Math.abs(degrees) > 90 + 1e-9) return "";
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const value = sides === "EW" ? ((((degrees + 180) % 360) + 360) % 360) - 180 : degrees;
  const size = Math.abs(value).toFixed(digits);
  const bare = Number(size) === 0 || (sides === "EW" && Number(size) === 180);
  return `${size}°${bare ? "" : sides[value < 0 ? 1 : 0]}`;
}
