// Pooling: the largest or the mean of a window, or of a whole map.
import { line } from "./explained.js";
import { room } from "./rooms.js";
import { digits, tensor, unravel } from "./tensor.js";
import { rectangleOf } from "./windows.js";

/** Return the cells of the window of one output that lie in the image: flat indices, in order. */
function cellsOf(layer, x, place) {
  const [height, width, channels] = x.shape;
  const channel = place[place.length - 1];
  const global = layer.kind.startsWith("Global");
  const { top, left, rows, columns } = global
    ? { top: 0, left: 0, rows: height, columns: width }
    : windowAt(layer, x.shape, place);
  const cells = [];
  for (let y = Math.max(top, 0); y < Math.min(top + rows, height); y++) {
    for (let c = Math.max(left, 0); c < Math.min(left + columns, width); c++) {
      cells.push((y * width + c) * channels + channel);
    }
  }
  return cells;
}

/** Return the window of an output; adaptive ones are as nearly alike as the image can be cut. */
function windowAt(layer, shape, place) {
  const { output_size: counts } = layer.options;
  if (!counts) return rectangleOf(layer, shape, place[0], place[1]);
  const [from, to] = [0, 1].map((more) => [0, 1].map((axis) => {
    const end = ((place[axis] + more) * shape[axis]) / counts[axis];
    return more ? Math.ceil(end) : Math.floor(end);
  }));
  return {
    top: from[0], left: from[1], rows: to[0] - from[0], columns: to[1] - from[1],
    steps: [1, 1], size: [to[0] - from[0], to[1] - from[1]],
  };
}

/** Return the place among the cells of the first maximum. */
function winnerOf(x, cells) {
  let best = 0;
  for (let i = 1; i < cells.length; i++) if (x.data[cells[i]] > x.data[cells[best]]) best = i;
  return best;
}

const takesMaximum = (layer) => layer.kind.includes("Max");

room([
  "AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D", "AveragePooling2D",
  "GlobalAveragePooling2D", "GlobalMaxPooling2D", "MaxPooling2D",
], {
  forward(layer, [x], shape) {
    const y = tensor(shape);
    const maximum = takesMaximum(layer);
    for (let index = 0; index < y.data.length; index++) {
      const cells = cellsOf(layer, x, unravel(index, shape));
      let value = maximum ? -Infinity : 0;
      for (const cell of cells) value = maximum ? Math.max(value, x.data[cell]) : value + x.data[cell];
      y.data[index] = maximum ? value : value / cells.length;
    }
    return { y };
  },

  backward(layer, [x], { y }, gradient) {
    const gradX = tensor(x.shape);
    for (let index = 0; index < y.data.length; index++) {
      const cells = cellsOf(layer, x, unravel(index, y.shape));
      if (takesMaximum(layer)) gradX.data[cells[winnerOf(x, cells)]] += gradient.data[index];
      else for (const cell of cells) gradX.data[cell] += gradient.data[index] / cells.length;
    }
    return { inputs: [gradX] };
  },

  sees(layer, shapes, place) {
    const channel = place[place.length - 1];
    if (layer.kind.startsWith("Global")) return [{ input: 0, all: true, channel }];
    return [{ input: 0, channel, ...windowAt(layer, shapes[0], place) }];
  },

  explain(layer, [x], { y }, index) {
    const place = unravel(index, y.shape);
    const cells = cellsOf(layer, x, place);
    const values = cells.map((cell) => x.data[cell]);
    const winner = takesMaximum(layer) ? winnerOf(x, cells) : -1;
    const columns = new Set(cells.map((cell) => unravel(cell, x.shape)[1])).size;
    const block = {
      channel: place[place.length - 1],
      columns,
      cells: cells.map((cell, i) => ({
        value: x.data[cell], inside: true, source: [0, cell], won: i === winner,
      })),
    };
    const listed = values.length <= 16 ? values.map(digits).join(", ") : "…";
    const after = digits(y.data[index]);
    const formula = winner >= 0
      ? `max(${listed}) = ${after}`
      : `Σ / ${values.length} = ${digits(values.reduce((a, b) => a + b, 0))} / ${values.length} = ${after}`;
    const lines = [line(winner >= 0 ? "the largest" : "the mean", formula)];
    if (winner >= 0) {
      const [row, column] = unravel(cells[winner], x.shape);
      lines.push({ part: "line", word: "it came from row and column", text: `${row}, ${column}` });
    }
    return [{ part: "blocks", blocks: [block], sign: "" }, ...lines];
  },
});
