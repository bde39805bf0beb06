// Activations: y = f(z), and the gradient by z. Those of single numbers are a pair [f, f′(z, y)].

const INVERSE_ROOT_2 = Math.SQRT1_2;
const SELU = [1.0507009873554805, 1.6732632423543772];
const logistic = (z) => 1 / (1 + Math.exp(-z));
const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** Return the error function to about 1e-15: a series near 0, a continued fraction elsewhere. */
export function erf(x) {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 60; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-x * x) / ((size + fraction) * Math.sqrt(Math.PI)));
}

function gelu(z) {
  return 0.5 * z * (1 + erf(z * INVERSE_ROOT_2));
}

function geluSlope(z) {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  return 0.5 * (1 + erf(z * INVERSE_ROOT_2)) + z * density;
}

function clamped(z, least, most) {
  return Math.min(Math.max(z, least), most);
}

function hardSilu(z) {
  return z * clamped(z / 6 + 0.5, 0, 1);
}

function hardSiluSlope(z) {
  return clamped(z / 6 + 0.5, 0, 1) + (Math.abs(z) < 3 ? z / 6 : 0);
}

function mishSlope(z) {
  const t = Math.tanh(softplus(z));
  return t + z * (1 - t * t) * logistic(z);
}

function dot(a, b) {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

const ELEMENTWISE = {
  linear: [(z) => z, () => 1],
  relu: [(z) => Math.max(z, 0), (z) => (z > 0 ? 1 : 0)],
  relu6: [(z) => Math.min(Math.max(z, 0), 6), (z) => (z > 0 && z < 6 ? 1 : 0)],
  sigmoid: [logistic, (z, y) => y * (1 - y)],
  tanh: [Math.tanh, (z, y) => 1 - y * y],
  elu: [(z) => (z > 0 ? z : Math.expm1(z)), (z, y) => (z > 0 ? 1 : y + 1)],
  selu: [
    (z) => SELU[0] * (z > 0 ? z : SELU[1] * Math.expm1(z)),
    (z) => SELU[0] * (z > 0 ? 1 : SELU[1] * Math.exp(z)),
  ],
  leaky_relu: [(z) => (z > 0 ? z : 0.2 * z), (z) => (z > 0 ? 1 : 0.2)],
  gelu: [gelu, geluSlope],
  silu: [(z) => z * logistic(z), (z, y) => y + logistic(z) * (1 - y)],
  swish: [(z) => z * logistic(z), (z, y) => y + logistic(z) * (1 - y)],
  softplus: [softplus, logistic],
  softsign: [(z) => z / (1 + Math.abs(z)), (z) => 1 / (1 + Math.abs(z)) ** 2],
  exponential: [Math.exp, (z, y) => y],
  hard_sigmoid: [
    (z) => Math.min(Math.max(z / 6 + 0.5, 0), 1),
    (z) => (Math.abs(z) < 3 ? 1 / 6 : 0),
  ],
  hard_silu: [hardSilu, hardSiluSlope],
  hard_swish: [hardSilu, hardSiluSlope],
  celu: [(z) => (z > 0 ? z : Math.expm1(z)), (z, y) => (z > 0 ? 1 : y + 1)],
  hard_shrink: [(z) => (Math.abs(z) > 0.5 ? z : 0), (z) => (Math.abs(z) > 0.5 ? 1 : 0)],
  soft_shrink: [(z) => z - clamped(z, -0.5, 0.5), (z) => (Math.abs(z) > 0.5 ? 1 : 0)],
  hard_tanh: [(z) => clamped(z, -1, 1), (z) => (Math.abs(z) < 1 ? 1 : 0)],
  tanh_shrink: [(z) => z - Math.tanh(z), (z) => Math.tanh(z) ** 2],
  sparse_plus: [
    (z) => clamped(z / 2 + 0.5, 0, 1) ** 2 + Math.max(z - 1, 0),
    (z) => clamped(z / 2 + 0.5, 0, 1),
  ],
  sparse_sigmoid: [(z) => clamped(z / 2 + 0.5, 0, 1), (z) => (Math.abs(z) < 1 ? 0.5 : 0)],
  log_sigmoid: [(z) => -softplus(-z), (z) => logistic(-z)],
  mish: [(z) => z * Math.tanh(softplus(z)), mishSlope],
  squareplus: [(z) => (z + Math.hypot(z, 2)) / 2, (z) => (1 + z / Math.hypot(z, 2)) / 2],
};

// Activations of whole rows: [y of a row of z, gradient by z from that by y, y and z].
const ROWS = {
  softmax: [softmaxRow, (gradient, y) => {
    const along = dot(gradient, y);
    return y.map((share, i) => share * (gradient[i] - along));
  }],
  log_softmax: [(z) => {
    const most = z.reduce((a, b) => Math.max(a, b), -Infinity);
    const total = most + Math.log(z.reduce((sum, value) => sum + Math.exp(value - most), 0));
    return z.map((value) => value - total);
  }, (gradient, y) => {
    const total = gradient.reduce((a, b) => a + b, 0);
    return y.map((value, i) => gradient[i] - Math.exp(value) * total);
  }],
  glu: [(z) => {
    const half = z.length / 2;
    return z.slice(0, half).map((value, i) => value * logistic(z[half + i]));
  }, (gradient, y, z) => {
    const half = z.length / 2;
    const gates = z.slice(half).map(logistic);
    return Float64Array.from([
      ...gates.map((gate, i) => gradient[i] * gate),
      ...gates.map((gate, i) => gradient[i] * z[i] * gate * (1 - gate)),
    ]);
  }],
  sparsemax: [(z) => {
    const sorted = z.slice().sort().reverse();
    let [sum, level] = [0, 0];
    sorted.forEach((value, k) => {
      sum += value;
      if (1 + (k + 1) * value > sum) level = (sum - 1) / (k + 1);
    });
    return z.map((value) => Math.max(value - level, 0));
  }, (gradient, y) => {
    const among = gradient.filter((_, i) => y[i] > 0);
    const mean = among.reduce((a, b) => a + b, 0) / among.length;
    return y.map((value, i) => (value > 0 ? gradient[i] - mean : 0));
  }],
};

export const KNOWN_ACTIVATIONS = [...Object.keys(ELEMENTWISE), ...Object.keys(ROWS)];

/** Whether an activation's number hangs on its whole row. */
export function takesRows(name) {
  return name in ROWS;
}

/** Return y of an activation, which is a name; rows may be groups of indices that belong together. */
export function activate(name, z, groups = null) {
  if (takesRows(name)) return byRows(ROWS[name][0], groups, z);
  const [f] = ELEMENTWISE[name];
  return { shape: z.shape, data: z.data.map((value) => f(value)) };
}

/** Return the gradient by z from the one by y. */
export function activateBackward(name, gradient, z, y, groups = null) {
  if (takesRows(name)) return { ...byRows(ROWS[name][1], groups, gradient, y, z), shape: z.shape };
  const slope = ELEMENTWISE[name][1];
  const data = gradient.data.map((g, i) => g * slope(z.data[i], y.data[i]));
  return { shape: z.shape, data };
}

/** Return what a function makes of the rows of arrays, which have as many. */
function byRows(f, groups, ...arrays) {
  const [{ shape, data }] = arrays;
  if (groups) {
    const found = new Float64Array(data.length);
    for (const group of groups) {
      const row = f(...arrays.map((array) => Float64Array.from(group, (index) => array.data[index])));
      group.forEach((index, k) => { found[index] = row[k]; });
    }
    return { shape, data: found };
  }
  const count = data.length / shape[shape.length - 1];
  const rows = Array.from({ length: count }, (_, at) => f(...arrays.map((array) => {
    const length = array.data.length / count;
    return array.data.subarray(at * length, (at + 1) * length);
  })));
  const length = rows[0].length;
  const found = new Float64Array(count * length);
  rows.forEach((row, at) => found.set(row, at * length));
  return { shape: [...shape.slice(0, -1), length], data: found };
}

function softmaxRow(z) {
  const most = z.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = z.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
