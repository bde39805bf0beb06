// What a layer says of one of its numbers: a list of parts that the page draws.
//   { part: "blocks", cells, sign }  windows, one block a channel; a cell is
//       { value, weight, product, source, inside, won }, source is [input, flat index] or null
//   { part: "terms", terms, most }   a long list of value × weight = product
//   { part: "line", word, text }     a formula with the numbers in; `word` is translated
//   { part: "same", source }         a number that was only moved
import { digits, plus } from "./tensor.js";

export function line(word, text) {
  return { part: "line", word, text };
}

/** Return the lines from a sum of products to the output: bias, activation. */
export function ending(layer, total, bias, z, y, index) {
  const name = layer.options.activation ?? "linear";
  const before = z.data[index];
  const lines = [];
  if (total !== null) {
    lines.push(line("with the bias", `${digits(total)} ${plus(bias)} = ${digits(before)}`));
  }
  return [...lines, ...activationLines(name, z, y, index)];
}

/** Return the line that an activation adds; `group`: the indices that belong together, if no row. */
export function activationLines(name, z, y, index, group = null) {
  const [before, after] = [digits(z.data[index]), digits(y.data[index])];
  if (name === "linear") return [];
  if (name === "relu") return [line("relu", `max(${before}, 0) = ${after}`)];
  if (name !== "softmax") return [line(name, `${name}(${before}) = ${after}`)];
  const length = z.shape[z.shape.length - 1];
  const start = index - (index % length);
  const row = group ? Float64Array.from(group, (at) => z.data[at]) : z.data.subarray(start, start + length);
  const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = row.reduce((total, value) => total + Math.exp(value - most), 0);
  const power = Math.exp(z.data[index] - most);
  const shift = plus(-most);
  return [
    line("softmax", `exp(${before} ${shift}) / Σ exp(z ${shift}) = ` +
      `${digits(power)} / ${digits(sum)} = ${after}`),
    { part: "row", name: "z", values: [...row], at: group ? group.indexOf(index) : index - start },
  ];
}
