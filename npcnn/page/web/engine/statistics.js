// Layers that normalise a sample by its own numbers: layer, group, RMS and unit normalisation. Some
// numbers belong together, and share a mean and a rate: y = gamma · (x − mean) · rate + beta.
import { line } from "./explained.js";
import { room } from "./rooms.js";
import { digits, plus, ravel, tensor, unravel } from "./tensor.js";

const MOST_RATE = 1e12; // what a length that is nearly 0 is at most multiplied by

/** Return [which group, which entry of gamma] of a place. */
function homeOf(layer, shape, place) {
  if (layer.kind === "GroupNormalization") {
    const given = layer.options.axis;
    const axis = given < 0 ? shape.length + given : given - 1;
    return [Math.floor((place[axis] * layer.options.groups) / shape[axis]), place[axis]];
  }
  const axes = [layer.options.axis].flat().map((axis) => (axis < 0 ? shape.length + axis : axis - 1));
  const all = [...shape.keys()];
  const own = all.filter((axis) => axes.includes(axis));
  const others = all.filter((axis) => !axes.includes(axis));
  const among = (listed) => ravel(listed.map((axis) => place[axis]), listed.map((axis) => shape[axis]));
  return [among(others), among(own)];
}

/** Return for every number its group and entry; for every group count, mean and rate. */
function measured(layer, x) {
  const homes = Array.from(x.data, (_, index) => homeOf(layer, x.shape, unravel(index, x.shape)));
  const groups = [];
  homes.forEach(([group], index) => (groups[group] ??= []).push(index));
  const centred = !["RMSNormalization", "UnitNormalization"].includes(layer.kind);
  const statistics = groups.map((indices) => {
    const sum = (f) => indices.reduce((total, index) => total + f(x.data[index]), 0);
    const count = indices.length;
    const mean = centred ? sum((value) => value) / count : 0;
    const squares = sum((value) => (value - mean) ** 2);
    const rate = layer.kind === "UnitNormalization"
      ? 1 / Math.sqrt(squares + MOST_RATE ** -2)
      : 1 / Math.sqrt(squares / count + layer.options.epsilon);
    return { indices, count, mean, rate };
  });
  return { homes, statistics, centred };
}

/** Return a parameter's entry, or what stands for it. */
const entry = (parameter, place, otherwise) => (parameter ? parameter.data[place] : otherwise);
/** The mean is taken off x, but for a LayerNormalization of old programs, which only divides. */
const levelOf = (layer, mean) => (layer.options.rms_scaling ? 0 : mean);
const gammaOf = ({ parameters }) => parameters.gamma ?? parameters.scale;

room(["GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"], {
  forward(layer, [x]) {
    const { homes, statistics: found } = measured(layer, x);
    const data = x.data.map((value, index) => {
      const [group, place] = homes[index];
      const { mean, rate } = found[group];
      return entry(gammaOf(layer), place, 1) * (value - levelOf(layer, mean)) * rate + entry(layer.parameters.beta, place, 0);
    });
    return { y: tensor(x.shape, data) };
  },

  backward(layer, [x], kept, gradient, gradients) {
    const { homes, statistics: found, centred } = measured(layer, x);
    const size = gammaOf(layer)?.data.length ?? layer.parameters.beta?.data.length ?? 0;
    const [gamma, beta] = [new Float64Array(size), new Float64Array(size)];
    const gradX = tensor(x.shape);
    for (const { indices, count, mean, rate } of found) {
      // Through the rate: a mean for all but UnitNormalization, whose rate is that of a sum.
      const share = layer.kind === "UnitNormalization" ? 1 : 1 / count;
      const normal = indices.map((index) => (x.data[index] - levelOf(layer, mean)) * rate);
      const own = indices.map((index) => gradient.data[index] * entry(gammaOf(layer), homes[index][1], 1));
      const along = share * own.reduce((sum, g, k) => sum + g * normal[k], 0);
      const level = centred && !layer.options.rms_scaling ? own.reduce((sum, g) => sum + g, 0) / count : 0;
      indices.forEach((index, k) => {
        gradX.data[index] = rate * (own[k] - level - (x.data[index] - mean) * rate * along);
        if (!size) return;
        gamma[homes[index][1]] += gradient.data[index] * normal[k];
        beta[homes[index][1]] += gradient.data[index];
      });
    }
    gradients.add(layer.parameters.scale ? "scale" : "gamma", gamma);
    gradients.add("beta", beta);
    return { inputs: [gradX] };
  },

  sees: () => [{ input: 0, all: true, channel: null }],

  explain(layer, [x], { y }, index) {
    const { homes, statistics: found } = measured(layer, x);
    const [group, place] = homes[index];
    const { count, mean, rate } = found[group];
    const [before, after] = [digits(x.data[index]), digits(y.data[index])];
    const gamma = digits(entry(gammaOf(layer), place, 1));
    const beta = entry(layer.parameters.beta, place, 0);
    return [
      { part: "same", source: [0, index] },
      line("numbers that belong together", String(count)),
      line("gamma · (x − their mean) · their rate + beta",
        `${gamma} · (${before} ${plus(-levelOf(layer, mean))}) · ${digits(rate)} ${plus(beta)} = ${after}`),
    ];
  },
});
