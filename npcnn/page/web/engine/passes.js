// Forward, loss, backward, update: a training step of one sample, as npcnn/training.py does it.
import { knowsLoss, scored } from "./losses.js";
import { tensor } from "./tensor.js";

/**
 * Return what every call kept, { y, z } each, in the order of the calls.
 * @param inputs one tensor an input of the network
 * @param computed what Python computed for this sample, by call; used where a call has no room
 */
export function forward(network, inputs, computed = {}) {
  const values = inputs.map(({ shape, data }) => tensor(shape, Float64Array.from(data))); // doubles from here on
  const kept = [];
  for (const call of network.calls) {
    const xs = call.inputs.map((value) => values[value]);
    let own = null;
    if (xs.every(Boolean) && call.room) own = call.room.forward(call.layer, xs, call.shape);
    else if (computed[call.place]) own = { y: computed[call.place] };
    // The same numbers may come in another shape: what moves them says nothing of it.
    if (own) own.y = tensor(call.shape, own.y.data);
    if (own && call.silenced?.size) silence(own.y, call.silenced);
    kept.push(own);
    values[call.output] = own?.y;
  }
  return { inputs, values, kept, outputs: network.outputs.map((value) => values[value]) };
}

/** Put 0 where a silenced channel answers, or where its gradient was. */
function silence({ shape, data }, channels) {
  const count = shape[shape.length - 1];
  for (let i = 0; i < data.length; i++) if (channels.has(i % count)) data[i] = 0;
}

/** Collects the gradients by the parameters of one layer. */
class Gradients {
  constructor(layer) {
    this.layer = layer;
    this.arrays = {};
  }

  add(name, array) {
    if (!this.layer.parameters[name]) return;
    const { shape } = this.layer.parameters[name];
    const there = this.arrays[name];
    this.arrays[name] = tensor(shape, there ? there.data.map((v, i) => v + array[i]) : array);
  }
}

/** Whether the page can go backward through a network: all its layers, and its loss. */
export function canGoBack(network) {
  return network.calls.every((call) => call.room) && network.outputs.length === 1 &&
    network.outputs[0] >= network.inputs.length && knowsLoss(network.losses[0]) &&
    !ofMaps(network);
}

/** Whether classes are told for each place of a map: what a target is has no room on this page. */
function ofMaps({ calls, losses }) {
  return calls[calls.length - 1].shape.length > 1 && /categorical/.test(losses[0]?.name);
}

/** Return what bars the way back: ["layer", names], ["loss", its name], or nothing. */
export function obstacleOf(network) {
  const unknown = network.calls.filter((call) => !call.room).map((call) => call.layer.name);
  if (unknown.length) return ["layer", unknown];
  const [loss] = network.losses;
  if (ofMaps(network)) return ["maps", [loss.name]];
  return !loss || knowsLoss(loss) ? [] : ["loss", [loss.name]];
}

/** Return { loss, gradient, byLogits }: the loss, and its gradient where the way back begins. */
export function lossOf(network, pass, target) {
  const last = network.calls[network.outputs[0] - network.inputs.length];
  return scored(network.losses[0], target, pass.kept[last.place], last.layer.options.activation);
}

/**
 * Return { loss, byValue, bySum, byParameter }: the gradients of the loss by each value, by what
 * each call's activation was applied to, and by the parameters of each layer.
 */
export function backward(network, pass, target) {
  const last = network.calls[network.outputs[0] - network.inputs.length];
  const start = lossOf(network, pass, target);
  const byValue = [];
  const bySum = [];
  const byParameter = network.layers.map((layer) => new Gradients(layer));
  if (!start.byLogits) byValue[last.output] = start.gradient;
  for (const call of [...network.calls].reverse()) {
    const byLogits = call === last && start.byLogits;
    const gradient = byLogits ? start.gradient : byValue[call.output];
    if (!gradient) continue;
    if (call.silenced?.size) silence(gradient, call.silenced);
    const xs = call.inputs.map((value) => pass.values[value]);
    const gradients = byParameter[call.layer.place];
    const found = call.room.backward(
      call.layer, xs, pass.kept[call.place], gradient, gradients, byLogits);
    bySum[call.place] = found.gradZ;
    call.inputs.forEach((value, k) => {
      const own = found.inputs[k];
      const there = byValue[value];
      const data = there ? there.data.map((v, i) => v + own.data[i]) : own.data;
      byValue[value] = tensor(pass.values[value].shape, data);
    });
  }
  return { loss: start.loss, byValue, bySum, byParameter: byParameter.map((g) => g.arrays) };
}

/** Move every parameter against its gradient: one step of plain gradient descent. */
export function update(network, gradients, rate) {
  network.layers.forEach((layer, place) => {
    for (const [name, gradient] of Object.entries(gradients.byParameter[place])) {
      const { data } = layer.parameters[name];
      for (let i = 0; i < data.length; i++) data[i] -= rate * gradient.data[i];
    }
  });
}
