// Pictures { rows, columns, data } made smaller or larger as Pillow does: every new pixel is a
// weighted mean of the old ones under a filter that grows as the picture shrinks.

const FILTERS = {
  box: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  bicubic: [2, (given) => {
    const [x, a] = [Math.abs(given), -0.5];
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  }],
};

/** Return for each new place the first old one and the weights from there on. */
function weightsOf(from, to, [support, filter]) {
  const scale = from / to;
  const spread = Math.max(scale, 1);
  const listed = [];
  for (let place = 0; place < to; place++) {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support * spread + 0.5));
    const end = Math.min(from, Math.floor(centre + support * spread + 0.5));
    const weights = [];
    for (let at = first; at < end; at++) weights.push(filter((at - centre + 0.5) / spread));
    const sum = weights.reduce((a, b) => a + b, 0);
    listed.push({ first, weights: weights.map((weight) => weight / sum) });
  }
  return listed;
}

/** Return the picture with another number of columns, turned: its rows are the old columns. */
function turned(picture, columns, filter, finish) {
  const data = new Float64Array(picture.rows * columns);
  weightsOf(picture.columns, columns, filter).forEach(({ first, weights }, column) => {
    for (let row = 0; row < picture.rows; row++) {
      const from = row * picture.columns + first;
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * picture.data[from + i];
      data[column * picture.rows + row] = finish(sum);
    }
  });
  return { rows: columns, columns: picture.rows, data };
}

const asByte = (value) => Math.min(255, Math.max(0, Math.round(value)));

/** Return the picture in another size; `bytes` rounds it to whole numbers from 0 to 255. */
export function resized(picture, rows, columns, filter, bytes = false) {
  const finish = bytes ? asByte : (value) => value;
  const wide = turned(picture, columns, FILTERS[filter], finish);
  return turned(wide, rows, FILTERS[filter], finish);
}
