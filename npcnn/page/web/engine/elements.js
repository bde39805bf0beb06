// Layers that answer number by number: activations, batch and layer normalisation, rescaling.
import { activate, activateBackward, takesRows } from "./activations.js";
import { activationLines, line } from "./explained.js";
import { placeIn } from "./merging.js";
import { digits, plus, tensor, unravel } from "./tensor.js";

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

/** Activation("relu"), Softmax(): by a name. */
export const named = {
  ...here,
  forward(layer, [x]) {
    return { z: x, y: activate(layer.options.activation, x) };
  },
  backward(layer, [x], { y }, gradient, gradients, byLogits) {
    if (byLogits) return { inputs: [gradient], gradZ: gradient };
    return { inputs: [activateBackward(layer.options.activation, gradient, x, y)] };
  },
  explain(layer, [x], { y }, index) {
    const lines = activationLines(layer.options.activation, x, y, index);
    return [{ part: "same", source: [0, index] }, ...lines];
  },
  sees(layer, shapes, place) {
    if (takesRows(layer.options.activation)) return [{ input: 0, all: true, channel: null }];
    return here.sees(layer, shapes, place);
  },
};

/** ReLU(…), LeakyReLU(…), ELU(…). */
export const shaped = {
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
};

/** Return numbers a and b by channel so that y = a · x + b. */
function straight(layer, channels) {
  const { gamma, beta, moving_mean: mean, moving_variance: variance } = layer.parameters;
  const scale = new Float64Array(channels);
  const offset = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    if (layer.kind === "Rescaling") {
      scale[c] = [layer.options.scale].flat()[c] ?? [layer.options.scale].flat()[0];
      offset[c] = [layer.options.offset].flat()[c] ?? [layer.options.offset].flat()[0];
    } else {
      scale[c] = (gamma?.data[c] ?? 1) / Math.sqrt(variance.data[c] + layer.options.epsilon);
      offset[c] = (beta?.data[c] ?? 0) - scale[c] * mean.data[c];
    }
  }
  return { scale, offset };
}

/** BatchNormalization with its running mean and variance, Rescaling. */
export const normalization = {
  ...here,
  forward(layer, [x]) {
    const channels = x.shape[x.shape.length - 1];
    const { scale, offset } = straight(layer, channels);
    const data = x.data.map((value, i) => value * scale[i % channels] + offset[i % channels]);
    return { y: tensor(x.shape, data) };
  },

  backward(layer, [x], kept, gradient, gradients) {
    const channels = x.shape[x.shape.length - 1];
    const { scale } = straight(layer, channels);
    if (layer.kind === "BatchNormalization") {
      const { moving_mean: mean, moving_variance: variance } = layer.parameters;
      const gamma = new Float64Array(channels);
      const beta = new Float64Array(channels);
      for (let i = 0; i < x.data.length; i++) {
        const c = i % channels;
        const rate = 1 / Math.sqrt(variance.data[c] + layer.options.epsilon);
        gamma[c] += gradient.data[i] * (x.data[i] - mean.data[c]) * rate;
        beta[c] += gradient.data[i];
      }
      gradients.add("gamma", gamma);
      gradients.add("beta", beta);
    }
    return { inputs: [tensor(x.shape, gradient.data.map((g, i) => g * scale[i % channels]))] };
  },

  explain(layer, [x], { y }, index) {
    const channel = unravel(index, x.shape).pop();
    const [before, after] = [digits(x.data[index]), digits(y.data[index])];
    const parts = [{ part: "same", source: [0, index] }];
    if (layer.kind === "Rescaling") {
      const { scale, offset } = straight(layer, x.shape[x.shape.length - 1]);
      const text = `${before} × ${digits(scale[channel])} ${plus(offset[channel])} = ${after}`;
      return [...parts, line("scale and offset", text)];
    }
    const { gamma, beta, moving_mean: mean, moving_variance: variance } = layer.parameters;
    const [g, b] = [gamma?.data[channel] ?? 1, beta?.data[channel] ?? 0];
    return [
      ...parts,
      line("gamma · (x − mean) / √(variance + ε) + beta",
        `${digits(g)} · (${before} ${plus(-mean.data[channel])}) / ` +
        `√(${digits(variance.data[channel])} ${plus(layer.options.epsilon)}) ${plus(b)} = ${after}`),
    ];
  },
};

/** PReLU: below 0 a slope that was learnt, one for each number or shared along axes. */
export const sloped = {
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
};

function sharedBy(alpha, x, index) {
  return placeIn(alpha.shape, unravel(index, x.shape));
}
