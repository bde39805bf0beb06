// A picture broken on purpose: moved, turned, with noise, with a patch over it.
import { tensor } from "../engine/tensor.js";

export const NOTHING = { right: 0, down: 0, angle: 0, noise: 0, cover: 0, coverRow: -1, coverColumn: -1 };

/** Return a generator of numbers from 0 to 1 that begins anew with the same seed (mulberry32). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Return a picture (H, W, C) after the changes; what comes in from outside is the lowest level. */
export function alteredImage(image, changes, [low, high]) {
  let found = image;
  if (changes.right || changes.down || changes.angle) found = moved(found, changes, low);
  if (changes.noise) found = noisy(found, changes.noise, low, high);
  if (changes.cover) found = covered(found, changes, low);
  return found;
}

function moved({ shape, data }, { right, down, angle }, low) {
  const [height, width, channels] = shape;
  const y = tensor(shape);
  const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  const [middleRow, middleColumn] = [(height - 1) / 2, (width - 1) / 2];
  const at = (row, column, c) => (row < 0 || column < 0 || row >= height || column >= width
    ? low : data[(row * width + column) * channels + c]);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [r, c] = [row - down - middleRow, column - right - middleColumn];
      const from = [cos * r - sin * c + middleRow, sin * r + cos * c + middleColumn];
      const [top, left] = from.map(Math.floor);
      const [v, h] = [from[0] - top, from[1] - left];
      for (let k = 0; k < channels; k++) {
        y.data[(row * width + column) * channels + k] =
          (1 - v) * ((1 - h) * at(top, left, k) + h * at(top, left + 1, k)) +
          v * ((1 - h) * at(top + 1, left, k) + h * at(top + 1, left + 1, k));
      }
    }
  }
  return y;
}

function noisy({ shape, data }, strength, low, high) {
  const random = randomFrom(1);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const spread = strength * (high - low);
  return tensor(shape, data.map((v) => Math.min(high, Math.max(low, v + spread * normal()))));
}

function covered({ shape, data }, { cover, coverRow, coverColumn }, low) {
  const [height, width, channels] = shape;
  const middle = [coverRow < 0 ? height / 2 : coverRow, coverColumn < 0 ? width / 2 : coverColumn];
  const [top, left] = middle.map((at) => Math.round(at - cover / 2));
  const y = tensor(shape, data.slice());
  for (let row = Math.max(0, top); row < Math.min(height, top + cover); row++) {
    for (let column = Math.max(0, left); column < Math.min(width, left + cover); column++) {
      const from = (row * width + column) * channels;
      y.data.fill(low, from, from + channels);
    }
  }
  return y;
}
