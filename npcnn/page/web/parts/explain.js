// The panel that takes one number apart: the sum that made it, and a way to each number in it.
import { styleOf } from "../draw/colors.js";
import { digits, limitOf, plus } from "../engine/tensor.js";
import { button, element, refill } from "./dom.js";
import { placeText, say, withColon } from "./words.js";

const FEW = 10; // terms of a long sum that are shown at first

export class Explain {
  constructor(app, board) {
    this.app = app;
    this.board = board;
    this.all = false;
    this.node = element("aside", {
      className: "explain", "aria-label": say("a number taken apart"), "aria-live": "polite",
    });
    app.listen((what) => {
      if (what === "chosen") this.all = false;
      if (what !== "view") this.draw(what === "chosen");
    });
    this.draw();
  }

  draw(moved = false) {
    const { app } = this;
    const { chosen } = app;
    this.node.classList.toggle("empty", !chosen);
    if (!chosen) {
      refill(this.node, element("h2", {}, say("a number taken apart")),
        element("p", { className: "note" }, say("click a number")));
      return;
    }
    const content = chosen.parameter ? this.weight(chosen) : this.number(chosen);
    refill(this.node, this.heading(), ...content);
    if (moved) this.node.scrollTop = 0;
  }

  heading() {
    const { app } = this;
    const { value, parameter, index } = app.chosen;
    const call = app.callOf(value);
    const shape = parameter ? call.layer.parameters[parameter].shape : app.shapes[value];
    const name = parameter ? `${app.nameOf(value)} · ${say(parameter)}` : app.nameOf(value);
    return element("header", {},
      element("div", { className: "buttons" },
        button(`← ${say("back")}`, () => app.back(), { className: "back", disabled: !app.trail.length }),
        button(say("show it"), () => this.board.show(value)),
        button("✕", () => app.close(), { "aria-label": say("close") })),
      this.path(),
      element("h2", {}, name),
      element("p", { className: "place" }, placeText(index, shape, parameter ? call.layer.kind : "")));
  }

  /** Return the numbers that one came by; null where one begins. */
  path() {
    const { app } = this;
    if (!app.trail.length) return null;
    const steps = [...app.trail, app.chosen].slice(-6);
    return element("p", { className: "path" }, steps.map(({ value }) => app.nameOf(value)).join(" › "));
  }

  /** Return the parts that explain a number. */
  number({ value, index }) {
    const { app } = this;
    const call = app.callOf(value);
    const array = app.pass.values[value];
    if (!array) return [element("p", { className: "note" }, say("not computed here"))];
    const own = element("p", { className: "value", "data-value": digits(array.data[index]) },
      digits(array.data[index]));
    const gradient = app.gradients?.byValue[value];
    const slope = gradient ? this.line("gradient of the loss by it", digits(gradient.data[index])) : null;
    if (!call) return [own, element("p", { className: "note" }, say("a pixel")), ...(slope ? [slope] : [])];
    if (!call.room) return [own, element("p", { className: "note" }, say("npcnn computed this"))];
    const xs = call.inputs.map((input) => app.pass.values[input]);
    const parts = call.room.explain(call.layer, xs, app.pass.kept[call.place], index);
    const silent = call.silenced?.has(index % array.shape[array.shape.length - 1]);
    return [own, ...(silent ? [element("p", { className: "note" }, say("silenced: 0"))] : []),
      ...parts.map((part) => this.part(part, call)), ...(slope ? [slope] : []),
      this.silencer(call, index)].filter(Boolean);
  }

  /** Return what is known of a weight. */
  weight({ value, parameter, index }) {
    const { app } = this;
    const call = app.callOf(value);
    const array = call.layer.parameters[parameter];
    const gradient = app.gradients?.byParameter[call.layer.place][parameter];
    const own = element("p", { className: "value", "data-value": digits(array.data[index]) },
      digits(array.data[index]));
    const slope = gradient ? [this.line("gradient of the loss by it", digits(gradient.data[index]))] : [];
    return [own, element("p", { className: "note" }, say("a weight")),
      this.setter(call.layer, parameter, index), ...slope, ...this.shares(call, parameter, index)];
  }

  /** Return a field that puts another number in a weight's place. */
  setter(layer, parameter, index) {
    const field = element("input", {
      type: "number", step: "any", value: digits(layer.parameters[parameter].data[index]), className: "setter",
      "aria-label": say("put another number here"),
      onchange: () => {
        if (field.value !== "") this.app.setWeight(layer, parameter, index, Number(field.value));
      },
    });
    return element("label", {}, `${say("put another number here")} `, field);
  }

  /** Return the places that a weight's gradient came from. */
  shares(call, parameter, index) {
    const gradZ = this.app.gradients?.bySum[call.place];
    if (!gradZ || !call.room.shares || !["kernel", "bias"].includes(parameter)) return [];
    const xs = call.inputs.map((input) => this.app.pass.values[input]);
    const terms = call.room.shares(call.layer, xs, gradZ, parameter, index);
    const total = terms.reduce((sum, term) => sum + term.product, 0);
    return [element("h3", {}, say("the places it came from")), this.terms({ terms, total }, call)];
  }

  /** Return a button that lets a map answer 0, or speak again. */
  silencer(call, index) {
    const shape = this.app.shapes[call.output];
    if (this.app.network.outputs.includes(call.output)) return null;
    const channel = index % shape[shape.length - 1];
    const silent = call.silenced?.has(channel);
    const word = shape.length === 3 ? "map" : "unit";
    return button(say(silent ? "let speak" : "silence", `${say(word)} ${channel}`),
      () => this.app.toggleSilence(call, channel), { className: "silencer" });
  }

  part(part, call) {
    if (part.part === "blocks") return this.blocks(part, call);
    if (part.part === "terms") return this.terms(part, call);
    if (part.part === "row") return this.row(part);
    if (part.part === "same") return this.source(part.source, call, say("it came from"));
    if (part.part === "sources") {
      return element("div", {}, ...part.terms.map((term) => this.source(term.source, call, "")));
    }
    return this.line(part.word, part.text);
  }

  line(word, text) {
    return element("p", { className: "line" },
      element("span", { className: "word" }, say(word)), element("code", {}, text));
  }

  go(call, [input, index]) {
    this.app.choose({ value: call.inputs[input], index });
  }

  /** Return a button that leads to a number before. */
  source([input, index], call, before) {
    const value = call.inputs[input];
    const array = this.app.pass.values[value];
    return button("", () => this.go(call, [input, index]), {
      className: "source", "data-source": `${value}:${index}`,
      innerText: withColon(
        `${before} ${this.app.nameOf(value)} · ${placeText(index, array.shape)}`.trim(),
        digits(array.data[index])),
    });
  }

  /** Return windows: in every cell value × weight = product, coloured by the product. */
  blocks({ blocks, sign }, call) {
    const cells = blocks.flatMap((block) => block.cells);
    const limit = limitOf(cells.map((cell) => cell.product ?? cell.value));
    const narrow = blocks[0].columns === 1 ? " narrow" : "";
    const name = this.app.nameOf(call.inputs[0]);
    return element("div", { className: `blocks${narrow}` }, ...blocks.map((block) => element("figure", {},
      element("figcaption", {}, `${name} · ${say("map")} ${block.channel}`),
      element("div", {
        className: "window", style: { gridTemplateColumns: `repeat(${block.columns}, minmax(max-content, 1fr))` },
      }, ...block.cells.map((cell) => this.cell(cell, sign, limit, call))))));
  }

  cell(cell, sign, limit, call) {
    const rows = [element("span", {}, cell.inside ? digits(cell.value) : `[${digits(cell.value)}]`)];
    if (sign) {
      rows.push(element("span", {}, `${sign} ${digits(cell.weight)}`),
        element("span", { className: "product" }, `= ${digits(cell.product)}`));
    }
    return element("button", {
      type: "button", className: `cell${cell.won ? " won" : ""}`, disabled: !cell.source,
      style: styleOf(cell.product ?? cell.value, limit),
      "data-source": cell.source ? `${call.inputs[cell.source[0]]}:${cell.source[1]}` : "",
      title: cell.inside ? "" : say("over the edge: counts 0"),
      onclick: () => this.go(call, cell.source),
    }, ...rows);
  }

  /** Return the largest terms of a long sum first, and a button for the rest. */
  terms({ terms, total }, call) {
    const sorted = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
    const listed = this.all ? sorted : sorted.slice(0, FEW);
    const limit = limitOf(sorted.map((term) => term.product));
    const origin = this.origin(call);
    const rows = listed.map((term) => element("button", {
      type: "button", className: "term", style: styleOf(term.product, limit), disabled: !term.source,
      "data-source": term.source ? `${call.inputs[0]}:${term.source[1]}` : "",
      onclick: () => this.go(call, term.source),
    },
    element("span", {}, term.source ? placeText(term.source[1], origin) : term.place.join(", ")),
    element("span", {}, `${digits(term.value)} × ${digits(term.weight)}`),
    element("span", { className: "product" }, `= ${digits(term.product)}`)));
    const rest = sorted.length - listed.length;
    const sum = listed.reduce((all, term) => all + term.product, 0);
    const more = rest > 0
      ? [this.line("shown, and the others", `${digits(sum)} ${plus(total - sum)}`),
        button(say("show all", sorted.length), () => { this.all = true; this.draw(); })]
      : [];
    return element("div", { className: "terms" }, ...rows, ...more);
  }

  /** Return the shape that a dense layer's inputs had before they were put in a row. */
  origin(call) {
    let value = call.inputs[0];
    for (let before = this.app.callOf(value); before; before = this.app.callOf(value)) {
      if (!["Flatten", "Identity", "Reshape"].includes(before.layer.kind)) break;
      [value] = before.inputs;
    }
    return this.app.shapes[value];
  }

  row({ values, at }) {
    const limit = limitOf(values);
    return element("div", { className: "row" }, ...values.map((value, place) => element("span", {
      className: place === at ? "here" : "", style: styleOf(value, limit), title: String(place),
    }, digits(value))));
  }
}
