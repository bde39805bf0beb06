// An array drawn on a canvas, with a second canvas above it for what is marked and written.
import { limitOf, tensor } from "../engine/tensor.js";
import { isDark, painter, styleOf } from "./colors.js";
import { boxOf, indexAt, layoutOf, neighbour } from "./tiles.js";

/** Return a number in few letters. */
export function brief(value) {
  if (value === null) return "nan"; // JSON has none
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(0).replace("e+", "e");
  return String(Number(value.toPrecision(3)));
}

export class Picture {
  /**
   * @param label what a screen reader says
   * @param hover called with an index, or -1; @param choose called with an index
   */
  constructor({ label, hover, choose }) {
    this.canvas = document.createElement("canvas");
    this.above = document.createElement("canvas");
    this.above.className = "above";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", label);
    this.node = document.createElement("div");
    this.node.className = "picture";
    this.node.append(this.canvas, this.above);
    this.marks = { seen: [], hover: [], chosen: [] };
    this.cursor = 0;
    this.layout = null;
    this.listen(hover, choose);
  }

  listen(hover, choose) {
    const { canvas } = this;
    const at = (event) => (this.layout ? indexAt(this.layout, event.offsetX, event.offsetY) : -1);
    canvas.addEventListener("pointermove", (event) => hover(at(event), event));
    canvas.addEventListener("pointerleave", () => hover(-1));
    canvas.addEventListener("click", (event) => {
      const index = at(event);
      if (index < 0) return;
      this.cursor = index;
      choose(index);
    });
    canvas.addEventListener("blur", () => hover(-1));
    canvas.addEventListener("keydown", (event) => {
      const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      if (!this.layout) return;
      if (steps[event.key]) {
        this.cursor = neighbour(this.layout, this.cursor, ...steps[event.key]);
        hover(this.cursor);
      } else if (event.key === "Enter" || event.key === " ") {
        choose(this.cursor);
      } else {
        return;
      }
      event.preventDefault();
    });
  }

  /** Draw an array; `limit` is what the ends of the colour scale stand for. */
  show({ shape, data }, width, zoom, limit = limitOf(data)) {
    const layout = layoutOf(shape, width, zoom);
    this.layout = layout;
    this.array = tensor(shape, data);
    this.limit = limit;
    this.cursor = Math.min(this.cursor, data.length - 1);
    this.canvas.width = layout.width;
    this.canvas.height = layout.height;
    this.node.style.width = `${layout.width}px`;
    this.node.style.height = `${layout.height}px`;
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(layout.width, layout.height);
    fill(new Uint32Array(image.data.buffer), layout, data, painter(limit));
    context.putImageData(image, 0, 0);
    this.drawMarks();
  }

  /** Mark rectangles [x, y, width, height] of a kind: seen, hover or chosen. */
  mark(kind, boxes) {
    if (!boxes.length && !this.marks[kind].length) return;
    this.marks[kind] = boxes;
    this.drawMarks();
  }

  markIndex(kind, index) {
    this.mark(kind, index >= 0 && this.layout ? [boxOf(this.layout, index)] : []);
  }

  drawMarks() {
    const { layout, above } = this;
    if (!layout) return;
    const anything = layout.labelled || Object.values(this.marks).some((boxes) => boxes.length);
    above.hidden = !anything;
    if (!anything) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    above.width = layout.width * ratio;
    above.height = layout.height * ratio;
    above.style.width = `${layout.width}px`;
    above.style.height = `${layout.height}px`;
    const context = above.getContext("2d");
    context.scale(ratio, ratio);
    if (layout.labelled) this.write(context);
    const dark = isDark();
    const [ink, paper] = dark ? ["#fff", "#000"] : ["#000", "#fff"];
    outline(context, this.marks.seen, [paper, ink]);
    outline(context, this.marks.hover, [paper, ink]);
    outline(context, this.marks.chosen, [paper, dark ? "#ff7ad9" : "#b0007a"], 3);
  }

  write(context) {
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    this.array.data.forEach((value, index) => {
      const [x, y, width, height] = boxOf(this.layout, index);
      context.fillStyle = styleOf(value, this.limit).color;
      context.fillText(brief(value), x + width / 2, y + height / 2, width - 2);
    });
  }
}

function fill(pixels, layout, data, colorOf) {
  const { width, cell, rows, columns, count, shape } = layout;
  const flat = strides(shape);
  for (let tile = 0; tile < count; tile++) {
    const [left, top] = layout.corner(tile);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const place = layout.place(tile, r, c);
        let index = 0;
        for (let axis = 0; axis < place.length; axis++) index += place[axis] * flat[axis];
        const color = colorOf(data[index]);
        const from = (top + r * cell) * width + left + c * cell;
        for (let y = 0; y < cell; y++) pixels.fill(color, from + y * width, from + y * width + cell);
      }
    }
  }
}

function strides(shape) {
  const steps = new Array(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) steps[axis] = steps[axis + 1] * shape[axis + 1];
  return steps;
}

function outline(context, boxes, [around, inside], width = 2) {
  for (const [x, y, w, h] of boxes) {
    context.lineWidth = width + 2;
    context.strokeStyle = around;
    context.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1);
    context.lineWidth = width;
    context.strokeStyle = inside;
    context.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1);
  }
}
