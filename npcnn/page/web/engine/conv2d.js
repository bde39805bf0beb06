// Conv2D and DepthwiseConv2D: sums of products over windows.
import { activate, activateBackward } from "./activations.js";
import { ending, line } from "./explained.js";
import { room } from "./rooms.js";
import { digits, plus, ravel, tensor, unravel } from "./tensor.js";
import { rectangleOf, windowOf } from "./windows.js";

/** Return kernel and groups; a depthwise kernel (KH, KW, C, M) has a group for each channel. */
function convolving(layer) {
  const kernel = layer.parameters.kernel;
  const [height, width, channels, filters] = kernel.shape;
  const depthwise = layer.kind === "DepthwiseConv2D";
  return {
    height, width,
    weights: kernel.data,
    groups: depthwise ? channels : layer.options.groups ?? 1,
    channels: depthwise ? 1 : channels, // that a filter sees
    filters: depthwise ? channels * filters : filters,
  };
}

/** Call visit(image index of a pixel, kernel index of its cell) for all cells in the image. */
function eachCell(layer, shape, row, column, visit) {
  const { height, width, channels, filters } = convolving(layer);
  const { strides, steps, before } = windowOf(layer, shape);
  for (let u = 0; u < height; u++) {
    const y = row * strides[0] - before[0] + u * steps[0];
    if (y < 0 || y >= shape[0]) continue;
    for (let v = 0; v < width; v++) {
      const x = column * strides[1] - before[1] + v * steps[1];
      if (x < 0 || x >= shape[1]) continue;
      visit((y * shape[1] + x) * shape[2], (u * width + v) * channels * filters);
    }
  }
}

room(["Conv2D", "DepthwiseConv2D"], {
  /** Return { z, y }. */
  forward(layer, [x], shape) {
    const { weights, groups, channels, filters } = convolving(layer);
    const [rows, columns] = shape;
    const each = filters / groups;
    const sums = new Float64Array(filters);
    const z = tensor(shape);
    const add = (pixel, cell) => {
      for (let g = 0; g < groups; g++) {
        const end = (g + 1) * each;
        for (let c = 0; c < channels; c++) {
          const value = x.data[pixel + g * channels + c];
          if (value === 0) continue;
          const from = cell + c * filters;
          for (let f = g * each; f < end; f++) sums[f] += value * weights[from + f];
        }
      }
    };
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        sums.set(layer.parameters.bias?.data ?? sums.fill(0));
        eachCell(layer, x.shape, row, column, add);
        z.data.set(sums, (row * columns + column) * filters);
      }
    }
    return { z, y: activate(layer.options.activation, z) };
  },

  /** Add to the gradients by the parameters; return the one by the input. */
  backward(layer, [x], { z, y }, gradient, gradients, byLogits) {
    const { weights, groups, channels, filters } = convolving(layer);
    const each = filters / groups;
    const gradZ = byLogits ? gradient : activateBackward(layer.options.activation, gradient, z, y);
    const gradX = tensor(x.shape);
    const kernel = new Float64Array(weights.length);
    const bias = new Float64Array(filters);
    let at = 0;
    const add = (pixel, cell) => {
      for (let g = 0; g < groups; g++) {
        for (let c = 0; c < channels; c++) {
          const place = pixel + g * channels + c;
          const value = x.data[place];
          const from = cell + c * filters;
          let back = 0;
          for (let f = g * each; f < (g + 1) * each; f++) {
            const grad = gradZ.data[at + f];
            kernel[from + f] += value * grad;
            back += weights[from + f] * grad;
          }
          gradX.data[place] += back;
        }
      }
    };
    for (let row = 0; row < z.shape[0]; row++) {
      for (let column = 0; column < z.shape[1]; column++, at += filters) {
        let any = 0;
        for (let f = 0; f < filters; f++) {
          bias[f] += gradZ.data[at + f];
          any += Math.abs(gradZ.data[at + f]);
        }
        if (any !== 0) eachCell(layer, x.shape, row, column, add);
      }
    }
    gradients.add("kernel", kernel);
    gradients.add("bias", bias);
    return { inputs: [gradX], gradZ };
  },

  /** Return what a parameter's gradient is the sum of: input × gradient, place by place. */
  shares(layer, [x], gradZ, parameter, index) {
    const { width, groups, channels, filters } = convolving(layer);
    const filter = index % filters;
    const [rows, columns] = gradZ.shape;
    const cell = Math.floor(index / filters);
    const [u, v] = [Math.floor(cell / channels / width), Math.floor(cell / channels) % width];
    const channel = Math.floor(filter / (filters / groups)) * channels + (cell % channels);
    const terms = [];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const weight = gradZ.data[(row * columns + column) * filters + filter];
        if (parameter === "bias") {
          terms.push({ value: 1, weight, product: weight, source: null, place: [row, column] });
          continue;
        }
        const { top, left, steps } = rectangleOf(layer, x.shape, row, column);
        const place = [top + u * steps[0], left + v * steps[1], channel];
        if (place.some((at, axis) => at < 0 || at >= x.shape[axis])) continue;
        const source = ravel(place, x.shape);
        const value = x.data[source];
        terms.push({ value, weight, product: value * weight, source: [0, source] });
      }
    }
    return terms;
  },

  /** Return what an output sees of the input: a rectangle, of one channel or all (null). */
  sees(layer, shapes, [row, column, filter]) {
    const { groups, filters } = convolving(layer);
    const channel = layer.kind === "DepthwiseConv2D" ? Math.floor(filter / (filters / groups)) : null;
    return [{ input: 0, channel, ...rectangleOf(layer, shapes[0], row, column) }];
  },

  /** Return the sum that made an output: window × kernel, channel by channel. */
  explain(layer, [x], { z, y }, index) {
    const [row, column, filter] = unravel(index, y.shape);
    const { height, width, weights, groups, channels, filters } = convolving(layer);
    const { top, left, steps } = rectangleOf(layer, x.shape, row, column);
    const first = Math.floor(filter / (filters / groups)) * channels;
    const blocks = [];
    for (let c = 0; c < channels; c++) {
      const cells = [];
      for (let u = 0; u < height; u++) {
        for (let v = 0; v < width; v++) {
          const place = [top + u * steps[0], left + v * steps[1], first + c];
          const inside = place[0] >= 0 && place[0] < x.shape[0] &&
            place[1] >= 0 && place[1] < x.shape[1];
          const source = inside ? ravel(place, x.shape) : null;
          const value = inside ? x.data[source] : 0;
          const at = ((u * width + v) * channels + c) * filters + filter;
          const weight = weights[at];
          cells.push({
            value, weight, product: value * weight, inside, at, parameter: "kernel",
            source: inside ? [0, source] : null,
          });
        }
      }
      blocks.push({ channel: first + c, columns: width, cells });
    }
    const sums = blocks.map((block) => block.cells.reduce((sum, cell) => sum + cell.product, 0));
    const total = sums.reduce((a, b) => a + b, 0);
    const text = channels > 1
      ? `${digits(sums[0])} ${sums.slice(1).map(plus).join(" ")} = ${digits(total)}`
      : digits(total);
    const bias = layer.parameters.bias?.data[filter] ?? 0;
    const word = channels > 1 ? "sum of products, by channel" : "sum of products";
    return [
      { part: "blocks", blocks, sign: "×" },
      line(word, text),
      ...ending(layer, total, bias, z, y, index),
    ];
  },
});
