// Layers that move numbers, repeat them, or put zeros around them: each output is one input, or 0.
// They say which: `from(layer, shape of x, place)` is the flat index, or -1 for a zero.
import { line } from "./explained.js";
import { room } from "./rooms.js";
import { ravel, tensor, unravel } from "./tensor.js";

const straightOn = (layer, shape, place, index) => index;

function mover(from) {
  return {
    forward(layer, [x], shape) {
      const y = tensor(shape);
      for (let index = 0; index < y.data.length; index++) {
        const source = from(layer, x.shape, unravel(index, shape), index);
        y.data[index] = source < 0 ? 0 : x.data[source];
      }
      return { y };
    },
    backward(layer, [x], { y }, gradient) {
      const gradX = tensor(x.shape);
      for (let index = 0; index < y.data.length; index++) {
        const source = from(layer, x.shape, unravel(index, y.shape), index);
        if (source >= 0) gradX.data[source] += gradient.data[index];
      }
      return { inputs: [gradX] };
    },
    sees(layer, [shape], place, index) {
      const source = from(layer, shape, place, index);
      if (source < 0) return [];
      const [top, left, channel] = unravel(source, shape);
      return [{ input: 0, top, left, rows: 1, columns: 1, channel, place: unravel(source, shape) }];
    },
    explain(layer, [x], { y }, index) {
      const source = from(layer, x.shape, unravel(index, y.shape), index);
      if (source < 0) return [line("a zero around the image", "0")];
      return [{ part: "same", source: [0, source] }];
    },
  };
}

/** Flatten, Reshape; Dropout and its kind, which do nothing outside training. */
room(["Flatten", "Identity", "Reshape"], mover(straightOn));

room(["ZeroPadding2D"], mover((layer, shape, [row, column, channel]) => {
  const [[above], [left]] = layer.options.padding;
  const [y, x] = [row - above, column - left];
  const outside = y < 0 || x < 0 || y >= shape[0] || x >= shape[1];
  return outside ? -1 : ravel([y, x, channel], shape);
}));

room(["Cropping2D"], mover((layer, shape, [row, column, channel]) => {
  const [[above], [left]] = layer.options.cropping;
  return ravel([row + above, column + left, channel], shape);
}));

room(["CenterCrop"], mover((layer, shape, [row, column, channel]) => {
  const { height, width } = layer.options;
  const [above, left] = [Math.floor((shape[0] - height) / 2), Math.floor((shape[1] - width) / 2)];
  return ravel([row + above, column + left, channel], shape);
}));

/** RepeatVector. */
room(["RepeatVector"], mover((layer, shape, [, feature]) => feature));

room(["UpSampling2D"], mover((layer, shape, [row, column, channel]) => {
  const [rows, columns] = layer.options.size;
  return ravel([Math.floor(row / rows), Math.floor(column / columns), channel], shape);
}));

room(["Permute"], mover((layer, shape, place) => {
  const source = new Array(shape.length);
  layer.options.dims.forEach((axis, i) => { source[axis - 1] = place[i]; });
  return ravel(source, shape);
}));
