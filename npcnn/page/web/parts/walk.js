// The guided walk: stations from a pixel to the training, each of them an address to hand out.
import { argmax } from "../engine/tensor.js";
import { button, element, refill } from "./dom.js";
import { say } from "./words.js";

/** Return the value of the k-th call whose layer is of one of some kinds; -1 for none. */
function valueOf(app, kinds, k = 0) {
  const calls = app.network.calls.filter((call) => kinds.includes(call.layer.kind));
  return calls[k] ? calls[k].output : -1;
}

/** Return the place of a value where it is largest, to be looked at; null without the value. */
function largest(app, value) {
  const array = value >= 0 ? app.pass.values[value] : null;
  return array ? { value, index: argmax(array.data) } : null;
}

/** Return the number of an activated layer that lies deepest below 0 before its relu. */
function rectified(app) {
  const call = app.network.calls.find((one) => one.layer.options.activation === "relu" && one.layer.parameters.kernel);
  const kept = call && app.pass.kept[call.place];
  if (!kept) return null;
  return { value: call.output, index: argmax(kept.z.data.map((value) => -value)) };
}

/** Return the weight of the first kernel with the largest gradient. */
function steepest(app) {
  const call = app.network.calls.find((one) => one.layer.parameters.kernel);
  const gradient = call && app.gradients?.byParameter[call.layer.place].kernel;
  if (!gradient) return null;
  return { value: call.output, parameter: "kernel", index: argmax(gradient.data.map(Math.abs)) };
}

/** Whether the answer comes out of an activation. */
function endsIn(app, activation) {
  return app.callOf(app.network.outputs[0])?.layer.options.activation === activation;
}

const CONVOLUTIONS = ["Conv2D", "DepthwiseConv2D"];

// What each station looks at (null: this network has none), and what the cards and tabs show.
const STATIONS = [
  { name: "pixels", look: (app) => (app.shapes[0].length === 3 ? largest(app, 0) : null) },
  { name: "window", look: (app) => largest(app, valueOf(app, CONVOLUTIONS)) },
  { name: "filters", look: (app) => largest(app, valueOf(app, CONVOLUTIONS)), view: "kernel", open: false },
  { name: "relu", look: rectified, view: "before" },
  { name: "depth", look: (app) => largest(app, valueOf(app, CONVOLUTIONS, 1)) },
  { name: "pooling", look: (app) => largest(app, valueOf(app, ["MaxPooling2D", "AveragePooling2D"])) },
  { name: "dense", look: (app) => largest(app, valueOf(app, ["Dense"])) },
  { name: "softmax", look: (app) => (endsIn(app, "softmax") ? largest(app, app.network.outputs[0]) : null) },
  { name: "backward", look: steepest, view: "gradient", tab: "picture" }, // of a weight: its own card shows those
  { name: "training", look: (app) => largest(app, app.network.outputs[0]), tab: "learn", open: false },
];

export class Walk {
  constructor(app, board, tools) {
    this.app = app;
    this.board = board;
    this.tools = tools;
    this.node = element("section", { className: "walk", "aria-label": say("walk"), "aria-live": "polite" });
    this.sized = new ResizeObserver(() => this.makeRoom());
    this.sized.observe(this.node);
    this.show();
  }

  remove() {
    this.sized.disconnect();
  }

  /** The stations that this network has, by number from 1. */
  get stations() {
    return this.app.ready ? STATIONS.filter((station) => station.look(this.app)) : [];
  }

  /** Go to a station; 0 ends the walk. */
  go(number) {
    const { app, board, tools, stations } = this;
    app.station = Math.min(Math.max(number, 0), stations.length);
    const station = stations[app.station - 1];
    this.show();
    this.makeRoom();
    if (station) {
      const found = station.look(app);
      app.close();
      board.setView(station.view ?? "output");
      tools.open(station.name === "training" ? this.trainingTab() : station.tab ?? "picture");
      if (found.parameter) board.cards[found.value].setView(`${station.view} ${found.parameter}`);
      if (station.open === false) app.changed("view");
      else app.choose(found);
      if (station.name === "training" && window.innerWidth < 1100) tools.bar.scrollIntoView();
      else board.show(found.value);
    } else {
      app.changed("view");
    }
  }

  /** Let what is scrolled to lie below the walk. */
  makeRoom() {
    const height = this.node.hidden ? 0 : this.node.offsetHeight;
    document.documentElement.style.setProperty("--walk", `${height}px`);
  }

  trainingTab() {
    return ["replay", "train", "learn"].find((tab) => this.tools.tabs[tab]);
  }

  told(name) {
    const colours = name === "pixels" && this.app.shapes[0][2] > 1;
    return colours ? "pixels (told, colours)" : `${name} (told)`;
  }

  show() {
    const { app } = this;
    const number = app.station ?? 0;
    this.node.hidden = number === 0;
    const { stations } = this;
    const station = stations[number - 1];
    if (!station) return;
    refill(this.node,
      element("h2", {}, `${number} / ${stations.length} · ${say(`${station.name} (station)`)}`),
      element("p", {}, say(this.told(station.name))),
      element("div", { className: "buttons" },
        button(`← ${say("previous (station)")}`, () => this.go(number - 1), { disabled: number === 1 }),
        button(`${say("next (station)")} →`, () => this.go(number + 1), { disabled: number === stations.length, className: "next" }),
        button("✕", () => this.go(0), { "aria-label": say("end the walk") })));
  }
}
