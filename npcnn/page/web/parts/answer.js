// The network's answer: a bar for each class.
import { element } from "./dom.js";
import { brief } from "../draw/picture.js";
import { listed, say, withColon } from "./words.js";

const MOST = 10; // classes
const TOLD = 4; // numbers of a target

export class Answer {
  constructor(app) {
    this.app = app;
    this.node = element("section", { className: "answer", "aria-label": say("answer") });
    app.listen((what) => { if (what === "numbers") this.draw(); });
  }

  draw() {
    const { app } = this;
    const [output] = app.pass.outputs;
    if (!output || output.shape.length !== 1) {
      this.node.replaceChildren(element("p", { className: "note" },
        say(output ? "the answer is the last card" : "no answer here")));
      return;
    }
    const places = [...output.data.keys()];
    const shown = output.data.length <= MOST
      ? places
      : places.sort((a, b) => output.data[b] - output.data[a]).slice(0, MOST);
    const most = Math.max(...output.data.map(Math.abs), 1e-30);
    const shares = output.data.every((v) => v >= 0 && v <= 1.0001);
    const rows = shown.map((place) => {
      const value = output.data[place];
      const width = Math.max(0, Math.min(1, value / (shares ? 1 : most)));
      const own = output.data.length === 1 ? app.classes - 1 : place; // one unit speaks of class 1
      const classes = ["bar", own === app.answer ? "best" : "", own === app.target ? "true" : ""];
      return element("button", {
        type: "button", className: classes.join(" "), "data-class": place,
        "aria-label": withColon(own < 0 ? say("output") : `${say("class")} ${app.nameOfClass(own)}`, brief(value)),
        onclick: () => app.choose({ value: app.network.outputs[0], index: place }),
      },
      element("span", { className: "class" }, own < 0 ? "" : app.nameOfClass(own)),
      element("span", { className: "track" }, element("span", { style: { width: `${100 * width}%` } })),
      element("span", { className: "number" }, brief(value)));
    });
    const rest = output.data.length - shown.length;
    const note = rest > 0 ? element("p", { className: "note" }, say("others are smaller", rest)) : null;
    this.node.classList.toggle("named", Boolean(app.network.description.class_names?.length));
    this.node.replaceChildren(element("h2", {}, say("answer")), ...rows, ...(note ? [note] : []), this.verdict());
  }

  /** Return what is to be said of the true class. */
  verdict() {
    const { app } = this;
    if (app.target === null) return "";
    const loss = app.loss === null ? "" : ` · ${say("loss")} ${brief(app.loss)}`;
    if (typeof app.target !== "number" || !app.classes) {
      const wanted = [app.target].flat();
      const few = wanted.length <= TOLD ? withColon(say("target"), listed(wanted.map(brief))) : say("target");
      return element("p", { className: "verdict" }, `${few}${loss}`);
    }
    const right = app.target === app.answer;
    return element("p", { className: `verdict ${right ? "right" : "wrong"}` },
      `${withColon(say("true class"), app.nameOfClass(app.target))} ${right ? "✓" : "✗"}${loss}`);
  }
}
