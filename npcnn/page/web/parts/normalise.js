// A picture of a digit made like MNIST's, stage by stage, as npcnn/datasets/like_mnist.py does it:
// the paper's light taken away, the ink cropped, scaled into a box, its centre of mass in the middle.
import { resized } from "./resize.js";

const COARSE = 48; // rows and columns on which the paper is looked at
const STROKE = 0.3; // of the side: no stroke is that wide
const FAINT = 24; // grey levels: less than that between ink and paper is no writing
const SOFT = 0.5; // of the level between ink and paper: over how much of it ink fades away
const LARGE = 128; // rows or columns from which spots of grain are not looked at
const BOX = 20 / 28; // of the side, which a digit fills

const like = (picture, data) => ({ ...picture, data });

/** Return the stages { ink, cropped, boxed, centred } of a grey picture, or null without ink. */
export function stagesOf(grey, side = 28) {
  const ink = inkOf(grey);
  return ink && stagesOfInk(ink, side);
}

/** Return the stages of ink that is known; `grain` leaves spots of a large picture out. */
export function stagesOfInk(ink, side = 28, grain = true) {
  const cropped = croppedOf(ink, grain);
  if (!cropped) return null;
  const box = Math.round(side * BOX);
  const most = Math.max(cropped.rows, cropped.columns);
  const [rows, columns] = [cropped.rows, cropped.columns].map((size) =>
    Math.max(1, roundHalfEven((size * box) / most)));
  const boxed = resized(cropped, rows, columns, "bicubic", true);
  return { ink, cropped, boxed, centred: centredOf(boxed, side) };
}

function roundHalfEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}

/** Return how much ink every pixel has: 0 for paper, whatever its shade, to 255. */
function inkOf(grey) {
  const light = lightOf(grey);
  const apart = coarseOf(like(grey, grey.data.map((v, i) => v - light[i])));
  const dark = apart.data.reduce((sum, v) => sum + v ** 3, 0) < 0;
  let above;
  if (dark) {
    const level = grey.data.map((v, i) => Math.min(v / Math.max(light[i], 1), 2));
    const paper = openedOf(like(grey, level.map((v) => 2 - v)));
    above = level.map((v, i) => 255 * (1 - v / Math.max(2 - paper[i], 1e-3)));
  } else {
    const level = grey.data.map((v, i) => v - light[i]);
    const paper = openedOf(like(grey, level));
    above = level.map((v, i) => v - paper[i]);
  }
  above = above.map((v) => Math.min(255, Math.max(0, v)));
  const threshold = thresholdOf(above);
  const solid = above.filter((v) => v > threshold);
  if (!solid.length || solid.reduce((a, b) => a + b, 0) / solid.length < FAINT) return null;
  return like(grey, above.map((v) => {
    const soft = (v - (1 - SOFT) * threshold) / (2 * SOFT * threshold);
    return roundHalfEven(255 * Math.min(1, Math.max(0, soft)));
  }));
}

/** Return the terms 1, x, y, xy, x², y² at the middle of a pixel; x and y from −1 to 1. */
function termsAt(row, column, rows, columns) {
  const y = (2 * (row + 0.5)) / rows - 1;
  const x = (2 * (column + 0.5)) / columns - 1;
  return [1, x, y, x * y, x * x, y * y];
}

/** Return the paper's level as a surface of second order through the edges: least squares. */
function lightOf(grey) {
  const coarse = coarseOf(grey);
  const { rows, columns } = coarse;
  const matrix = Array.from({ length: 6 }, () => new Float64Array(7));
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (row > 0 && row < rows - 1 && column > 0 && column < columns - 1) continue;
      const terms = termsAt(row, column, rows, columns);
      const value = coarse.data[row * columns + column];
      terms.forEach((a, i) => {
        terms.forEach((b, j) => { matrix[i][j] += a * b; });
        matrix[i][6] += a * value;
      });
    }
  }
  const weights = solved(matrix);
  const light = new Float64Array(grey.data.length);
  for (let row = 0; row < grey.rows; row++) {
    for (let column = 0; column < grey.columns; column++) {
      const terms = termsAt(row, column, grey.rows, grey.columns);
      light[row * grey.columns + column] = terms.reduce((sum, t, i) => sum + t * weights[i], 0);
    }
  }
  return light;
}

/** Return the solution of six equations, the right side last; what nothing decides is 0. */
function solved(matrix) {
  const count = matrix.length;
  const done = [];
  for (let column = 0; column < count; column++) {
    const rest = matrix.filter((row) => !done.some(([, other]) => other === row));
    const pivot = rest.reduce((a, b) => (Math.abs(b[column]) > Math.abs(a[column]) ? b : a));
    if (Math.abs(pivot[column]) < 1e-9) continue;
    done.push([column, pivot]);
    for (const row of matrix) {
      if (row === pivot) continue;
      const factor = row[column] / pivot[column];
      for (let i = 0; i <= count; i++) row[i] -= factor * pivot[i];
    }
  }
  const found = new Float64Array(count);
  for (const [column, row] of done) found[column] = row[count] / row[column];
  return found;
}

function coarseOf(picture) {
  const scale = Math.min(1, COARSE / Math.max(picture.rows, picture.columns));
  const size = (n) => Math.max(1, roundHalfEven(n * scale));
  return resized(picture, size(picture.rows), size(picture.columns), "box");
}

const REDUCE = [
  (values) => values.reduce((a, b) => Math.min(a, b)),
  (values) => values.reduce((a, b) => Math.max(a, b)),
  (values) => values.reduce((a, b) => a + b) / values.length,
];

/** Return the level without what is narrower than a window wider than any stroke: paper. */
function openedOf(picture) {
  let coarse = coarseOf(picture);
  const { rows, columns } = coarse;
  const half = Math.max(1, roundHalfEven((STROKE * Math.max(rows, columns)) / 2));
  const clamp = (at, size) => Math.min(size - 1, Math.max(0, at));
  for (const reduce of REDUCE) {
    for (const down of [true, false]) {
      const data = new Float64Array(rows * columns);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const seen = [];
          for (let d = -half; d <= half; d++) {
            const r = down ? clamp(row + d, rows) : row;
            const c = down ? column : clamp(column + d, columns);
            seen.push(coarse.data[r * columns + c]);
          }
          data[row * columns + column] = reduce(seen);
        }
      }
      coarse = like(coarse, data);
    }
  }
  return resized(coarse, picture.rows, picture.columns, "bilinear").data;
}

/** Return the level that parts two kinds of values best (Otsu 1979). */
function thresholdOf(values) {
  const counts = new Float64Array(256);
  for (const value of values) counts[Math.min(255, Math.floor(value))] += 1;
  const total = values.length;
  const sum = counts.reduce((all, n, i) => all + n * (i + 0.5), 0);
  let [below, sumBelow] = [0, 0];
  const between = [];
  for (let i = 0; i < 255; i++) {
    below += counts[i];
    sumBelow += counts[i] * (i + 0.5);
    const apart = sumBelow / below - (sum - sumBelow) / (total - below);
    const found = below * (total - below) * apart ** 2;
    between.push(Number.isFinite(found) ? found : 0);
  }
  const most = between.reduce((a, b) => Math.max(a, b));
  const best = between.flatMap((value, i) => (value === most ? [i] : []));
  return best[Math.floor(best.length / 2)] + 1;
}

/** Return the part that holds ink; spots of grain in a large picture are not looked at. */
function croppedOf(ink, grain) {
  let solid = ink.data;
  if (grain && Math.max(ink.rows, ink.columns) >= LARGE) {
    const quiet = medianOf(ink);
    if (quiet.some((v) => v > 127)) solid = quiet;
  }
  let [top, bottom, left, right] = [Infinity, -1, Infinity, -1];
  solid.forEach((value, i) => {
    if (value <= 127) return;
    const [row, column] = [Math.floor(i / ink.columns), i % ink.columns];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
    [left, right] = [Math.min(left, column), Math.max(right, column)];
  });
  if (bottom < 0) return null;
  const [rows, columns] = [bottom - top + 1, right - left + 1];
  const data = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const from = (top + row) * ink.columns + left;
    data.set(ink.data.subarray(from, from + columns), row * columns);
  }
  return { rows, columns, data };
}

/** Return the medians of 3 × 3 pixels, those at the edge repeated. */
function medianOf({ rows, columns, data }) {
  const found = new Float64Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const seen = [];
      for (let r = row - 1; r <= row + 1; r++) {
        for (let c = column - 1; c <= column + 1; c++) {
          const y = Math.min(rows - 1, Math.max(0, r));
          seen.push(data[y * columns + Math.min(columns - 1, Math.max(0, c))]);
        }
      }
      found[row * columns + column] = seen.sort((a, b) => a - b)[4];
    }
  }
  return found;
}

/** Return a square field with the picture's centre of mass in the middle pixel. */
export function centredOf(boxed, side) {
  const data = new Float64Array(side * side);
  const [mass, down, across] = momentsOf(boxed);
  const middle = Math.floor(side / 2);
  // The picture lay in the middle of the field before; whole pixels are what moves it.
  const [top, left] = [boxed.rows, boxed.columns].map((size) => Math.floor((side - size) / 2));
  const rowShift = middle - Math.floor(down / mass + top);
  const columnShift = middle - Math.floor(across / mass + left);
  for (let row = 0; row < boxed.rows; row++) {
    for (let column = 0; column < boxed.columns; column++) {
      const [y, x] = [row + top + rowShift, column + left + columnShift];
      if (y < 0 || x < 0 || y >= side || x >= side) continue;
      data[y * side + x] = boxed.data[row * boxed.columns + column];
    }
  }
  return { rows: side, columns: side, data };
}

function momentsOf({ rows, columns, data }) {
  const found = [1e-12, 0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = data[row * columns + column];
      found[0] += value;
      found[1] += value * (row + 0.5);
      found[2] += value * (column + 0.5);
    }
  }
  return found;
}
