// The graph beside the cards: a lane for each value that somebody still asks for.

import { drawing } from "./svg.js";

const STEP = 14; // pixels from lane to lane
const NODE = 26; // how far down a card its node lies

/** Return for each card (inputs, then calls) its lane, the lanes above it, and those below. */
export function lanesOf(network) {
  const count = network.inputs.length;
  const last = new Map();
  network.calls.forEach((call) => call.inputs.forEach((value) => last.set(value, call.place)));
  network.outputs.forEach((value) => last.set(value, Infinity));
  const lanes = []; // lane → value
  const rows = [];
  const open = (value) => {
    const free = lanes.findIndex((one) => one === undefined);
    const lane = free < 0 ? lanes.length : free;
    lanes[lane] = value;
    return lane;
  };
  for (let value = 0; value < count; value++) {
    const above = busy(lanes);
    rows.push({ lane: open(value), from: [], above, below: busy(lanes) });
  }
  for (const call of network.calls) {
    const above = busy(lanes);
    const from = call.inputs.map((value) => lanes.indexOf(value));
    for (const value of call.inputs) {
      if (last.get(value) === call.place) lanes[lanes.indexOf(value)] = undefined;
    }
    const lane = open(call.output);
    if (!last.has(call.output)) lanes[lane] = undefined;
    rows.push({ lane, from, above, below: busy(lanes) });
  }
  return { rows, width: STEP * Math.max(1, ...rows.map((row) => row.below.length)) + 6 };
}

function busy(lanes) {
  return lanes.map((value) => value !== undefined);
}

/** Return the drawing for one card. */
export function railOf({ lane, from, above, below }, width) {
  const svg = drawing("svg", { class: "rail", "aria-hidden": "true" });
  svg.style.width = `${width}px`;
  const x = (one) => 8 + one * STEP;
  const draw = (d) => svg.append(drawing("path", { d, class: "lane" }));
  above.forEach((there, one) => {
    const goesOn = there && below[one] && !(one === lane && from.includes(one));
    if (there && goesOn) draw(`M${x(one)} 0 V9999`);
  });
  for (const one of from) draw(`M${x(one)} 0 C${x(one)} ${NODE / 2} ${x(lane)} ${NODE / 2} ${x(lane)} ${NODE}`);
  if (below[lane]) draw(`M${x(lane)} ${NODE} V9999`);
  svg.append(drawing("circle", { cx: x(lane), cy: NODE, r: 5 }));
  return svg;
}
