// How an array lies on a canvas: tiles of cells. Maps (H, W, C) are a tile a channel, kernels
// (KH, KW, C, F) a row of C tiles a filter, a matrix one tile, a vector a tile for each number.
import { ravel, unravel } from "../engine/tensor.js";

const GAP = 4; // pixels between tiles
const MOST_PIXELS = 12e6; // of a canvas; a larger array gets smaller cells
const LABELLED = 20; // numbers of a vector that are written out

/** Return how the numbers of a shape are tiled: count, rows, columns, perRow, place, index. */
function tilingOf(shape) {
  if (shape.length === 4) {
    const [rows, columns, channels, filters] = shape;
    return {
      count: channels * filters, rows, columns, perRow: channels > 1 ? channels : 0,
      place: (tile, r, c) => [r, c, tile % channels, Math.floor(tile / channels)],
      tileOf: ([r, c, channel, filter]) => [filter * channels + channel, r, c],
    };
  }
  if (shape.length === 3) {
    const [rows, columns, channels] = shape;
    return {
      count: channels, rows, columns, perRow: 0,
      place: (tile, r, c) => [r, c, tile],
      tileOf: ([r, c, channel]) => [channel, r, c],
    };
  }
  if (shape.length === 2) { // a unit is a row of weights
    return {
      count: 1, rows: shape[1], columns: shape[0], perRow: 1,
      place: (tile, r, c) => [c, r],
      tileOf: ([c, r]) => [0, r, c],
    };
  }
  return {
    count: shape[0] ?? 1, rows: 1, columns: 1, perRow: 0,
    place: (tile) => [tile],
    tileOf: ([i]) => [i, 0, 0],
  };
}

/** Return the side of a cell in pixels before zooming. */
function cellOf(shape, tiling) {
  if (shape.length <= 1) {
    if (tiling.count <= LABELLED) return 46;
    return tiling.count <= 300 ? 16 : 8;
  }
  if (shape.length === 2) return shape[0] > 200 ? 2 : 6;
  const few = tiling.count <= 64; // kernels that may be as large as one likes to see them
  const goal = shape.length === 4 ? (tiling.rows > 1 ? (few ? 60 : 36) : 12) : 100;
  const most = shape.length === 4 ? (few ? 20 : 12) : 25;
  return Math.min(most, Math.max(1, Math.round(goal / Math.max(tiling.rows, tiling.columns))));
}

/** Return the layout of an array in a width: where every tile lies, and what is at a pixel. */
export function layoutOf(shape, width, zoom) {
  const tiling = tilingOf(shape);
  const gap = tiling.rows * tiling.columns === 1 ? 1 : GAP;
  const labelled = shape.length <= 1 && tiling.count <= LABELLED;
  let cell = Math.max(1, Math.round(cellOf(shape, tiling) * (labelled ? Math.max(zoom, 1) : zoom)));
  let made = null;
  for (; ; cell--) {
    const [across, down] = [tiling.columns * cell + gap, tiling.rows * cell + gap];
    const fits = Math.max(1, Math.floor((width - gap) / across));
    const perRow = tiling.perRow || Math.min(fits, tiling.count);
    const size = { width: gap + perRow * across, height: gap + Math.ceil(tiling.count / perRow) * down };
    made = { ...tiling, ...size, shape, cell, gap, across, down, perRow, labelled };
    if (cell === 1 || size.width * size.height <= MOST_PIXELS) break;
  }
  return {
    ...made,
    corner: (tile) => [
      made.gap + (tile % made.perRow) * made.across,
      made.gap + Math.floor(tile / made.perRow) * made.down,
    ],
  };
}

/** Return the flat index of the number at a pixel, or -1 between the tiles. */
export function indexAt(layout, x, y) {
  const column = Math.floor((x - layout.gap) / layout.across);
  const row = Math.floor((y - layout.gap) / layout.down);
  const tile = row * layout.perRow + column;
  if (column < 0 || column >= layout.perRow || row < 0 || tile >= layout.count) return -1;
  const [left, top] = layout.corner(tile);
  const [r, c] = [Math.floor((y - top) / layout.cell), Math.floor((x - left) / layout.cell)];
  if (r < 0 || r >= layout.rows || c < 0 || c >= layout.columns) return -1;
  return ravel(layout.place(tile, r, c), layout.shape);
}

/** Return the rectangle in pixels of a number. */
export function boxOf(layout, index) {
  const [tile, r, c] = layout.tileOf(unravel(index, layout.shape));
  const [left, top] = layout.corner(tile);
  return [left + c * layout.cell, top + r * layout.cell, layout.cell, layout.cell];
}

/** Return the index of the number that lies a step away, over the edges of tiles; else the same. */
export function neighbour(layout, index, down, right) {
  const [x, y] = boxOf(layout, index);
  const half = layout.cell / 2;
  for (const reach of [layout.cell, layout.cell + layout.gap]) {
    const found = indexAt(layout, x + half + right * reach, y + half + down * reach);
    if (found >= 0 && found !== index) return found;
  }
  return index;
}
