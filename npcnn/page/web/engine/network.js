// The network as the page was given it: a description, and all numbers in one row of bytes.
import { roomOf } from "./layers.js";
import { sizeOf, tensor } from "./tensor.js";

/** Return the bytes that base64 text stands for. */
export function bytesOf(text) {
  const letters = atob(text.trim());
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes.buffer;
}

/** Return what zlib made smaller, as it was. */
export async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

const HALF_STEP = 2 ** -24;

/** Return the number that 16 bits stand for (IEEE 754). */
function halfOf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * HALF_STEP;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Return a described array: { at, shape, type, divide } in the bytes. */
export function arrayOf(bytes, { at, shape, type, divide }) {
  const size = sizeOf(shape);
  if (type === "uint8") {
    return tensor(shape, Float64Array.from(new Uint8Array(bytes, at, size), (v) => Math.fround(v / divide)));
  }
  if (type === "float16") {
    return tensor(shape, Float64Array.from(new Uint16Array(bytes, at, size), halfOf));
  }
  return tensor(shape, Float64Array.from(new Float32Array(bytes, at, size)));
}

/** Return the network: its layers with their parameters, its calls with their rooms. */
export function networkOf(description, bytes) {
  const layers = description.layers.map((layer) => ({
    ...layer,
    parameters: Object.fromEntries(
      Object.entries(layer.parameters).map(([name, where]) => [name, arrayOf(bytes, where)])),
  }));
  const calls = description.calls.map((call, place) => {
    const layer = layers[call.layer];
    return { ...call, place, layer, room: roomOf(layer) };
  });
  return { ...description, description, layers, calls };
}

/** Return how many parameters a network has. */
export function countParameters(network) {
  return network.layers.reduce((total, layer) =>
    total + Object.values(layer.parameters).reduce((sum, p) => sum + p.data.length, 0), 0);
}
