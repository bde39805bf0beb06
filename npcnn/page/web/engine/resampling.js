// Pictures of another size: a new pixel is made of shares of old ones, rows and columns each by
// themselves; what lies beside the picture is a constant (npcnn/page/resampled.py).
import { line } from "./explained.js";
import { room } from "./rooms.js";
import { digits, plus, ravel, tensor, unravel } from "./tensor.js";

/** Return the [flat index of an old pixel's first channel, row, column, share] of a new pixel. */
function sharesOf({ options: { rows, columns } }, [, width, channels], row, column) {
  return rows[row].flatMap(([y, down]) => columns[column].map(([x, across]) =>
    [(y * width + x) * channels, y, x, down * across]));
}

room(["Resampling"], {
  forward(layer, [x], shape) {
    const y = tensor(shape);
    const [rows, columns, channels] = shape;
    for (let row = 0, out = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, out += channels) {
        let rest = 1;
        for (const [pixel, , , share] of sharesOf(layer, x.shape, row, column)) {
          rest -= share;
          for (let c = 0; c < channels; c++) y.data[out + c] += share * x.data[pixel + c];
        }
        for (let c = 0; c < channels; c++) y.data[out + c] += rest * layer.options.fill;
      }
    }
    return { y };
  },

  backward(layer, [x], { y }, gradient) {
    const gradX = tensor(x.shape);
    const [rows, columns, channels] = y.shape;
    for (let row = 0, out = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, out += channels) {
        for (const [pixel, , , share] of sharesOf(layer, x.shape, row, column)) {
          for (let c = 0; c < channels; c++) gradX.data[pixel + c] += share * gradient.data[out + c];
        }
      }
    }
    return { inputs: [gradX] };
  },

  /** Return the rectangle of old pixels that a new one takes of; nothing where all is filled in. */
  sees(layer, [shape], [row, column, channel]) {
    const shares = sharesOf(layer, shape, row, column);
    if (!shares.length) return [];
    const [ys, xs] = [shares.map(([, y]) => y), shares.map(([, , x]) => x)];
    const [top, left] = [Math.min(...ys), Math.min(...xs)];
    const [rows, columns] = [Math.max(...ys) - top + 1, Math.max(...xs) - left + 1];
    return [{ input: 0, channel, top, left, rows, columns }];
  },

  explain(layer, [x], { y }, index) {
    const [row, column, channel] = unravel(index, y.shape);
    const cells = sharesOf(layer, x.shape, row, column).map(([, top, left, weight]) => {
      const source = ravel([top, left, channel], x.shape);
      const value = x.data[source];
      return { value, weight, product: value * weight, inside: true, source: [0, source] };
    });
    const block = { channel, columns: layer.options.columns[column].length, cells };
    const total = cells.reduce((sum, cell) => sum + cell.product, 0);
    const rest = 1 - cells.reduce((sum, cell) => sum + cell.weight, 0);
    const lines = [line("sum of products", digits(total))];
    if (Math.abs(rest) > 1e-9) {
      lines.push(line("with what is filled in",
        `${digits(total)} ${plus(rest * layer.options.fill)} = ${digits(y.data[index])}`));
    }
    return [...(cells.length ? [{ part: "blocks", blocks: [block], sign: "×" }] : []), ...lines];
  },
});
