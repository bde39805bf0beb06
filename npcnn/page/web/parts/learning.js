// One update in slow motion: forward, loss, backward, update; before and after.
import { brief } from "../draw/picture.js";
import { obstacleOf } from "../engine/passes.js";
import { digits } from "../engine/tensor.js";
import { button, element } from "./dom.js";
import { listed, say, withColon } from "./words.js";

const STAGES = ["forward", "loss", "backward", "update"];
const VIEWS = { forward: "output", loss: "output", backward: "gradient", update: "kernel" };

export class Learning {
  constructor(app, board) {
    this.app = app;
    this.board = board;
    this.stage = -1;
    this.before = null;
    this.rate = element("input", {
      type: "number", min: 0, step: "any", value: app.rate ?? 0.01, "aria-label": say("learning rate"),
      onchange: () => { app.rate = Number(this.rate.value); },
    });
    this.steps = element("ol", { className: "stages-list" });
    this.told = element("div", { role: "status" });
    this.next = button(say("next stage"), () => this.go());
    this.node = element("div", { className: "tool" },
      element("p", { className: "note" }, say("one update said")),
      element("label", {}, `${say("learning rate")} `, this.rate),
      this.steps,
      element("div", { className: "buttons" }, this.next,
        button(say("undo"), () => { this.stage = -1; this.before = null; app.restore(); })),
      this.told);
    this.show();
  }

  refresh() {
    this.show();
  }

  go() {
    const { app } = this;
    if (!app.hasGradients) {
      this.show();
      return;
    }
    this.stage = (this.stage + 1) % STAGES.length;
    const name = STAGES[this.stage];
    if (name === "forward") this.before = null;
    if (name === "update") {
      this.before = { loss: app.loss, share: this.share(), moves: this.moves() };
      this.after = null;
      app.learn(Number(this.rate.value) || 0);
      this.after = { loss: app.loss, share: this.share() };
    }
    this.board.setView(VIEWS[name]);
    const { calls, inputs } = app.network;
    if (name === "forward") this.board.show(0);
    if (name === "loss" || name === "backward") this.board.show(inputs.length + calls.length - 1);
    this.show();
  }

  /** Return the probability of the true class; null where the last layer gives none. */
  share() {
    const { target, pass: { outputs: [{ data }] }, network } = this.app;
    const { activation } = network.calls[network.calls.length - 1].layer.options;
    if (typeof target !== "number" || !["softmax", "sigmoid"].includes(activation)) return null;
    return data.length > 1 ? data[target] : target * data[0] + (1 - target) * (1 - data[0]);
  }

  /** Whether the loss is minus the logarithm of that probability. */
  get isLogarithm() {
    const { network: { losses: [loss], calls }, pass: { outputs: [output] } } = this.app;
    const { activation } = calls[calls.length - 1].layer.options;
    return output.data.length > 1
      ? activation === "softmax" && /categorical_crossentropy/.test(loss.name) && !loss.from_logits
      : activation === "sigmoid" && loss.name === "binary_crossentropy" && !loss.from_logits;
  }

  /** Return for each kernel how far it moves, relative to its length. */
  moves() {
    const { network, gradients } = this.app;
    const length = (data) => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));
    return network.layers.flatMap((layer, place) => {
      const gradient = gradients.byParameter[place].kernel;
      if (!gradient) return [];
      const size = length(gradient.data);
      const share = (Number(this.rate.value) * size) / length(layer.parameters.kernel.data);
      return [{ name: layer.name, size, share }];
    });
  }

  show() {
    const { app } = this;
    this.steps.replaceChildren(...STAGES.map((name, k) => element("li", {
      className: k === this.stage ? "now" : "", "aria-current": k === this.stage ? "step" : "false",
    }, say(name))));
    if (!app.hasGradients) {
      this.told.replaceChildren(element("p", { className: "note" },
        this.obstacle()));
      return;
    }
    const name = STAGES[this.stage];
    const lines = name ? [element("p", {}, say(`${name} said`))] : [];
    if (name === "loss") lines.push(...this.lossLines());
    if (name === "backward") lines.push(this.table());
    if (name === "update" && this.before) lines.push(...this.afterLines(), this.table(this.before.moves));
    this.told.replaceChildren(...lines);
  }

  /** Return why one cannot go backward. */
  obstacle() {
    const { app } = this;
    if (app.canGoBack) return say(app.classes ? "choose the true class" : "no target");
    const [what, names] = obstacleOf(app.network);
    return what ? withColon(say(`no way back: ${what}`), listed(names)) : say("no way back");
  }

  lossLines() {
    const share = this.share();
    const sum = element("code", {}, share !== null && this.isLogarithm
      ? `−log(${digits(share)}) = ${digits(this.app.loss)}`
      : digits(this.app.loss));
    return [element("p", { className: "loss-line" }, sum)];
  }

  afterLines() {
    const { before, after } = this;
    if (!after) return [];
    const pairs = [[say("loss"), before.loss, after.loss]];
    if (before.share !== null) pairs.push([say("the true class's share"), before.share, after.share]);
    return pairs.map(([word, was, now]) => element("p", { className: "moved" },
      withColon(word, ""), element("code", {}, `${digits(was)} → ${digits(now)}`)));
  }

  /** Return the sizes of the kernels' gradients, and of their moves. */
  table(moves = this.moves()) {
    const row = (tag, cells) => element("tr", {}, ...cells.map((cell) => element(tag, {}, cell)));
    return element("div", { className: "scroll" }, element("table", {},
      row("th", [say("layer"), say("size of the gradient"), say("moves by")]),
      ...moves.map(({ name, size, share }) => row("td", [name, brief(size), `${brief(100 * share)} %`]))));
  }
}
