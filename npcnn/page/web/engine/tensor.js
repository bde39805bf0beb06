// A tensor is { shape, data }: numbers of one sample in C order, as NumPy keeps them; no batch axis.
// They are doubles, whatever the model's are: what is computed here is exact to more than is shown.

/** Return how many numbers a shape holds. */
export function sizeOf(shape) {
  return shape.reduce((product, length) => product * length, 1);
}

/** Return a tensor of zeros, or one around numbers that are there. */
export function tensor(shape, data = new Float64Array(sizeOf(shape))) {
  return { shape, data };
}

/** Return the place of a flat index along every axis. */
export function unravel(index, shape) {
  const place = new Array(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    place[axis] = index % shape[axis];
    index = Math.floor(index / shape[axis]);
  }
  return place;
}

/** Return the flat index of a place. */
export function ravel(place, shape) {
  return place.reduce((index, at, axis) => index * shape[axis] + at, 0);
}

/** Return the flat indices of numbers that differ along some axes only, group by group, in order. */
export function groupsAlong(shape, axes) {
  const lengths = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  const groups = Array.from({ length: sizeOf(lengths) }, () => []);
  for (let index = 0; index < sizeOf(shape); index++) {
    const place = unravel(index, shape).map((at, axis) => (axes.includes(axis) ? 0 : at));
    groups[ravel(place, lengths)].push(index);
  }
  return groups;
}

/** Return the largest size in an array; at least a hair above 0. */
export function limitOf(data) {
  let most = 0;
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]);
    if (size > most && size < Infinity) most = size;
  }
  return most || 1e-30;
}

/** Return the place of the first largest number. */
export function argmax(data) {
  let best = 0;
  for (let i = 1; i < data.length; i++) if (data[i] > data[best]) best = i;
  return best;
}

/** Return a number with six significant digits, as Python's "%.6g" writes it. */
export function digits(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  const [mantissa, power] = rounded(value).split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 6) {
    const sign = exponent < 0 ? "-" : "+";
    return `${trimmed(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return trimmed(Number(`${mantissa}e${power}`).toFixed(5 - exponent));
}

/** Return six digits and a power of ten; of two that are equally near the even one, as in Python. */
function rounded(value) {
  const tie = /^(-?\d\.\d{4}[02468])50*(e.*)$/.exec(value.toExponential(60));
  return tie ? tie[1] + tie[2] : value.toExponential(5);
}

function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** Return a number as the next term of a sum. */
export function plus(value) {
  return `${value < 0 ? "-" : "+"} ${digits(Math.abs(value))}`;
}
