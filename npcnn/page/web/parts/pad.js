// A sheet to draw a digit on, with mouse, finger or pen.
import { button, element, onceAFrame } from "./dom.js";
import { say } from "./words.js";

const SIDE = 196; // pixels of the sheet
const PEN = 15;

export class Pad {
  /** @param drawn called with the ink { rows, columns, data } while one draws, or null when clear */
  constructor(drawn) {
    this.canvas = element("canvas", {
      width: SIDE, height: SIDE, className: "pad", role: "img", "aria-label": say("draw a digit"),
    });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.last = null;
    this.tell = onceAFrame(() => drawn(this.ink()));
    this.hint = element("p", { className: "hint", "aria-hidden": "true" }, say("draw a digit"));
    this.node = element("div", { className: "sheet" }, this.canvas, this.hint,
      button(say("clear"), () => { this.clear(); drawn(null); }, { className: "clear" }));
    this.listen();
    this.clear();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      try { canvas.setPointerCapture(event.pointerId); } catch { /* a pointer that is no more */ }
      this.last = [event.offsetX, event.offsetY];
      this.stroke(event.offsetX, event.offsetY);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.last) return;
      const passed = event.getCoalescedEvents?.() ?? [];
      for (const one of passed.length ? passed : [event]) this.stroke(one.offsetX, one.offsetY);
    });
    const end = () => { this.last = null; };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
  }

  stroke(x, y) {
    const { context } = this;
    this.hint.hidden = true;
    const scale = SIDE / (this.canvas.clientWidth || SIDE);
    context.lineWidth = PEN;
    context.lineCap = "round";
    context.strokeStyle = "#000";
    context.beginPath();
    context.moveTo(this.last[0] * scale, this.last[1] * scale);
    context.lineTo(x * scale, y * scale);
    context.stroke();
    this.last = [x, y];
    this.tell();
  }

  clear() {
    this.hint.hidden = false;
    this.context.fillStyle = "#fff";
    this.context.fillRect(0, 0, SIDE, SIDE);
  }

  /** Return how much ink lies on every pixel, 0 to 255. */
  ink() {
    const { data } = this.context.getImageData(0, 0, SIDE, SIDE);
    const found = new Float64Array(SIDE * SIDE);
    for (let i = 0; i < found.length; i++) found[i] = 255 - data[4 * i];
    return { rows: SIDE, columns: SIDE, data: found };
  }
}
