// Curves over the steps of a training, with a line where one is.

import { drawing } from "./svg.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [232, 110, 52, 16]; // pixels, as they are shown
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "5 2 1 2", "12 3", "1 5"];

/**
 * Return { svg, moveTo }: a chart of curves, and a function that sets the line to a step.
 * @param steps where the numbers of each curve lie; curves of other places say so themselves
 * @param curves name → numbers, null for none, or { at, values }; told apart by dashes, not by
 *   colour alone
 * @param log whether the height is logarithmic
 */
export function chartOf(title, steps, curves, log, write) {
  const lines = Object.entries(curves).map(([name, curve]) =>
    (Array.isArray(curve) ? { name, at: steps, values: curve } : { name, ...curve }));
  const [first, last] = [steps[0], steps[steps.length - 1]];
  const svg = drawing("svg", { width: WIDTH, height: HEIGHT, class: "chart", role: "img", "aria-label": title });
  const level = (value) => (log ? Math.log10(value) : value);
  const levels = lines.flatMap(({ values }) => values)
    .filter((value) => value !== null && (!log || value > 0)).map(level);
  if (!levels.length) levels.push(level(1)); // where all is lost
  const [low, high] = [Math.min(...levels), Math.max(...levels)];
  const x = (step) => LEFT + ((WIDTH - LEFT - 6) * (step - first)) / (last - first || 1);
  const y = (value) => 8 + ((HEIGHT - BOTTOM - 8) * (high - level(value))) / (high - low || 1);
  const end = (step) => (Number.isInteger(step) ? String(step) : write(step));
  const ends = [[high, 12], [low, HEIGHT - BOTTOM]];
  for (const [value, at] of ends) {
    svg.append(drawing("text", { x: LEFT - 4, y: at, "text-anchor": "end" }, write(log ? 10 ** value : value)));
  }
  svg.append(drawing("text", { x: LEFT, y: HEIGHT - 3 }, end(first)),
    drawing("text", { x: WIDTH - 4, y: HEIGHT - 3, "text-anchor": "end" }, end(last)));
  lines.forEach(({ name, at, values }, k) => {
    const points = values.flatMap((value, i) =>
      (value === null || (log && value <= 0) ? [] : [`${x(at[i])} ${y(value)}`]));
    const path = drawing("path", {
      d: points.length ? `M${points.join("L")}` : "", class: `curve curve-${k % 5}`, "stroke-dasharray": DASHES[k % DASHES.length],
    });
    path.append(drawing("title", {}, name));
    svg.append(path);
  });
  const now = drawing("line", { y1: 4, y2: HEIGHT - BOTTOM, class: "now" });
  svg.append(now);
  const moveTo = (step) => { now.setAttribute("x1", x(step)); now.setAttribute("x2", x(step)); };
  moveTo(first);
  return { svg, moveTo };
}

/** Return a legend's sample of the k-th curve. */
export function dashOf(k) {
  const svg = drawing("svg", { viewBox: "0 0 26 8", class: "dash", "aria-hidden": "true" });
  svg.append(drawing("path", { d: "M0 4H26", class: `curve curve-${k % 5}`, "stroke-dasharray": DASHES[k % DASHES.length] }));
  return svg;
}
