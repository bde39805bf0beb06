// Curves over the steps of a training, with a line where one is.

import { drawing } from "./svg.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [230, 110, 44, 16]; // pixels, as they are shown
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "5 2 1 2", "12 3", "1 5"];

/**
 * Return { svg, moveTo }: a chart of curves, and a function that sets the line to a step.
 * @param curves name → numbers, null for none; told apart by dashes, not by colour alone
 * @param log whether the height is logarithmic
 */
export function chartOf(title, steps, curves, log, write) {
  const svg = drawing("svg", { width: WIDTH, height: HEIGHT, class: "chart", role: "img", "aria-label": title });
  const level = (value) => (log ? Math.log10(value) : value);
  const levels = Object.values(curves).flat()
    .filter((value) => value !== null && (!log || value > 0)).map(level);
  const [low, high] = [Math.min(...levels), Math.max(...levels)];
  const x = (step) => LEFT + ((WIDTH - LEFT - 6) * (step - steps[0])) / (steps[steps.length - 1] - steps[0] || 1);
  const y = (value) => 8 + ((HEIGHT - BOTTOM - 8) * (high - level(value))) / (high - low || 1);
  const ends = [[high, 12], [low, HEIGHT - BOTTOM]];
  for (const [value, at] of ends) {
    svg.append(drawing("text", { x: LEFT - 4, y: at, "text-anchor": "end" }, write(log ? 10 ** value : value)));
  }
  svg.append(drawing("text", { x: LEFT, y: HEIGHT - 3 }, String(steps[0])),
    drawing("text", { x: WIDTH - 4, y: HEIGHT - 3, "text-anchor": "end" }, String(steps[steps.length - 1])));
  Object.entries(curves).forEach(([name, values], k) => {
    const points = values.flatMap((value, i) =>
      (value === null || (log && value <= 0) ? [] : [`${x(steps[i])} ${y(value)}`]));
    const path = drawing("path", {
      d: `M${points.join("L")}`, class: `curve curve-${k % 5}`, "stroke-dasharray": DASHES[k % DASHES.length],
    });
    path.append(drawing("title", {}, name));
    svg.append(path);
  });
  const now = drawing("line", { y1: 4, y2: HEIGHT - BOTTOM, class: "now" });
  svg.append(now);
  const moveTo = (step) => { now.setAttribute("x1", x(step)); now.setAttribute("x2", x(step)); };
  moveTo(steps[0]);
  return { svg, moveTo };
}

/** Return a legend's sample of the k-th curve. */
export function dashOf(k) {
  const svg = drawing("svg", { viewBox: "0 0 26 8", class: "dash", "aria-hidden": "true" });
  svg.append(drawing("path", { d: "M0 4H26", class: `curve curve-${k % 5}`, "stroke-dasharray": DASHES[k % DASHES.length] }));
  return svg;
}
