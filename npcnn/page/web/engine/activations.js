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

export const ELEMENTWISE = {
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
};

/** Return y of an activation, which is a name. */
export function activate(name, z) {
  if (name === "softmax") return { shape: z.shape, data: softmaxRows(z) };
  const [f] = ELEMENTWISE[name];
  return { shape: z.shape, data: z.data.map((value) => f(value)) };
}

/** Return the gradient by z from the one by y. */
export function activateBackward(name, gradient, z, y) {
  const back = new Float64Array(gradient.data.length);
  if (name === "softmax") {
    const length = z.shape[z.shape.length - 1];
    for (let start = 0; start < back.length; start += length) {
      let dot = 0;
      for (let i = start; i < start + length; i++) dot += gradient.data[i] * y.data[i];
      for (let i = start; i < start + length; i++) back[i] = y.data[i] * (gradient.data[i] - dot);
    }
  } else {
    const slope = ELEMENTWISE[name][1];
    for (let i = 0; i < back.length; i++) back[i] = gradient.data[i] * slope(z.data[i], y.data[i]);
  }
  return { shape: z.shape, data: back };
}

function softmaxRows(z) {
  const length = z.shape[z.shape.length - 1];
  const y = new Float64Array(z.data.length);
  for (let start = 0; start < y.length; start += length) {
    let most = -Infinity;
    for (let i = start; i < start + length; i++) most = Math.max(most, z.data[i]);
    let sum = 0;
    for (let i = start; i < start + length; i++) sum += Math.exp(z.data[i] - most);
    for (let i = start; i < start + length; i++) y[i] = Math.exp(z.data[i] - most) / sum;
  }
  return y;
}
