// Which room makes which layer: the rooms enter themselves.
import { KNOWN_ACTIVATIONS } from "./activations.js";
import "./conv2d.js";
import "./conv2d_transpose.js";
import "./dense.js";
import "./dot.js";
import "./elements.js";
import "./merging.js";
import "./moving.js";
import "./pooling.js";
import "./resampling.js";
import "./statistics.js";
import { ROOMS } from "./rooms.js";

/** Return the room of a layer; undefined for one that this page cannot compute. */
export function roomOf(layer) {
  const { activation } = layer.options;
  if (activation !== undefined && !KNOWN_ACTIVATIONS.includes(activation)) return undefined;
  return ROOMS[layer.kind];
}
