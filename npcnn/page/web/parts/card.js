// A card for every input and every call: its name, what it does, its numbers as a picture.
import { gradientOf } from "../draw/colors.js";
import { Picture, brief } from "../draw/picture.js";
import { boxesOf } from "../draw/seen.js";
import { digits, limitOf } from "../engine/tensor.js";
import { choice, element } from "./dom.js";
import { describeLayer, say, shapeText, withColon } from "./words.js";

export class Card {
  /** @param rail the drawing of the graph beside it; @param hover called with (card, index, event) */
  constructor(app, value, rail, hover) {
    this.app = app;
    this.value = value;
    this.call = app.callOf(value);
    this.name = app.nameOf(value);
    this.view = app.view;
    this.region = undefined; // of the number that is looked at
    this.visible = false;
    this.stale = true;
    this.picture = new Picture({
      label: withColon(this.name, say("arrows move, Enter opens")),
      hover: (index, event) => hover(this, index, event),
      choose: (index) => this.choose(index),
    });
    this.legend = element("span", { className: "legend" });
    this.said = element("p", { className: "said", hidden: true });
    this.scroll = element("div", { className: "scroll" }, this.picture.node);
    this.views = element("span", { className: "views" });
    const kind = this.call ? describeLayer(this.call.layer) : say("input");
    this.node = element("section", {
      className: "card", "aria-label": this.name, "data-card": this.name,
    }, rail, element("div", { className: "body" },
      element("header", {},
        element("h3", {}, this.name), element("span", { className: "kind" }, kind),
        element("span", { className: "shape" }, shapeText(app.shapes[value])),
        this.views, this.legend),
      this.said, this.scroll));
  }

  /** Return view → [how to get the array, label]: what this card can show. */
  shown() {
    const { app, call, value } = this;
    const found = new Map();
    const put = (key, array, label) => { if (array) found.set(key, [() => array, label]); };
    const back = (key, get, label) => { if (app.hasGradients) found.set(key, [get, label]); };
    put("output", app.pass?.values[value], say(call ? "output" : "input"));
    if (call) {
      const kept = app.pass?.kept[call.place];
      const active = call.layer.options.activation;
      if (kept?.z && active && active !== "linear" && kept.z !== kept.y && call.layer.parameters.kernel) {
        put("before", kept.z, say("before the activation"));
      }
      for (const [name, array] of Object.entries(call.layer.parameters)) put(name, array, say(name));
    }
    const leapt = app.leaps(value);
    if (!leapt) back("gradient", () => app.gradients.byValue[value], say("gradient"));
    if (call?.layer.parameters.kernel || leapt) {
      back("gradient before", () => app.gradients.bySum[call.place],
        say("gradient before the activation"));
    }
    for (const name of Object.keys(call?.layer.parameters ?? {})) {
      if (name.startsWith("moving_")) continue;
      back(`gradient ${name}`, () => app.gradients.byParameter[call.layer.place][name],
        withColon(say("gradient"), say(name)));
    }
    return found;
  }

  /** Show another view; where this card lacks it, its output. */
  setView(view) {
    this.view = view;
    this.redraw();
  }

  /** Return what is shown now. */
  current(shown = this.shown()) {
    const wanted = this.view === "gradient" && !shown.has("gradient") ? "gradient before" : this.view;
    return shown.has(wanted) ? wanted : "output";
  }

  /** Draw again when the card is on the screen. */
  redraw() {
    this.stale = true;
    if (this.visible) this.draw();
  }

  draw() {
    this.stale = false;
    const shown = this.shown();
    const view = this.current(shown);
    const options = [...shown].map(([key, [, label]]) => [key, label]);
    this.views.replaceChildren(options.length > 1
      ? choice(withColon(this.name, say("what is shown")), options, view, (key) => this.setView(key))
      : "");
    const there = shown.get(view)?.[0]();
    this.scroll.hidden = !there;
    this.said.textContent = this.remark(there);
    this.said.hidden = !this.said.textContent;
    if (!there) return;
    this.picture.show(there, this.scroll.clientWidth, this.app.zoom);
    this.drawLegend(there);
    this.markChosen();
    this.markSeen(this.region);
  }

  /** Return what is to be said of the picture before one sees it: nothing, most often. */
  remark(array) {
    if (this.call && !this.call.room) return say(array ? "npcnn computed this" : "not computed here");
    if (!array) return say("not computed here");
    if (this.showsValue || !/kernel$/.test(this.current())) return "";
    const transposed = this.call.layer.kind === "Conv2DTranspose" ? " (transposed)" : "";
    if (array.shape.length === 4 && array.shape[2] > 1) return say(`rows are filters${transposed}`);
    return array.shape.length === 2 ? say("rows are units") : "";
  }

  drawLegend(array) {
    const limit = limitOf(array.data);
    const signed = array.data.some((value) => value < 0);
    this.legend.replaceChildren(
      element("span", {}, signed ? brief(-limit) : "0"),
      element("span", { className: "scale", style: { backgroundImage: gradientOf(signed) } }),
      element("span", {}, brief(limit)));
    this.legend.title = `${say("colours from")} ${signed ? digits(-limit) : 0} ${say("to")} ${digits(limit)}`;
  }

  choose(index) {
    const view = this.current();
    const parameter = view.replace(/^gradient /, "");
    if (this.call?.layer.parameters[parameter]) {
      this.app.choose({ value: this.value, parameter, index });
    } else {
      this.app.choose({ value: this.value, index });
    }
  }

  /** Mark the number that is looked at, if it is shown here. */
  markChosen() {
    const { chosen } = this.app;
    const view = this.current().replace(/^gradient ?/, "");
    const mine = chosen && chosen.value === this.value &&
      (chosen.parameter ? view === chosen.parameter : !this.call?.layer.parameters[view]);
    this.picture.markIndex("chosen", mine ? chosen.index : -1);
    this.node.classList.toggle("looked-at", Boolean(chosen && chosen.value === this.value));
  }

  /** Mark what the number that is looked at hangs on: a region of this value, or undefined. */
  markSeen(region) {
    this.region = region;
    this.node.classList.toggle("feeds", Boolean(region));
    this.picture.mark("seen", region && this.showsValue ? boxesOf(region, this.picture.layout) : []);
  }

  /** Whether the numbers of the value itself, or gradients by them, are shown. */
  get showsValue() {
    return !this.call?.layer.parameters[this.current().replace(/^gradient /, "")];
  }
}
