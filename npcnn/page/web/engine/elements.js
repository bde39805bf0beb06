// Layers that answer number by number: activations, batch and layer normalisation, rescaling.
import { activate, activateBackward, takesRows } from "./activations.js";
import { activationLines, line } from "./explained.js";
import { placeIn } from "./merging.js";
import { room } from "./rooms.js";
import { digits, groupsAlong, plus, tensor, unravel } from "./tensor.js";

const here = {
  sees: (layer, shapes, place) => [{
    input: 0, top: place[0], left: place[1], rows: 1, columns: 1, channel: place[2], place,
  }],
};

/** Return a pair [f, f′] for a layer that is an activation with numbers of its own. */
function functionOf(layer) {
  const { options } = layer;
  if (layer.kind === "ReLU") {
    const [most, slope, least] = [options.max_value ?? Infinity, options.negative_slope,
      options.threshold];
    return [
      (z) => (z <= least ? slope * (z - least) : Math.min(z, most)),
      (z) => (z <= least ? slope : z < most ? 1 : 0),
    ];
  }
  if (layer.kind === "LeakyReLU") {
    const slope = options.negative_slope;
    return [(z) => (z > 0 ? z : slope * z), (z) => (z > 0 ? 1 : slope)];
  }
  const alpha = options.alpha; // ELU
  return [(z) => (z > 0 ? z : alpha * Math.expm1(z)), (z) => (z > 0 ? 1 : alpha * Math.exp(z))];
}

/** Return groups of indices that a Softmax over other axes than the last takes together, or null. */
function groupsOf({ options: { together } }, shape) {
  return together ? groupsAlong(shape, together) : null;
}

/** Activation("relu"), Softmax(): by a name. */
room(["Activation", "Softmax"], {
  ...here,
  forward(layer, [x]) {
    return { z: x, y: activate(layer.options.activation, x, groupsOf(layer, x.shape)) };
  },
  backward(layer, [x], { y }, gradient, gradients, byLogits) {
    if (byLogits) return { inputs: [gradient], gradZ: gradient };
    return { inputs: [activateBackward(layer.options.activation, gradient, x, y, groupsOf(layer, x.shape))] };
  },
  explain(layer, [x], { y }, index) {
    const group = groupsOf(layer, x.shape)?.find((one) => one.includes(index));
    if (layer.options.activation === "glu") return gated(x, y, index);
    const lines = activationLines(layer.options.activation, x, y, index, group);
    return [{ part: "same", source: [0, index] }, ...lines];
  },
  sees(layer, shapes, place) {
    if (takesRows(layer.options.activation)) return [{ input: 0, all: true, channel: null }];
    return here.sees(layer, shapes, place);
  },
});

/** Return what explains a gated number: one of the first half, as far as the second lets it through. */
function gated(x, y, index) {
  const half = y.shape[y.shape.length - 1];
  const source = Math.floor(index / half) * 2 * half + (index % half);
  const terms = [source, source + half].map((at) => ({ value: x.data[at], source: [0, at] }));
  const [value, gate] = terms.map((term) => digits(term.value));
  return [{ part: "sources", terms }, line("glu", `${value} × sigmoid(${gate}) = ${digits(y.data[index])}`)];
}

/** ReLU(…), LeakyReLU(…), ELU(…). */
room(["ELU", "LeakyReLU", "ReLU"], {
  ...here,
  forward(layer, [x]) {
    const [f] = functionOf(layer);
    return { y: tensor(x.shape, x.data.map((value) => f(value))) };
  },
  backward(layer, [x], kept, gradient) {
    const slope = functionOf(layer)[1];
    return { inputs: [tensor(x.shape, gradient.data.map((g, i) => g * slope(x.data[i])))] };
  },
  explain(layer, [x], { y }, index) {
    const text = `f(${digits(x.data[index])}) = ${digits(y.data[index])}`;
    return [{ part: "same", source: [0, index] }, line(layer.kind, text)];
  },
});

/**
 * Return numbers a and b so that y = a[k] · x + b[k], and which k a flat index has: that of its
 * place along an axis, or, where numbers are `over` a shape, of its place there.
 */
function straight(layer, shape) {
  const { axis = -1, over } = layer.options;
  const own = axis < 0 ? shape.length + axis : axis - 1;
  const length = over ? layer.options.scale.length : shape[own];
  const step = shape.slice(own + 1).reduce((product, size) => product * size, 1);
  const of = over
    ? (index) => placeIn(over, unravel(index, shape))
    : (index) => Math.floor(index / step) % length;
  const { gamma, beta, moving_mean: mean, moving_variance: variance } = layer.parameters;
  const scale = new Float64Array(length);
  const offset = new Float64Array(length);
  for (let k = 0; k < length; k++) {
    if (layer.kind === "Rescaling") {
      scale[k] = [layer.options.scale].flat()[k] ?? [layer.options.scale].flat()[0];
      offset[k] = [layer.options.offset].flat()[k] ?? [layer.options.offset].flat()[0];
    } else {
      scale[k] = (gamma?.data[k] ?? 1) / Math.sqrt(variance.data[k] + layer.options.epsilon);
      offset[k] = (beta?.data[k] ?? 0) - scale[k] * mean.data[k];
    }
  }
  return { scale, offset, of };
}

/** BatchNormalization with its running mean and variance, Normalization, Rescaling. */
room(["BatchNormalization", "Rescaling"], {
  ...here,
  forward(layer, [x]) {
    const { scale, offset, of } = straight(layer, x.shape);
    return { y: tensor(x.shape, x.data.map((value, i) => value * scale[of(i)] + offset[of(i)])) };
  },

  backward(layer, [x], kept, gradient, gradients) {
    const { scale, of } = straight(layer, x.shape);
    if (layer.kind === "BatchNormalization") {
      const { moving_mean: mean, moving_variance: variance } = layer.parameters;
      const gamma = new Float64Array(scale.length);
      const beta = new Float64Array(scale.length);
      for (let i = 0; i < x.data.length; i++) {
        const k = of(i);
        const rate = 1 / Math.sqrt(variance.data[k] + layer.options.epsilon);
        gamma[k] += gradient.data[i] * (x.data[i] - mean.data[k]) * rate;
        beta[k] += gradient.data[i];
      }
      gradients.add("gamma", gamma);
      gradients.add("beta", beta);
    }
    return { inputs: [tensor(x.shape, gradient.data.map((g, i) => g * scale[of(i)]))] };
  },

  explain(layer, [x], { y }, index) {
    const [before, after] = [digits(x.data[index]), digits(y.data[index])];
    const parts = [{ part: "same", source: [0, index] }];
    const { scale, offset, of } = straight(layer, x.shape);
    const k = of(index);
    if (layer.kind === "Rescaling") {
      const text = `${before} × ${digits(scale[k])} ${plus(offset[k])} = ${after}`;
      return [...parts, line("scale and offset", text)];
    }
    const { gamma, beta, moving_mean: mean, moving_variance: variance } = layer.parameters;
    const [g, b] = [gamma?.data[k] ?? 1, beta?.data[k] ?? 0];
    return [
      ...parts,
      line("gamma · (x − mean) / √(variance + ε) + beta",
        `${digits(g)} · (${before} ${plus(-mean.data[k])}) / ` +
        `√(${digits(variance.data[k])} ${plus(layer.options.epsilon)}) ${plus(b)} = ${after}`),
    ];
  },
});

/** PReLU: below 0 a slope that was learnt, one for each number or shared along axes. */
room(["PReLU"], {
  ...here,
  forward(layer, [x]) {
    const { alpha } = layer.parameters;
    const data = x.data.map((value, i) => (value > 0 ? value : value * alpha.data[sharedBy(alpha, x, i)]));
    return { y: tensor(x.shape, data) };
  },
  backward(layer, [x], kept, gradient, gradients) {
    const { alpha } = layer.parameters;
    const own = new Float64Array(alpha.data.length);
    const data = gradient.data.map((g, i) => {
      if (x.data[i] > 0) return g;
      const place = sharedBy(alpha, x, i);
      own[place] += g * x.data[i];
      return g * alpha.data[place];
    });
    gradients.add("alpha", own);
    return { inputs: [tensor(x.shape, data)] };
  },
  explain(layer, [x], { y }, index) {
    const { alpha } = layer.parameters;
    const slope = x.data[index] > 0 ? 1 : alpha.data[sharedBy(alpha, x, index)];
    const text = `${digits(slope)} × ${digits(x.data[index])} = ${digits(y.data[index])}`;
    return [{ part: "same", source: [0, index] }, line("slope × number", text)];
  },
});

function sharedBy(alpha, x, index) {
  return placeIn(alpha.shape, unravel(index, x.shape));
}
