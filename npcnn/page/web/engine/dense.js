// Dense: every unit is a sum of products over all numbers of the last axis.
import { activate, activateBackward } from "./activations.js";
import { ending, line } from "./explained.js";
import { room } from "./rooms.js";
import { digits, tensor } from "./tensor.js";

room(["Dense"], {
  forward(layer, [x], shape) {
    const [inputs, units] = layer.parameters.kernel.shape;
    const weights = layer.parameters.kernel.data;
    const z = tensor(shape);
    const sums = new Float64Array(units);
    for (let row = 0; row < x.data.length / inputs; row++) {
      sums.set(layer.parameters.bias?.data ?? sums.fill(0));
      for (let i = 0; i < inputs; i++) {
        const value = x.data[row * inputs + i];
        if (value === 0) continue;
        for (let u = 0, k = i * units; u < units; u++, k++) sums[u] += value * weights[k];
      }
      z.data.set(sums, row * units);
    }
    return { z, y: activate(layer.options.activation, z) };
  },

  backward(layer, [x], { z, y }, gradient, gradients, byLogits) {
    const [inputs, units] = layer.parameters.kernel.shape;
    const weights = layer.parameters.kernel.data;
    const gradZ = byLogits ? gradient : activateBackward(layer.options.activation, gradient, z, y);
    const gradX = tensor(x.shape);
    const kernel = new Float64Array(weights.length);
    const bias = new Float64Array(units);
    for (let row = 0; row < x.data.length / inputs; row++) {
      const grad = gradZ.data.subarray(row * units, (row + 1) * units);
      for (let u = 0; u < units; u++) bias[u] += grad[u];
      for (let i = 0; i < inputs; i++) {
        const value = x.data[row * inputs + i];
        let back = 0;
        for (let u = 0, k = i * units; u < units; u++, k++) {
          kernel[k] += value * grad[u];
          back += weights[k] * grad[u];
        }
        gradX.data[row * inputs + i] = back;
      }
    }
    gradients.add("kernel", kernel);
    gradients.add("bias", bias);
    return { inputs: [gradX], gradZ };
  },

  /** Return what a parameter's gradient is the sum of: input × gradient. */
  shares(layer, [x], gradZ, parameter, index) {
    const [inputs, units] = layer.parameters.kernel.shape;
    const terms = [];
    for (let row = 0; row < x.data.length / inputs; row++) {
      const weight = gradZ.data[row * units + (index % units)];
      const source = row * inputs + Math.floor(index / units);
      const value = parameter === "bias" ? 1 : x.data[source];
      const from = parameter === "bias" ? null : [0, source];
      terms.push({ value, weight, product: value * weight, source: from, place: [row] });
    }
    return terms;
  },

  sees(layer, shapes) {
    return [{ input: 0, all: true, channel: null }];
  },

  explain(layer, [x], { z, y }, index) {
    const [inputs, units] = layer.parameters.kernel.shape;
    const unit = index % units;
    const start = Math.floor(index / units) * inputs;
    const terms = [];
    let total = 0;
    for (let i = 0; i < inputs; i++) {
      const at = i * units + unit;
      const [value, weight] = [x.data[start + i], layer.parameters.kernel.data[at]];
      total += value * weight;
      terms.push({
        value, weight, product: value * weight, at, parameter: "kernel", source: [0, start + i],
      });
    }
    const bias = layer.parameters.bias?.data[unit] ?? 0;
    return [
      { part: "terms", terms, total },
      line("sum of products", digits(total)),
      ...ending(layer, total, bias, z, y, index),
    ];
  },
});
