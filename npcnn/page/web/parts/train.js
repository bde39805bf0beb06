// Training on the server, steered from here; what it learns is drawn as it comes.
import { arrayOf } from "../engine/network.js";
import { chartOf } from "../draw/chart.js";
import { brief } from "../draw/picture.js";
import { button, choice, element } from "./dom.js";
import { say, withColon } from "./words.js";

const OPTIMIZERS = ["sgd", "adam", "rmsprop", "adagrad", "nadam"];
const AGAIN = 1000; // milliseconds to the next try where the connection is lost

/** The connection to the server: it outlives the parts that are built anew. */
export class Line {
  constructor(app) {
    this.app = app;
    this.header = null;
    this.state = "connecting";
    this.connect();
  }

  connect() {
    const { host, search } = window.location;
    this.socket = new WebSocket(`ws://${host}/live${search}`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => { this.tell("connected"); this.ask({ do: "seen" }); };
    this.socket.onmessage = ({ data }) => this.heard(data);
    this.socket.onclose = () => {
      this.tell("not connected");
      setTimeout(() => this.connect(), AGAIN);
    };
  }

  tell(state) {
    this.state = state;
    this.app.changed("line");
  }

  ask(wish) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(wish));
  }

  heard(data) {
    if (typeof data === "string") {
      this.header = { ...this.header, ...JSON.parse(data) };
      this.app.changed("line");
      return;
    }
    const length = new DataView(data).getUint32(0, true);
    this.header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)).trim());
    this.use(data.slice(4 + length));
    requestAnimationFrame(() => this.ask({ do: "seen" }));
  }

  /** Let the network have the weights that came, and nothing that was broken before. */
  use(bytes) {
    const { app } = this;
    app.network.layers.forEach((layer, place) => {
      const described = app.described[place].parameters;
      for (const [name, where] of Object.entries(described)) {
        layer.parameters[name].data.set(arrayOf(bytes, where).data);
      }
    });
    app.originals = null;
    app.compute();
  }
}

export class Train {
  constructor(app) {
    this.app = app;
    this.line = app.line;
    this.said = element("p", { className: "said-step", role: "status" });
    this.chart = element("div", {});
    this.seed = this.number("seed", 1, { min: 0, step: 1 });
    this.rate = this.number("learning rate", 0.001, { min: 0, step: "any" }, "learning_rate");
    this.batch = this.number("batch size", 60, { min: 1, step: 1 }, "batch_size");
    this.dropout = this.number("dropout", 0.5, { min: 0, max: 0.99, step: "any" }, "dropout");
    this.optimizer = choice(say("optimizer"), OPTIMIZERS.map((name) => [name, name]), "adam", (name) =>
      this.line.ask({ do: "set", optimizer: name }));
    const labelled = (word, field) => element("label", { className: "field" }, element("span", {}, say(word)), field);
    this.dropoutLabel = labelled("dropout", this.dropout);
    this.node = element("div", { className: "tool" },
      element("div", { className: "buttons" },
        button(say("start"), () => this.line.ask({ do: "start" }), { "data-do": "start" }),
        button(say("pause"), () => this.line.ask({ do: "pause" }), { "data-do": "pause" }),
        button(say("one step"), () => this.line.ask({ do: "step" }), { "data-do": "step" }),
        button(say("one epoch"), () => this.line.ask({ do: "epochs", count: 1 }), { "data-do": "epoch" })),
      this.said, this.chart, labelled("learning rate", this.rate), labelled("batch size", this.batch),
      this.dropoutLabel, labelled("optimizer", this.optimizer),
      element("div", { className: "buttons" },
        button(say("start again, seed"), () => this.line.ask({ do: "again", seed: Number(this.seed.value) }),
          { "data-do": "again" }), this.seed));
    this.refresh();
  }

  number(word, value, limits, setting = "") {
    const field = element("input", {
      type: "number", value, ...limits, "aria-label": say(word),
      onchange: () => {
        if (setting && field.value !== "") this.line.ask({ do: "set", [setting]: Number(field.value) });
      },
    });
    return field;
  }

  refresh() {
    const { header, state } = this.line;
    if (!header?.settings) {
      this.said.textContent = header?.trouble ?? say(state);
      return;
    }
    const { numbers, settings } = header;
    const parts = [
      state === "connected" ? say(header.running ? "training" : "waits") : say(state),
      `${say("epoch")} ${header.epoch + 1}`,
      `${say("training step")} ${header.step} / ${header.steps}`,
      ...Object.entries(numbers).map(([name, value]) => `${name} ${brief(value)}`),
    ];
    this.said.textContent = parts.join(" · ");
    if (header.trouble) this.said.textContent += ` · ${header.trouble}`;
    if (header.waiting?.length) this.said.textContent += ` · ${withColon(say("from the next epoch"), header.waiting.join(", "))}`;
    for (const [field, name] of [[this.rate, "learning_rate"], [this.batch, "batch_size"], [this.dropout, "dropout"]]) {
      if (document.activeElement !== field && settings[name] !== null) field.value = settings[name];
    }
    this.optimizer.value = settings.optimizer;
    this.dropoutLabel.hidden = settings.dropout === null;
    this.drawCurve(header.curve);
  }

  drawCurve(curve) {
    if (curve.length < 2) {
      this.chart.replaceChildren();
      return;
    }
    const steps = curve.map(([step]) => step);
    const chart = chartOf(say("loss"), steps, { [say("loss")]: curve.map(([, loss]) => loss) }, true, brief);
    chart.moveTo(steps[steps.length - 1]);
    this.chart.replaceChildren(element("h2", {}, say("loss")), chart.svg);
  }
}
