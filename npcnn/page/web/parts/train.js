// Training on the server, steered from here; what it learns is drawn as it comes. One network, or two of
// different settings beside each other.
import { chartOf, dashOf } from "../draw/chart.js";
import { brief } from "../draw/picture.js";
import { button, choice, element } from "./dom.js";
import { Line } from "./line.js";
import { inBrackets, listed, say, withColon } from "./words.js";

const OPTIMIZERS = ["sgd", "adam", "rmsprop", "adagrad", "nadam"];
const NUMBERS = [ // word, setting, limits
  ["learning rate", "learning_rate", { min: 0, step: "any" }],
  ["batch size", "batch_size", { min: 1, step: 1 }],
  ["dropout", "dropout", { min: 0, max: 0.99, step: "any" }],
];

export class Train {
  constructor(app) {
    this.app = app;
    this.node = element("div", { className: "tool" });
    this.build();
  }

  /** The networks that are trained: one, or two. */
  get lines() {
    return [this.app.line, this.app.rival].filter(Boolean);
  }

  ask(wish) {
    for (const line of this.lines) line.ask(wish);
  }

  build() {
    const { app, lines } = this;
    this.said = element("p", { className: "said-step", role: "status" });
    this.chart = element("div", {});
    this.table = element("div", { className: "scroll" });
    this.seed = element("input", { type: "number", value: 1, min: 0, step: 1, "aria-label": say("seed") });
    this.fields = [];
    const start = (word, wish, name) => button(say(word), () => this.ask(wish), { "data-do": name });
    this.node.replaceChildren(
      element("div", { className: "buttons" },
        start("start", { do: "start" }, "start"), start("pause", { do: "pause" }, "pause"),
        start("one step", { do: "step" }, "step"), start("one epoch", { do: "epochs", count: 1 }, "epoch")),
      this.said, this.chart, this.table,
      ...NUMBERS.map(([word, setting, limits]) =>
        this.row(word, setting, (line) => this.number(line, word, setting, limits))),
      this.row("optimizer", "optimizer", (line) => this.optimizer(line)),
      element("div", { className: "buttons" },
        button(say("start again, seed"), () => this.ask({ do: "again", seed: Number(this.seed.value) }),
          { "data-do": "again" }), this.seed),
      lines.length > 1 ? this.chooser() : null,
      button(say(lines.length > 1 ? "one network only" : "a second network beside it"), () => this.toggle(),
        { "data-do": "beside" }));
    this.refresh();
  }

  /** Return a setting's row: a field for each network. */
  row(word, setting, make) {
    const fields = this.lines.map((line) => {
      const field = make(line);
      this.fields.push([line, setting, field]);
      return field;
    });
    const tag = fields.length > 1 ? "div" : "label";
    return element(tag, { className: fields.length > 1 ? "field pair" : "field", "data-setting": setting },
      element("span", {}, say(word)), ...fields);
  }

  /** Return how a field is called: with its network, if there are two. */
  named(line, word) {
    return this.lines.length > 1 ? `${say(word)} · ${line.name}` : say(word);
  }

  number(line, word, setting, limits) {
    const field = element("input", {
      type: "number", ...limits, "aria-label": this.named(line, word),
      onchange: () => {
        if (field.value !== "") line.ask({ do: "set", [setting]: Number(field.value) });
      },
    });
    return field;
  }

  optimizer(line) {
    return choice(this.named(line, "optimizer"), OPTIMIZERS.map((name) => [name, name]), "adam", (name) =>
      line.ask({ do: "set", optimizer: name }));
  }

  /** Return the choice whose weights the cards show. */
  chooser() {
    const { app } = this;
    this.shown = choice(say("the cards show"), this.lines.map(({ name }) => [name, `${say("network")} ${name}`]),
      app.shown.name, (name) => this.lines.find((line) => line.name === name).use());
    return element("label", { className: "field" }, element("span", {}, say("the cards show")), this.shown);
  }

  /** Put a second network beside the first, or let it go. */
  toggle() {
    const { app } = this;
    if (app.rival) {
      app.rival.end();
      app.rival = null;
      app.line.use();
    } else {
      app.rival = new Line(app, "B");
    }
    this.build();
  }

  refresh() {
    const { lines } = this;
    this.said.replaceChildren(...lines.map((line) =>
      element("span", { className: "of-network", "data-network": line.name }, this.status(line))));
    for (const [line, setting, field] of this.fields) {
      const value = line.header?.settings?.[setting];
      if (value === undefined || value === null || document.activeElement === field) continue;
      field.value = value;
    }
    const dropout = this.node.querySelector("[data-setting=dropout]");
    dropout.hidden = this.app.line.header?.settings?.dropout === null;
    this.drawCurves(lines.filter(({ header }) => header?.curve?.length > 1));
    this.table.replaceChildren(...(lines.length > 1 ? [this.compared()] : []));
  }

  /** Return in a line where a network's training is. */
  status({ header, state, name }) {
    const who = this.lines.length > 1 ? [name] : [];
    if (!header?.settings) return [...who, header?.trouble ?? say(state)].join(" · ");
    const numbers = this.lines.length > 1 ? [] : Object.entries(header.numbers);
    const parts = [
      ...who,
      say(state !== "connected" ? state : header.prepares ? "prepares" : header.running ? "training" : "waits"),
      `${say("epoch")} ${header.epoch + 1}`,
      `${say("training step")} ${header.step} / ${header.steps}`,
      ...numbers.map(([word, value]) => `${say(word)} ${brief(value)}`),
    ];
    if (header.trouble) parts.push(header.trouble);
    if (header.waiting?.length) {
      parts.push(withColon(say("from the next epoch"), listed(header.waiting.map((word) => say(word.replace("_", " "))))));
    }
    return parts.join(" · ");
  }

  /** Draw the losses: over steps, or over epochs where two networks may have other steps. */
  drawCurves(lines) {
    if (!lines.length) {
      this.chart.replaceChildren();
      return;
    }
    const two = this.lines.length > 1;
    const curves = Object.fromEntries(lines.map(({ name, header }) => [two ? name : say("loss"), {
      at: header.curve.map(([step]) => (two ? step / header.steps : step)),
      values: header.curve.map(([, loss]) => loss),
    }]));
    const places = Object.values(curves).flatMap(({ at }) => at);
    const ends = [Math.min(...places), Math.max(...places)];
    const chart = chartOf(say("loss"), ends, curves, true, brief);
    chart.moveTo(ends[1]);
    const keys = two ? lines.map(({ name }, k) => element("span", {}, dashOf(k), ` ${name}`)) : [];
    this.chart.replaceChildren(element("h2", {}, two ? `${say("loss")} / ${say("epoch")}` : say("loss")), chart.svg,
      element("p", { className: "note keys" }, ...keys));
  }

  /** Return a table of what both networks have reached, and of what they say of this picture. */
  compared() {
    const { lines } = this;
    const row = (tag, cells) => element("tr", {}, ...cells.map((cell) => element(tag, {}, cell)));
    const names = [...new Set(lines.flatMap(({ header }) => Object.keys(header?.numbers ?? {})))];
    const number = (value) => (value === undefined ? "–" : brief(value));
    const answers = lines.map((line) => {
      const found = line.answer();
      if (!found) return "–";
      const best = this.app.answerOf({ data: found });
      return best < 0 ? brief(found[0]) : `${this.app.nameOfClass(best)}${inBrackets(brief(found[found.length > 1 ? best : 0]))}`;
    });
    return element("table", { className: "compared" }, row("th", ["", ...lines.map(({ name }) => name)]),
      ...names.map((name) => row("td", [say(name), ...lines.map(({ header }) => number(header?.numbers?.[name]))])),
      row("td", [say("answer"), ...answers]));
  }
}
