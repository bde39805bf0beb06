// A recorded training replayed: weights, what they make of this picture, loss and gradients by step.
import { arrayOf } from "../engine/network.js";
import { sizeOf } from "../engine/tensor.js";
import { chartOf, dashOf } from "../draw/chart.js";
import { brief } from "../draw/picture.js";
import { button, element } from "./dom.js";
import { say } from "./words.js";

const PAUSE = 350; // milliseconds a frame
const MEASURED = 200; // samples that a frame's accuracy is measured on

export class Replay {
  constructor(app) {
    this.app = app;
    this.run = app.network.recording;
    this.timer = 0;
    const { kept, steps, losses } = this.run;
    this.slider = element("input", {
      type: "range", min: 0, max: kept.length - 1, step: 1, "aria-label": say("step of training"),
      value: app.frame >= 0 ? app.frame : kept.length - 1,
      oninput: () => this.go(Number(this.slider.value)),
    });
    this.play = button(say("play"), () => this.toggle());
    this.said = element("p", { className: "said-step", role: "status" });
    this.measured = element("p", { className: "note" });
    this.loss = chartOf(say("loss"), steps, { [say("loss")]: losses }, true, brief);
    const norms = this.kernelNorms();
    this.norms = chartOf(say("size of gradients"), steps, norms, true, brief);
    const names = Object.keys(norms).map((name, k) =>
      element("span", { className: "key" }, dashOf(k), ` ${name}`));
    this.node = element("div", { className: "tool" },
      element("div", { className: "buttons" }, this.play,
        button(say("the end"), () => { this.stop(); app.restore(); this.show(); })),
      this.slider, this.said, this.measured, element("h2", {}, say("loss")), this.loss.svg,
      element("h2", {}, say("size of gradients")), this.norms.svg,
      element("p", { className: "note keys" }, ...names),
      element("p", { className: "note" }, say("frames said", `${kept.length} / ${steps.length}`)));
    this.show();
  }

  kernelNorms() {
    const found = Object.entries(this.run.norms).filter(([name]) => /kernel$/.test(name));
    return Object.fromEntries(found.map(([name, values]) => [name.split("/")[0], values]));
  }

  remove() {
    this.stop();
  }

  toggle() {
    if (this.timer) {
      this.stop();
      return;
    }
    const last = this.run.kept.length - 1;
    if (Number(this.slider.value) === last) this.go(0);
    this.play.textContent = say("pause");
    this.timer = setInterval(() => {
      const next = Number(this.slider.value) + 1;
      if (next > last) this.stop();
      else this.go(next);
    }, PAUSE);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.play.textContent = say("play");
  }

  /** Use a frame's weights. */
  go(frame) {
    const { app, run } = this;
    app.keepOriginals();
    app.frame = frame;
    app.useParameters(run.weights.map((layer) => Object.fromEntries(
      Object.entries(layer).map(([name, where]) => [name, this.row(where, frame)]))));
    this.slider.value = frame;
    this.show();
  }

  row(where, frame) {
    const shape = where.shape.slice(1);
    return arrayOf(this.app.bytes, { ...where, at: where.at + 2 * frame * sizeOf(shape), shape }).data;
  }

  show() {
    const { app, run } = this;
    const frame = app.frame < 0 ? run.kept.length - 1 : app.frame;
    const place = run.kept[frame];
    this.slider.value = frame;
    this.loss.moveTo(run.steps[place]);
    this.norms.moveTo(run.steps[place]);
    const loss = run.losses[place];
    this.said.textContent = `${say("training step")} ${run.steps[place]} · ${say("epoch")} ${run.epochs[place] + 1}` +
      ` · ${say("loss")} ${loss === null ? "–" : brief(loss)}`;
    this.measure(frame);
  }

  /** Measure this frame's accuracy, unless one goes on before it is there. */
  async measure(frame) {
    const { app } = this;
    this.measured.textContent = "";
    if (!app.hasAccuracy) return;
    this.asked = {};
    const { asked } = this;
    await new Promise((done) => { setTimeout(done, 60); });
    const count = Math.min(app.samples.count, MEASURED);
    const share = asked === this.asked ? await app.accuracy(count, () => asked === this.asked) : null;
    if (share !== null) this.measured.textContent = say("accuracy on", count).replace("%", `${(100 * share).toFixed(1)} %`);
  }
}
