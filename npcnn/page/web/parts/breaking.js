// Broken on purpose: what the answer and the accuracy lose by it.
import { brief } from "../draw/picture.js";
import { button, element } from "./dom.js";
import { say } from "./words.js";

const SLIDERS = [ // name, least, most, step
  ["right", -10, 10, 1], ["down", -10, 10, 1], ["angle", -90, 90, 5], ["noise", 0, 1, 0.05],
  ["cover", 0, 16, 1],
];

export class Breaking {
  constructor(app) {
    this.app = app;
    this.sliders = {};
    const image = app.network.inputs[0].shape.length === 3;
    this.list = element("div", { className: "broken" });
    this.cost = element("p", { role: "status", className: "cost" });
    this.measure = button("", () => this.count());
    this.node = element("div", { className: "tool" },
      element("p", { className: "note" }, say("break said")),
      ...(image ? SLIDERS.map((slider) => this.slider(...slider)) : []),
      this.list,
      element("div", { className: "buttons" },
        button(say("mend all"), () => app.restore(), { className: "mend" }),
        app.hasAccuracy ? this.measure : null),
      this.cost);
    this.refresh();
  }

  slider(name, min, max, step) {
    const shown = element("output", {});
    const input = element("input", {
      type: "range", min, max, step, value: this.app.changes[name], "data-change": name,
      "aria-label": say(`${name} (change)`),
      oninput: () => { this.app.changes[name] = Number(input.value); this.app.compute(); },
    });
    this.sliders[name] = [input, shown];
    return element("label", { className: "slider" },
      element("span", {}, say(`${name} (change)`)), input, shown);
  }

  /** Show what is broken now. */
  refresh() {
    const { app } = this;
    const { chosen, changes } = app;
    if (changes.cover && chosen && chosen.value === 0 && !chosen.parameter) {
      const [, width, channels] = app.shapes[0];
      const row = Math.floor(chosen.index / width / channels);
      const column = Math.floor(chosen.index / channels) % width;
      if (changes.coverRow !== row || changes.coverColumn !== column) {
        Object.assign(changes, { coverRow: row, coverColumn: column });
        app.compute();
        return;
      }
    }
    for (const [name, [input, shown]] of Object.entries(this.sliders)) {
      input.value = changes[name];
      shown.textContent = brief(changes[name]);
    }
    const silenced = app.network.calls.flatMap((call) =>
      [...(call.silenced ?? [])].sort((a, b) => a - b).map((channel) => button(
        `${call.layer.name} · ${say("map")} ${channel} ✕`, () => app.toggleSilence(call, channel))));
    this.list.replaceChildren(...silenced, app.originals
      ? element("p", { className: "note" }, say("weights are changed")) : "");
    const count = app.samples?.count ?? 0;
    this.measure.textContent = say("measure accuracy", count);
    if (this.state !== this.stamp()) this.cost.textContent = "";
  }

  /** Return what tells one state of the breakage from another. */
  stamp() {
    const { app } = this;
    const silenced = app.network.calls.map((call) => [...(call.silenced ?? [])].sort());
    return JSON.stringify([app.changes, silenced, app.originals ? this.sums() : 0]);
  }

  sums() {
    return this.app.network.layers.map(({ parameters }) => Object.values(parameters).map(({ data }) =>
      data.reduce((sum, value, i) => sum + value * Math.cos(i), 0)));
  }

  /** Measure the accuracy on all samples, as they are broken now, and as they came. */
  async count() {
    const { app } = this;
    const { count } = app.samples;
    const stamp = this.stamp();
    this.state = stamp;
    const goesOn = (place) => {
      if (place % 20 === 19) this.cost.textContent = `${place + 1} / ${count}`;
      return stamp === this.stampNow(place);
    };
    const share = await app.accuracy(count, goesOn);
    if (share === null) return;
    const whole = app.untouched ? share : app.wholeAccuracy;
    if (app.untouched) app.wholeAccuracy = share;
    const percent = (value) => `${(100 * value).toFixed(1)} %`;
    this.cost.textContent = say("accuracy on", count).replace("%", percent(share)) +
      (whole === undefined || app.untouched ? "" : ` ${say("before it was broken", percent(whole))}`);
  }

  /** Look now and then whether it is still broken in the same way. */
  stampNow(place) {
    if (place % 20 === 19) this.seen = this.stamp();
    return place < 20 ? this.state : this.seen;
  }
}
