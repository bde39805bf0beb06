// Which places of an image a window sees: what convolution and pooling share.

/** Return how far the first window hangs over the edge: Keras's 'same' puts the odd zero behind. */
function zerosBefore(size, reach, stride, padding, step) {
  if (padding !== "same") return 0;
  const seen = (Math.ceil(size / stride) - 1) * stride + (reach - 1) * step + 1;
  return Math.floor(Math.max(seen - size, 0) / 2);
}

/** Return the window of a layer over images of a shape: pairs for rows and columns. */
export function windowOf(layer, shape) {
  const { options } = layer;
  const size = options.kernel_size ?? options.pool_size;
  const strides = options.strides;
  const steps = options.dilation_rate ?? [1, 1];
  const before = [0, 1].map((axis) =>
    zerosBefore(shape[axis], size[axis], strides[axis], options.padding, steps[axis]));
  return { size, strides, steps, before };
}

/** Return where the window of an output begins and what it covers: a rectangle in the image. */
export function rectangleOf(layer, shape, row, column) {
  const { size, strides, steps, before } = windowOf(layer, shape);
  return {
    top: row * strides[0] - before[0],
    left: column * strides[1] - before[1],
    rows: (size[0] - 1) * steps[0] + 1,
    columns: (size[1] - 1) * steps[1] + 1,
    steps,
    size,
  };
}
