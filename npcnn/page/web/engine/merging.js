// Layers that bring several values together: Add, Subtract, Multiply, Average, Maximum, Minimum,
// Concatenate.
import { line } from "./explained.js";
import { room } from "./rooms.js";
import { digits, ravel, tensor, unravel } from "./tensor.js";

/** Return the flat index in an input of which an output's place takes; axes of length 1 repeat. */
export function placeIn(shape, place) {
  const lead = place.length - shape.length;
  const own = lead <= 0 ? place : [...place.slice(lead)];
  return ravel(own.map((at, axis) => (shape[axis] === 1 ? 0 : at)), shape);
}

const OF_TWO = {
  Add: (a, b) => a + b,
  Average: (a, b) => a + b,
  Subtract: (a, b) => a - b,
  Multiply: (a, b) => a * b,
  Maximum: (a, b) => Math.max(a, b),
  Minimum: (a, b) => Math.min(a, b),
};
const SIGNS = { Add: "+", Average: "+", Subtract: "−", Multiply: "×" };

room(["Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"], {
  forward(layer, xs, shape) {
    const y = tensor(shape);
    const join = OF_TWO[layer.kind];
    const share = layer.kind === "Average" ? 1 / xs.length : 1;
    for (let index = 0; index < y.data.length; index++) {
      const place = unravel(index, shape);
      y.data[index] = share * xs.map((x) => x.data[placeIn(x.shape, place)]).reduce(join);
    }
    return { y };
  },

  backward(layer, xs, { y }, gradient) {
    const inputs = xs.map((x) => tensor(x.shape));
    for (let index = 0; index < y.data.length; index++) {
      const place = unravel(index, y.shape);
      const at = xs.map((x) => placeIn(x.shape, place));
      const values = xs.map((x, k) => x.data[at[k]]);
      slopesOf(layer.kind, values).forEach((slope, k) => {
        inputs[k].data[at[k]] += slope * gradient.data[index];
      });
    }
    return { inputs };
  },

  sees(layer, shapes, place) {
    return shapes.map((shape, input) => {
      const at = unravel(placeIn(shape, place), shape);
      return { input, top: at[0], left: at[1], rows: 1, columns: 1, channel: at[2], place: at };
    });
  },

  explain(layer, xs, { y }, index) {
    const place = unravel(index, y.shape);
    const terms = xs.map((x, k) => {
      const source = placeIn(x.shape, place);
      return { value: x.data[source], source: [k, source] };
    });
    const sign = SIGNS[layer.kind];
    const numbers = terms.map(({ value }) => digits(value));
    const joined = sign ? numbers.join(` ${sign} `) : `${layer.kind.slice(0, 3).toLowerCase()}(${numbers.join(", ")})`;
    const share = layer.kind === "Average" ? `(${joined}) / ${xs.length}` : joined;
    return [
      { part: "sources", terms },
      line("from the branches", `${share} = ${digits(y.data[index])}`),
    ];
  },
});

/** Return the derivative of what is joined by each of the values. */
function slopesOf(kind, values) {
  if (kind === "Subtract") return [1, -1];
  if (kind === "Average") return values.map(() => 1 / values.length);
  if (kind === "Add") return values.map(() => 1);
  // The others are done two by two, from the first on; of equal ones each gets half.
  const slopes = values.map(() => 1);
  let total = values[0];
  for (let k = 1; k < values.length; k++) {
    const pair = pairSlopes(kind, total, values[k]);
    for (let before = 0; before < k; before++) slopes[before] *= pair[0];
    slopes[k] = pair[1];
    total = OF_TWO[kind](total, values[k]);
  }
  return slopes;
}

function pairSlopes(kind, a, b) {
  if (kind === "Multiply") return [b, a];
  if (a === b) return [0.5, 0.5];
  return (kind === "Maximum") === (a > b) ? [1, 0] : [0, 1];
}

/** Return [which input, its place] that a place of the output is taken from. */
function pieceOf(layer, shapes, place) {
  const given = layer.options.axis; // the batch's is 0 there, and not among ours
  const axis = given < 0 ? place.length + given : given - 1;
  let at = place[axis];
  for (let k = 0; k < shapes.length; k++) {
    if (at < shapes[k][axis]) return [k, place.map((v, i) => (i === axis ? at : v))];
    at -= shapes[k][axis];
  }
  throw new RangeError("a place behind all inputs");
}

room(["Concatenate"], {
  forward(layer, xs, shape) {
    const y = tensor(shape);
    const shapes = xs.map((x) => x.shape);
    for (let index = 0; index < y.data.length; index++) {
      const [k, place] = pieceOf(layer, shapes, unravel(index, shape));
      y.data[index] = xs[k].data[ravel(place, shapes[k])];
    }
    return { y };
  },

  backward(layer, xs, { y }, gradient) {
    const shapes = xs.map((x) => x.shape);
    const inputs = xs.map((x) => tensor(x.shape));
    for (let index = 0; index < y.data.length; index++) {
      const [k, place] = pieceOf(layer, shapes, unravel(index, y.shape));
      inputs[k].data[ravel(place, shapes[k])] = gradient.data[index];
    }
    return { inputs };
  },

  sees(layer, shapes, place) {
    const [input, at] = pieceOf(layer, shapes, place);
    return [{ input, top: at[0], left: at[1], rows: 1, columns: 1, channel: at[2], place: at }];
  },

  explain(layer, xs, { y }, index) {
    const [k, place] = pieceOf(layer, xs.map((x) => x.shape), unravel(index, y.shape));
    return [{ part: "same", source: [k, ravel(place, xs[k].shape)] }];
  },
});
