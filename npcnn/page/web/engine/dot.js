// Dot: two inputs multiplied along an axis of each, as two vectors or two matrices are.
import { line } from "./explained.js";
import { room } from "./rooms.js";
import { digits, groupsAlong, tensor } from "./tensor.js";

const LEAST_LENGTH = 1e-7; // a vector is divided by no less than this length

/** Return for each input its rows: their flat indices, and what brings them to length 1, or 1. */
function rowsOf({ options }, xs) {
  return xs.map((x, k) => {
    const given = Array.isArray(options.axes) ? options.axes[k] : options.axes;
    const axis = given < 0 ? x.shape.length + given : given - 1;
    return groupsAlong(x.shape, [axis]).map((indices) => {
      const squares = indices.reduce((sum, at) => sum + x.data[at] ** 2, 0);
      return { indices, rate: options.normalize ? 1 / Math.sqrt(squares + LEAST_LENGTH ** 2) : 1 };
    });
  });
}

room(["Dot"], {
  forward(layer, xs, shape) {
    const [a, b] = xs;
    const [rows, others] = rowsOf(layer, xs);
    const data = rows.flatMap((row) => others.map((other) => row.rate * other.rate *
      row.indices.reduce((sum, at, k) => sum + a.data[at] * b.data[other.indices[k]], 0)));
    return { y: tensor(shape, Float64Array.from(data)) };
  },

  backward(layer, xs, kept, gradient) {
    const sides = rowsOf(layer, xs);
    const inputs = xs.map((x, side) => {
      const [own, others] = [sides[side], sides[1 - side]];
      const other = xs[1 - side].data;
      const found = tensor(x.shape);
      own.forEach(({ indices, rate }, i) => {
        const back = new Float64Array(indices.length); // the gradient by the row of length 1
        others.forEach((row, j) => {
          const grad = gradient.data[side === 0 ? i * others.length + j : j * own.length + i];
          row.indices.forEach((at, k) => { back[k] += grad * row.rate * other[at]; });
        });
        const along = layer.options.normalize
          ? indices.reduce((sum, at, k) => sum + back[k] * x.data[at] * rate, 0) : 0;
        indices.forEach((at, k) => { found.data[at] = rate * (back[k] - x.data[at] * rate * along); });
      });
      return found;
    });
    return { inputs };
  },

  sees: (layer, shapes) => shapes.map((_, input) => ({ input, all: true, channel: null })),

  explain(layer, xs, { y }, index) {
    const [rows, others] = rowsOf(layer, xs);
    const [row, other] = [rows[Math.floor(index / others.length)], others[index % others.length]];
    const terms = row.indices.map((at, k) => {
      const [value, weight] = [xs[0].data[at], xs[1].data[other.indices[k]]];
      return { value, weight, product: value * weight, source: [0, at] };
    });
    const total = terms.reduce((sum, term) => sum + term.product, 0);
    const lines = [line("sum of products", digits(total))];
    if (layer.options.normalize) {
      const lengths = `(${digits(1 / row.rate)} × ${digits(1 / other.rate)})`;
      lines.push(line("divided by both lengths", `${digits(total)} / ${lengths} = ${digits(y.data[index])}`));
    }
    return [{ part: "terms", terms, total }, ...lines];
  },
});
