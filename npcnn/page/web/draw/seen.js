// What a number hangs on, value by value back to the pixels: a rectangle in each.
import { unravel } from "../engine/tensor.js";

/** Return value → { top, left, rows, columns, channel } or { all: true }; channel null is any. */
export function seenFrom(network, value, index) {
  const shapes = shapesOf(network);
  const found = new Map([[value, regionOf(unravel(index, shapes[value]))]]);
  for (const call of [...network.calls].reverse()) {
    const region = found.get(call.output);
    if (!region || !call.room) continue;
    const given = call.inputs.map((input) => shapes[input]);
    for (const part of partsOf(call, region, given, shapes[call.output])) {
      const input = call.inputs[part.input];
      found.set(input, joined(found.get(input), part));
    }
  }
  found.delete(value);
  return found;
}

/** Return the shape of every value. */
export function shapesOf(network) {
  return [...network.inputs.map((input) => input.shape), ...network.calls.map((call) => call.shape)];
}

function regionOf(place) {
  const [top, left, channel] = place;
  return place.length === 3
    ? { top, left, rows: 1, columns: 1, channel, place }
    : { place, top, left: 0, rows: 1, columns: 1, channel: 0 };
}

/** Return the regions of the inputs that a region of the output hangs on. */
function partsOf(call, region, given, shape) {
  if (region.all) return given.map((_, input) => ({ input, all: true, channel: null }));
  const corners = region.place
    ? [region.place]
    : [
      [region.top, region.left, region.channel ?? 0],
      [region.top + region.rows - 1, region.left + region.columns - 1,
        region.channel ?? shape[2] - 1],
    ].map((place) => place.slice(0, shape.length).map((at, axis) =>
      Math.min(shape[axis] - 1, Math.max(0, at))));
  const parts = corners.flatMap((place) => {
    const index = place.reduce((sum, at, axis) => sum * shape[axis] + at, 0);
    return call.room.sees(call.layer, given, place, index);
  });
  return parts.map((part) => (region.place ? part : { ...part, place: undefined }));
}

function joined(one, other) {
  if (!one) return other;
  if (one.all || other.all) return { all: true, channel: null };
  const top = Math.min(one.top, other.top);
  const left = Math.min(one.left, other.left);
  return {
    top, left,
    rows: Math.max(one.top + one.rows, other.top + other.rows) - top,
    columns: Math.max(one.left + one.columns, other.left + other.columns) - left,
    channel: one.channel === other.channel ? one.channel : null,
  };
}

/** Return a region's rectangles in pixels on a picture of its value. */
export function boxesOf(region, layout) {
  if (!layout || region.all) return [];
  if (region.place && layout.shape.length < 3) {
    const [tile, r, c] = layout.tileOf(region.place);
    return [boxIn(layout, tile, r, c, 1, 1)];
  }
  if (layout.shape.length !== 3) return [];
  const [height, width, channels] = layout.shape;
  const top = Math.max(0, region.top);
  const left = Math.max(0, region.left);
  const rows = Math.min(height, region.top + region.rows) - top;
  const columns = Math.min(width, region.left + region.columns) - left;
  if (rows <= 0 || columns <= 0) return [];
  const tiles = region.channel === null || region.channel === undefined
    ? Array.from({ length: channels }, (_, tile) => tile)
    : [region.channel];
  return tiles.map((tile) => boxIn(layout, tile, top, left, rows, columns));
}

function boxIn(layout, tile, r, c, rows, columns) {
  const [x, y] = layout.corner(tile);
  return [x + c * layout.cell, y + r * layout.cell, columns * layout.cell, rows * layout.cell];
}
