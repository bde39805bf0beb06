// What goes in: a digit that is drawn, a sample, a picture dropped or pasted; and how it was made
// into what the network was trained on.
import { button, choice, element } from "./dom.js";
import { stagesOf, stagesOfInk } from "./normalise.js";
import { greyOf, openPicture, openSquare } from "./opened.js";
import { Pad } from "./pad.js";
import { say, withColon } from "./words.js";

const STRIP = 12; // samples that are seen at once

export class Source {
  constructor(app) {
    this.app = app;
    const [input] = app.network.inputs;
    const images = app.network.inputs.length === 1 && input.shape.length === 3;
    this.grey = images && input.shape[2] === 1 && input.shape[0] === input.shape[1];
    this.colour = images && input.shape[2] === 3;
    this.stages = element("div", { className: "stages" });
    this.note = element("p", { className: "note", role: "status", hidden: true });
    this.pad = this.grey ? new Pad((ink) => this.drawn(ink)) : null;
    this.node = element("section", { className: "source-part", "aria-label": say("what goes in") },
      this.pad ? this.pad.node : null, this.stages, this.grey || this.colour ? this.dropper() : null,
      this.note, app.samples ? this.chooser() : null, app.canGoBack ? this.classes() : null);
    app.listen((what) => { if (what === "numbers") this.show(); });
  }

  /** Return the range that the network's inputs have. */
  get range() {
    if (this.app.samples) return this.app.samples.range;
    const rescales = this.app.network.layers.some((layer) => layer.kind === "Rescaling");
    return rescales ? [0, 255] : [0, 1];
  }

  tell(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  drawn(ink) {
    this.tell("");
    this.stages.replaceChildren();
    const side = this.app.network.inputs[0].shape[0];
    const stages = ink && stagesOfInk(ink, side, false);
    this.feed(stages ? stages.centred.data : new Float64Array(side * side), stages);
  }

  /** Let a picture of 0 to 255 go in. */
  feed(data, stages) {
    const [low, high] = this.range;
    this.app.useInput(Float64Array.from(data, (value) => low + (value / 255) * (high - low)));
    if (stages) this.showStages(stages);
  }

  showStages(stages) {
    const listed = Object.entries(stages).filter(([name]) => name !== "boxed");
    this.stages.replaceChildren(...listed.map(([name, picture]) => element("figure", {},
      thumbnail(picture), element("figcaption", {}, say(name)))));
    this.stages.title = say("range said");
  }

  dropper() {
    const file = element("input", {
      type: "file", accept: "image/*", hidden: true,
      onchange: () => { if (file.files[0]) this.open(file.files[0]); file.value = ""; },
    });
    const zone = element("div", { className: "drop" }, `${say("drop")} `,
      button(say("open a file"), () => file.click()), file);
    // Wherever on the page it is dropped: beside the zone, a browser would leave the page for it.
    this.heard = {
      dragover: (event) => { event.preventDefault(); zone.classList.add("over"); },
      dragleave: () => zone.classList.remove("over"),
      drop: (event) => {
        event.preventDefault();
        zone.classList.remove("over");
        if (event.dataTransfer.files[0]) this.open(event.dataTransfer.files[0]);
      },
      paste: (event) => {
        const pasted = [...(event.clipboardData?.files ?? [])][0];
        if (pasted) this.open(pasted);
      },
    };
    for (const [name, action] of Object.entries(this.heard)) document.addEventListener(name, action);
    return zone;
  }

  remove() {
    for (const [name, action] of Object.entries(this.heard ?? {})) document.removeEventListener(name, action);
  }

  async open(file) {
    const [rows, columns] = this.app.network.inputs[0].shape;
    try {
      if (this.colour) {
        const { pixels } = await openSquare(file, rows, columns);
        this.tell("");
        this.feed(pixels.filter((_, i) => i % 4 < 3), null);
        return;
      }
      const grey = greyOf(await openPicture(file));
      const stages = stagesOf(grey, rows);
      if (!stages) {
        this.tell(say("no ink"));
        return;
      }
      this.tell("");
      this.feed(stages.centred.data, { grey, ...stages });
    } catch {
      this.tell(say("no picture"));
    }
  }

  /** Return a strip of samples, and a way to all of them. */
  chooser() {
    const { samples } = this.app;
    this.strip = element("div", { className: "strip" });
    this.which = element("input", {
      type: "number", min: 0, max: samples.count - 1, value: 0, "aria-label": say("sample"),
      onchange: () => this.app.useSample(Math.floor(Number(this.which.value)) || 0),
    });
    const heading = element("h2", {}, samples.of > samples.count
      ? say("samples, the first of", samples.count)
      : say("samples"));
    const row = element("div", { className: "buttons" },
      button("←", () => this.step(-1), { "aria-label": say("previous") }), this.which,
      button("→", () => this.step(1), { "aria-label": say("next") }));
    return element("div", { className: "samples" }, heading, row, this.strip);
  }

  step(by) {
    this.app.useSample(Math.max(this.app.sample, 0) + by);
  }

  show() {
    if (this.classChoice && typeof (this.app.target ?? 0) === "number") {
      this.classChoice.value = String(this.app.target ?? "");
    }
    if (this.app.sample >= 0) {
      if (this.shown !== this.app.sample) this.pad?.clear(); // what was drawn is past
      this.stages.replaceChildren();
      this.which.value = this.app.sample;
    }
    this.shown = this.app.sample;
    if (this.app.samples) this.showStrip();
  }

  showStrip() {
    const { samples, sample } = this.app;
    const first = Math.max(0, Math.min(samples.count - STRIP, Math.max(sample, 0) - STRIP / 2));
    if (this.first === first) {
      for (const node of this.strip.children) {
        node.setAttribute("aria-pressed", String(Number(node.dataset.sample) === sample));
      }
      return;
    }
    this.first = first;
    const [array] = samples.inputs;
    const shape = array.shape.slice(1);
    const size = shape.reduce((a, b) => a * b, 1);
    const nodes = [];
    for (let place = first; place < Math.min(samples.count, first + STRIP); place++) {
      const data = array.data.subarray(place * size, (place + 1) * size);
      const target = samples.targets?.[place];
      const label = typeof target === "number"
        ? withColon(`${say("sample")} ${place}`, this.app.nameOfClass(target)) : `${say("sample")} ${place}`;
      nodes.push(button("", () => this.app.useSample(place), {
        className: "sample", "data-sample": place, "aria-pressed": String(place === sample),
        "aria-label": label, title: label,
      }));
      nodes[nodes.length - 1].append(shape.length === 3
        ? sampleImage(shape, data, samples.range) : element("span", {}, String(place)));
    }
    this.strip.replaceChildren(...nodes);
  }

  /** Return the choice of the true class. */
  classes() {
    const { classes } = this.app;
    const { targets } = this.app.samples ?? {};
    if (!classes || (targets && typeof targets[0] !== "number")) return null;
    const options = [["", say("(none)")], ...Array.from({ length: classes }, (_, i) => [String(i), this.app.nameOfClass(i)])];
    this.classChoice = choice(say("true class"), options, "", (value) =>
      this.app.setTarget(value === "" ? null : Number(value)));
    return element("label", { className: "true-class" }, `${say("true class")} `, this.classChoice);
  }
}

/** Return a small drawing of a grey picture, 0 black to 255 white. */
function thumbnail({ rows, columns, data }) {
  return drawn(rows, columns, (i) => [data[i], data[i], data[i]]);
}

function sampleImage([rows, columns, channels], data, [low, high]) {
  const level = (value) => (255 * (value - low)) / (high - low || 1);
  return drawn(rows, columns, (i) => [0, 1, 2].map((c) =>
    level(data[i * channels + Math.min(c, channels - 1)])));
}

function drawn(rows, columns, colour) {
  const canvas = element("canvas", { width: columns, height: rows, className: "thumbnail" });
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) image.data.set([...colour(i), 255], 4 * i);
  context.putImageData(image, 0, 0);
  return canvas;
}
