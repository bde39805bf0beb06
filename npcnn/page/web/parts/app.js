// What the page knows and what follows from it: the network, the picture that goes in, every number
// that comes of it, the one that is looked at. Parts listen, and draw themselves anew.
import { backward, canGoBack, forward, lossOf, update } from "../engine/passes.js";
import { NOTHING, alteredImage } from "./alter.js";
import { arrayOf } from "../engine/network.js";
import { argmax, sizeOf, tensor } from "../engine/tensor.js";
import { shapesOf } from "../draw/seen.js";

export class App {
  constructor(network, bytes) {
    this.network = network;
    this.bytes = bytes;
    this.described = network.layers.map((layer) => network.description.layers[layer.place]);
    this.line = null; // to the server, if there is one …
    this.rival = null; // … and to a second network beside the first
    this.shown = null; // whose weights the cards show
    this.shapes = shapesOf(network);
    this.samples = network.samples ? loaded(network.samples, bytes) : null;
    this.sample = -1; // which one goes in; -1 for a picture of one's own
    this.inputs = network.inputs.map(({ shape }) => tensor(shape));
    this.target = null;
    this.view = "output";
    this.station = 0; // of the guided walk; 0 is none
    this.zoom = 1;
    this.chosen = null; // { value, index } or { layer, parameter, index }
    this.trail = [];
    this.canGoBack = canGoBack(network);
    this.found = null; // the gradients, once somebody asked for them
    this.listeners = [];
    this.ready = false;
    this.changes = { ...NOTHING }; // of the picture: moved, turned, …
    this.originals = null; // the parameters as they came, once they were changed
    this.frame = -1; // of the recording, whose weights are in use
  }

  listen(listener) {
    this.listeners.push(listener);
  }

  /** Tell every part what changed: "numbers", "chosen", "view". */
  changed(what) {
    for (const listener of [...this.listeners]) listener(what);
  }

  /** Let a sample go in. */
  useSample(place) {
    const count = this.samples.count;
    this.sample = ((place % count) + count) % count;
    this.inputs = this.samples.inputs.map((array) => rowOf(array, this.sample));
    this.target = this.samples.targets?.[this.sample] ?? null;
    this.compute();
  }

  /** Let a picture of one's own go in: numbers for the first input. */
  useInput(data, target = null) {
    if (this.sample >= 0) this.target = null; // of the sample: what comes now is something else
    this.sample = -1;
    this.inputs = [tensor(this.network.inputs[0].shape, data), ...this.inputs.slice(1)];
    if (target !== null) this.target = target;
    this.compute();
  }

  /** How many classes the network tells apart: two by one unit that says yes or no; 0 for none. */
  get classes() {
    const shape = this.shapes[this.network.outputs[0]];
    if (shape.length !== 1) return 0;
    if (shape[0] > 1) return shape[0];
    return this.network.losses[0]?.name === "binary_crossentropy" ? 2 : 0;
  }

  /** Return what a class is called. */
  nameOfClass(place) {
    return this.network.description.class_names?.[place] ?? String(place);
  }

  /** Return the class that an output answers; -1 where it is no class. */
  answerOf({ data }) {
    if (!this.classes) return -1;
    if (data.length > 1) return argmax(data);
    return Number(data[0] > (this.network.losses[0].from_logits ? 0 : 0.5));
  }

  setTarget(target) {
    this.target = target;
    this.compute();
  }

  /** Compute everything anew. */
  compute() {
    this.ready = true;
    const plain = this.samples && this.sample >= 0 && this.untouched;
    const computed = plain ? this.samples.computedFor(this.sample) : {};
    this.pass = forward(this.network, this.altered(this.inputs), computed);
    const [output] = this.pass.outputs;
    this.answer = output ? this.answerOf(output) : -1;
    this.found = null;
    this.changed("numbers");
  }

  /** Whether picture and network are as they came. */
  get untouched() {
    const moved = Object.keys(NOTHING).some((name) => this.changes[name] !== NOTHING[name]);
    return !moved && !this.originals && !this.network.calls.some((call) => call.silenced?.size);
  }

  /** Return inputs as they were asked to be broken. */
  altered([first, ...rest]) {
    const range = this.samples?.range ?? [0, 1];
    return [first.shape.length === 3 ? alteredImage(first, this.changes, range) : first, ...rest];
  }

  /** Keep the parameters as they are now, unless that was done. */
  keepOriginals() {
    this.originals ??= this.network.layers.map(({ parameters }) =>
      Object.fromEntries(Object.entries(parameters).map(([name, { data }]) => [name, data.slice()])));
  }

  /** Put other numbers in place of parameters: for each layer name → numbers. */
  useParameters(arrays) {
    this.keepOriginals();
    this.network.layers.forEach(({ parameters }, place) => {
      for (const [name, data] of Object.entries(arrays[place])) parameters[name].data.set(data);
    });
    this.compute();
  }

  setWeight(layer, parameter, index, value) {
    this.keepOriginals();
    layer.parameters[parameter].data[index] = value;
    this.compute();
  }

  /** Make the parameters what they were, let all filters speak, and the picture be. */
  restore() {
    if (this.originals) {
      this.network.layers.forEach(({ parameters }, place) => {
        for (const name of Object.keys(parameters)) {
          parameters[name].data.set(this.originals[place][name]);
        }
      });
    }
    this.network.calls.forEach((call) => { call.silenced = new Set(); });
    this.changes = { ...NOTHING };
    this.originals = null;
    this.frame = -1;
    this.compute();
  }

  /** Let a channel of a call answer 0, or speak again. */
  toggleSilence(call, channel) {
    call.silenced ??= new Set();
    if (!call.silenced.delete(channel)) call.silenced.add(channel);
    this.compute();
  }

  /** Take one step of plain gradient descent on what goes in. */
  learn(rate) {
    const { gradients } = this;
    this.keepOriginals();
    update(this.network, gradients, rate);
    this.compute();
  }

  /** Return the share of samples that are answered rightly; null when asked to stop. */
  async accuracy(count, goesOn) {
    let right = 0;
    for (let place = 0; place < count; place++) {
      if (place % 20 === 19) await new Promise((done) => { setTimeout(done); });
      if (!goesOn(place)) return null;
      const inputs = this.samples.inputs.map((array) => rowOf(array, place));
      const [output] = forward(this.network, this.altered(inputs)).outputs;
      if (this.answerOf(output) === this.samples.targets[place]) right += 1;
    }
    return right / count;
  }

  /** Whether an accuracy can be measured. */
  get hasAccuracy() {
    return this.classes > 0 && typeof this.samples?.targets?.[0] === "number" &&
      this.network.calls.every((call) => call.room);
  }

  /** Whether the gradients can be asked for: the way back is known, and what is true. */
  get hasGradients() {
    if (!this.ready || !this.canGoBack || this.target === null) return false;
    return typeof this.target === "number" || this.target.length === sizeOf(this.pass.outputs[0].shape);
  }

  /** The gradients of the loss, computed when they are first asked for; null without. */
  get gradients() {
    if (!this.hasGradients) return null;
    this.found ??= backward(this.network, this.pass, this.target);
    return this.found;
  }

  /** Whether the way back begins before the activation of a value: softmax and loss are one. */
  leaps(value) {
    return this.hasGradients && value === this.network.outputs[0] &&
      lossOf(this.network, this.pass, this.target).byLogits;
  }

  /** The loss, or null. */
  get loss() {
    return this.hasGradients ? lossOf(this.network, this.pass, this.target).loss : null;
  }

  /** Return which calls cannot be computed here for what goes in now. */
  missing() {
    return this.network.calls.filter((call) => this.ready && !this.pass.kept[call.place]);
  }

  /** Look at a number; where one came from is kept on the trail. */
  choose(chosen) {
    if (this.chosen) this.trail.push(this.chosen);
    this.chosen = chosen;
    this.changed("chosen");
  }

  back() {
    this.chosen = this.trail.pop() ?? null;
    this.changed("chosen");
  }

  close() {
    this.chosen = null;
    this.trail = [];
    this.changed("chosen");
  }

  /** Return the call that gave a value; undefined for an input. */
  callOf(value) {
    return this.network.calls[value - this.network.inputs.length];
  }

  nameOf(value) {
    const call = this.callOf(value);
    if (!call) return this.network.inputs[value].name;
    const again = this.network.calls.filter((other) => other.layer === call.layer);
    return again.length > 1 ? `${call.layer.name}[${again.indexOf(call)}]` : call.layer.name;
  }
}

function rowOf(array, place) {
  const shape = array.shape.slice(1);
  const size = sizeOf(shape);
  return tensor(shape, array.data.subarray(place * size, (place + 1) * size));
}

function loaded(samples, bytes) {
  const computed = Object.entries(samples.computed).map(([call, where]) =>
    [call, arrayOf(bytes, where)]);
  return {
    ...samples,
    inputs: samples.inputs.map((where) => arrayOf(bytes, where)),
    computedFor: (place) => Object.fromEntries(computed
      .filter(([, array]) => place < array.shape[0])
      .map(([call, array]) => [call, rowOf(array, place)])),
  };
}
