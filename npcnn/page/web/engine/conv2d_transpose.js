// Conv2DTranspose: each pixel is handed out over a window of a larger image.
import { activate, activateBackward } from "./activations.js";
import { ending, line } from "./explained.js";
import { room } from "./rooms.js";
import { digits, plus, ravel, tensor, unravel } from "./tensor.js";

/** Return along an axis which pixels reach a place of the output, and by which taps: [pixel, tap]. */
function reaching(layer, axis, at) {
  const { kernel_size: taps, strides, dilation_rate: steps, before } = layer.options;
  const found = [];
  for (let tap = taps[axis] - 1; tap >= 0; tap--) {
    const pixel = (at + before[axis] - tap * steps[axis]) / strides[axis];
    if (Number.isInteger(pixel)) found.push([pixel, tap]);
  }
  return found;
}

/** Call visit(index of a pixel, of its kernel's cell, of the output's place) for all that meet. */
function eachMeeting(layer, [rows, columns, channels], [height, width, filters], visit) {
  const inside = (pairs, length) => pairs.filter(([pixel]) => pixel >= 0 && pixel < length);
  const across = Array.from({ length: width }, (_, x) => inside(reaching(layer, 1, x), columns));
  const wide = layer.options.kernel_size[1];
  for (let y = 0; y < height; y++) {
    for (const [i, u] of inside(reaching(layer, 0, y), rows)) {
      for (let x = 0; x < width; x++) {
        for (const [j, v] of across[x]) {
          visit((i * columns + j) * channels, (u * wide + v) * filters * channels, (y * width + x) * filters);
        }
      }
    }
  }
}

room(["Conv2DTranspose"], {
  /** Return { z, y }. The kernel is (KH, KW, F, C). */
  forward(layer, [x], shape) {
    const { kernel: { data: weights }, bias } = layer.parameters;
    const [channels, filters] = [x.shape[2], shape[2]];
    const z = tensor(shape);
    if (bias) for (let i = 0; i < z.data.length; i++) z.data[i] = bias.data[i % filters];
    eachMeeting(layer, x.shape, shape, (pixel, cell, out) => {
      for (let f = 0, k = cell; f < filters; f++) {
        for (let c = 0; c < channels; c++, k++) z.data[out + f] += x.data[pixel + c] * weights[k];
      }
    });
    return { z, y: activate(layer.options.activation, z) };
  },

  /** Add to the gradients by the parameters; return the one by the input. */
  backward(layer, [x], { z, y }, gradient, gradients, byLogits) {
    const weights = layer.parameters.kernel.data;
    const [channels, filters] = [x.shape[2], z.shape[2]];
    const gradZ = byLogits ? gradient : activateBackward(layer.options.activation, gradient, z, y);
    const gradX = tensor(x.shape);
    const kernel = new Float64Array(weights.length);
    const bias = new Float64Array(filters);
    gradZ.data.forEach((value, i) => { bias[i % filters] += value; });
    eachMeeting(layer, x.shape, z.shape, (pixel, cell, out) => {
      for (let f = 0, k = cell; f < filters; f++) {
        const grad = gradZ.data[out + f];
        for (let c = 0; c < channels; c++, k++) {
          kernel[k] += x.data[pixel + c] * grad;
          gradX.data[pixel + c] += weights[k] * grad;
        }
      }
    });
    gradients.add("kernel", kernel);
    gradients.add("bias", bias);
    return { inputs: [gradX], gradZ };
  },

  /** Return what a parameter's gradient is the sum of: input × gradient, place by place. */
  shares(layer, [x], gradZ, parameter, index) {
    const { strides, dilation_rate: steps, before } = layer.options;
    const [rows, columns, filters] = gradZ.shape;
    if (parameter === "bias") {
      return Array.from({ length: rows * columns }, (_, at) => {
        const weight = gradZ.data[at * filters + index];
        return { value: 1, weight, product: weight, source: null, place: [Math.floor(at / columns), at % columns] };
      });
    }
    const [u, v, filter, channel] = unravel(index, layer.parameters.kernel.shape);
    const terms = [];
    for (let i = 0; i < x.shape[0]; i++) {
      for (let j = 0; j < x.shape[1]; j++) {
        const row = i * strides[0] + u * steps[0] - before[0];
        const column = j * strides[1] + v * steps[1] - before[1];
        if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
        const source = ravel([i, j, channel], x.shape);
        const [value, weight] = [x.data[source], gradZ.data[(row * columns + column) * filters + filter]];
        terms.push({ value, weight, product: value * weight, source: [0, source] });
      }
    }
    return terms;
  },

  /** Return what an output sees of the input: a rectangle of all channels; nothing where none reaches. */
  sees(layer, shapes, place) {
    const [down, across] = [0, 1].map((axis) => reaching(layer, axis, place[axis]).map(([pixel]) => pixel));
    if (!down.length || !across.length) return [];
    const [top, left] = [Math.min(...down), Math.min(...across)];
    return [{
      input: 0, channel: null, top, left,
      rows: Math.max(...down) - top + 1, columns: Math.max(...across) - left + 1,
    }];
  },

  /** Return the sum that made an output: the pixels that reach it × the kernel, channel by channel. */
  explain(layer, [x], { z, y }, index) {
    const [row, column, filter] = unravel(index, y.shape);
    const { kernel } = layer.parameters;
    const [down, across] = [reaching(layer, 0, row), reaching(layer, 1, column)];
    const cellOf = (channel) => ([[i, u], [j, v]]) => {
      const inside = i >= 0 && i < x.shape[0] && j >= 0 && j < x.shape[1];
      const source = inside ? ravel([i, j, channel], x.shape) : null;
      const value = inside ? x.data[source] : 0;
      const at = ravel([u, v, filter, channel], kernel.shape);
      const weight = kernel.data[at];
      return {
        value, weight, product: value * weight, inside, at, parameter: "kernel",
        source: inside ? [0, source] : null,
      };
    };
    const pairs = down.flatMap((one) => across.map((other) => [one, other]));
    const blocks = Array.from({ length: x.shape[2] }, (_, channel) =>
      ({ channel, columns: across.length, cells: pairs.map(cellOf(channel)) }));
    const sums = blocks.map(({ cells }) => cells.reduce((sum, cell) => sum + cell.product, 0));
    const total = sums.reduce((a, b) => a + b, 0);
    const several = sums.length > 1;
    const text = several
      ? `${digits(sums[0])} ${sums.slice(1).map(plus).join(" ")} = ${digits(total)}`
      : digits(total);
    return [
      ...(pairs.length ? [{ part: "blocks", blocks, sign: "×" }] : []),
      line(several ? "sum of products, by channel" : "sum of products", text),
      ...ending(layer, total, layer.parameters.bias?.data[filter] ?? 0, z, y, index),
    ];
  },
});
