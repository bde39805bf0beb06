// Losses of one sample, and the gradient by the output or by what its softmax or sigmoid got.
import { tensor } from "./tensor.js";

const SMALL = 1e-7;
const clipped = (p) => Math.min(Math.max(p, SMALL), 1 - SMALL);

function crossentropy(target, y, z) {
  if (z) {
    const most = z.data.reduce((a, b) => Math.max(a, b), -Infinity);
    const sum = z.data.reduce((total, value) => total + Math.exp(value - most), 0);
    const mass = target.reduce((a, b) => a + b, 0);
    let loss = 0;
    const gradient = z.data.map((value, i) => {
      loss -= target[i] * (value - most - Math.log(sum));
      return (mass * Math.exp(value - most)) / sum - target[i];
    });
    return { loss, gradient: tensor(z.shape, gradient), byLogits: true };
  }
  const total = y.data.reduce((a, b) => a + b, 0);
  const shares = y.data.map((p) => clipped(p / total));
  const loss = shares.reduce((sum, p, i) => sum - target[i] * Math.log(p), 0);
  const mass = target.reduce((a, b) => a + b, 0);
  const gradient = shares.map((p, i) => (mass - target[i] / p) / total);
  return { loss, gradient: tensor(y.shape, gradient) };
}

function binary(target, y, z) {
  const count = y.data.length;
  let loss = 0;
  if (z) {
    const gradient = z.data.map((value, i) => {
      loss += (Math.max(value, 0) - value * target[i] + Math.log1p(Math.exp(-Math.abs(value)))) / count;
      return (1 / (1 + Math.exp(-value)) - target[i]) / count;
    });
    return { loss, gradient: tensor(z.shape, gradient), byLogits: true };
  }
  const gradient = y.data.map((value, i) => {
    const p = clipped(value);
    loss -= (target[i] * Math.log(p) + (1 - target[i]) * Math.log(1 - p)) / count;
    return p === value ? (p - target[i]) / (p * (1 - p)) / count : 0;
  });
  return { loss, gradient: tensor(y.shape, gradient) };
}

function absolute(target, y) {
  const count = y.data.length;
  const loss = y.data.reduce((sum, value, i) => sum + Math.abs(value - target[i]) / count, 0);
  return { loss, gradient: tensor(y.shape, y.data.map((value, i) => Math.sign(value - target[i]) / count)) };
}

function squared(target, y) {
  const last = y.shape[y.shape.length - 1];
  const rows = y.data.length / last;
  let loss = 0;
  const gradient = y.data.map((value, i) => {
    loss += (value - target[i]) ** 2 / last / rows;
    return (2 * (value - target[i])) / last / rows;
  });
  return { loss, gradient: tensor(y.shape, gradient) };
}

const LOSSES = {
  categorical_crossentropy: [crossentropy, "softmax"],
  sparse_categorical_crossentropy: [crossentropy, "softmax"],
  binary_crossentropy: [binary, "sigmoid"],
  mean_absolute_error: [absolute, ""],
  mean_squared_error: [squared, ""],
};

/** Whether the page can go backward from a loss. */
export function knowsLoss(loss) {
  return Boolean(loss && !loss.own && LOSSES[loss.name]);
}

/** Return the numbers that a target stands for: a row of them, one 1 for a class; of one unit itself. */
export function targetRow(target, y) {
  if (typeof target !== "number") return Float64Array.from(target, (value) => value ?? NaN);
  if (y.data.length === 1) return Float64Array.of(target);
  return Float64Array.from(y.data, (value, i) => (i === target ? 1 : 0));
}

/**
 * Return { loss, gradient, byLogits }.
 * @param loss of the network: { name, from_logits }
 * @param kept the last call's { y, z }, @param activation its name
 */
export function scored(loss, target, kept, activation) {
  const [formula, own] = LOSSES[loss.name];
  const logits = loss.from_logits ? kept.y : activation === own ? kept.z : null;
  const found = formula(targetRow(target, kept.y), kept.y, logits);
  return { ...found, byLogits: Boolean(found.byLogits && !loss.from_logits) };
}
