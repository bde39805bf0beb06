"""A training step in slow motion: one event for each thing that happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import random
from npcnn import training as training_module
from npcnn.arguments import AModel, Arrays, checked
from npcnn.layers import Layer
from npcnn.layers.regulated import charged
from npcnn.layers.seen import Seen, activation_of
from npcnn.spy import one_batch, shadow_graph, watched
from npcnn.symbolic import leaves_of
from npcnn.tables import number, told_as
from npcnn.threads import single_threaded_blas

if TYPE_CHECKING:
    from npcnn.graph import Graph
    from npcnn.model import Model

Array = np.ndarray


@dataclass(frozen=True)
class Event:
    """One thing that happens in a training step.

    Attributes:
        phase: 'forward', 'loss', 'backward' or 'update'.
        layer: the layer's name; '' where the whole network is meant.
        op: what is called, as in npcnn/reference: 'conv2d', 'conv2d_backward', 'adam', …
        before, after: name → array: what went in, what came out.
        text: one sentence that says what happened, with the shapes in it.
    """

    phase: str
    layer: str
    op: str
    before: dict[str, Array] = field(repr=False)
    after: dict[str, Array] = field(repr=False)
    text: str = ""

    def __str__(self) -> str:
        return f"{self.phase:<8} {self.layer or '–':<16} {self.text}"

    __repr__ = __str__


@checked
def step_through(
    model: AModel, x: Arrays, y: Arrays | None, training: bool = True, update: bool = True,
    sample_weight: Any = None,
) -> Iterator[Event]:  # fmt: skip
    """Take one training step in slow motion, and yield an event for each thing that happens.

    Forward layer by layer, the loss, backward layer by layer, the update. It is the step that
    `train_on_batch` would take, to the bit. The model stays as it is until the last event, the
    update, has been asked for; stop before it and nothing has happened.

    Args:
        model: built and compiled.
        x: samples (N, …).
        y: their targets.
        training: False to leave dropout out.
        update: False to leave the model as it is.
        sample_weight: one a sample, or None.

    Raises:
        StateError, ArgumentError, DtypeError: as `npcnn.trace`, at the first event.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> for event in step_through(model, np.eye(4), [0, 1, 2, 0]):
    ...     print(event.phase, event.layer, event.op)
    forward dense dense + softmax
    loss  categorical_crossentropy_from_logits
    backward dense dense_backward
    update  sgd
    """
    xs, ys, weights = one_batch(model, x, y, sample_weight, "step_through")
    graph, spies = watched(shadow_graph(model.graph), strict=True)
    values: list[Any] = [*xs, *(None for _ in graph.calls)]
    steps = training_module.walk(graph, values, training, int(model.optimizer.clock))
    for _ in graph.calls:
        with single_threaded_blas():
            call, _ = next(steps)
        yield _forward_event(call.layer)
    outputs = [values[value] for value in graph.outputs]
    losses, gradients = model.objective.score(ys, outputs, weights, graph.heads)
    for k, loss in enumerate(model.objective.losses):
        head = graph.heads[k]
        logits = None if head is None else head.logits_of(loss.logits_of)
        yield _loss_event(loss.name, outputs[k], ys[k], logits, losses[k], gradients[k][0])
    with single_threaded_blas():
        training_module.backward(graph, gradients)
    for spy in reversed(spies):
        if spy.visited:
            yield _backward_event(spy)
    if update:
        yield _update(model, graph)


def _forward_event(spy: Any) -> Event:
    layer, arrays = spy.layer, spy.arrays
    x, y = arrays["input"], arrays["activation"]
    names = ("input", "mask", *map(told_as, layer.parameter_names))
    before = {name: arrays[name] for name in names if name in arrays}
    after = {name: arrays[name] for name in ("pre_activation", "activation") if name in arrays}
    op, function = _op(layer), activation_of(layer)
    if op and function != "linear":
        op += f" + {function}"
    text = f"{_shape(x)} → {_shape(y)}: {_what(layer, arrays)}"
    return Event("forward", str(layer.name), op or function, before, after, text)


def _op(layer: Layer) -> str:
    """Return the name of a layer's op; a class with a `call` may keep anything there."""
    return layer.op if isinstance(layer.op, str) else ""


def _what(layer: Layer, arrays: dict[str, Array]) -> str:
    """Return what a layer does, in words."""
    own = layer.description  # a class with a `call` may keep anything there
    told = own if callable(own) else partial(Seen.description, layer)
    function = activation_of(layer)
    return told(arrays) + ("" if function == "linear" else f", then {function}")


def _loss_event(
    name: str, outputs: Array, y: Array, logits: Array | None, losses: Array, gradient: Array
) -> Event:
    before = {"outputs": outputs, "targets": y}
    source, op = "outputs", name.removeprefix("sparse_")
    if logits is not None:
        before["logits"], source = logits, "logits"
        op += "_from_logits"
    text = (
        f"{_shape(outputs)} outputs against targets of {_shape(y)} → "
        f"loss {number(float(losses.mean()))}; "
        f"its gradient by the {source} is {_shape(gradient)}"
    )
    return Event("loss", "", op, before, {"losses": losses, "gradient": gradient}, text)


def _backward_event(spy: Any) -> Event:
    layer, arrays = spy.layer, spy.arrays
    key = "grad_activation" if "grad_activation" in arrays else "grad_pre_activation"
    own = [told_as(name) for name in layer.parameter_names]
    names = [f"grad_{name}" for name in own if f"grad_{name}" in arrays]
    after = {name: arrays[name] for name in (*names, "grad_input")}
    by = ["input", *own]
    parts = [f"{n} {_shape(arrays[f'grad_{n}'])}" for n in by if f"grad_{n}" in arrays]
    text = f"{_shape(arrays[key])} gradient → gradients by {', '.join(parts)}"
    op = _op(layer) or activation_of(layer, type(layer).__name__.lower())
    return Event("backward", str(layer.name), f"{op}_backward", {key: arrays[key]}, after, text)


def _update(model: Model, graph: Graph) -> Event:
    """Put the gradients into the model, let its optimizer take the step, and say what changed."""
    segments = model.segments()
    size = sum(place.stop - place.start for place, _, _ in segments)
    model.optimizer.lay_out(size, model.dtype, model.slot_weights)
    seed = random.current_seed()
    before: dict[str, Array] = {}
    after: dict[str, Array] = {}
    gradients: dict[str, Array] = {}
    model.set_seed(seed)
    calls = zip(model.graph.calls, graph.calls, strict=True)
    pairs = [(leaves_of(call.layer), leaves_of(spied.layer.layer)) for call, spied in calls]
    twins = {id(one): twin for own, copies in pairs for one, twin in zip(own, copies, strict=True)}
    for layer in model.leaves:
        twin = twins[id(layer)]
        for name in layer.state_names:  # running means, which the forward pass moved
            vars(layer)[name][...] = vars(twin)[name]
        for name, value, gradient in layer.parameters():
            gradient[...] = getattr(twin, f"grad_{name}")
            before[f"{layer.name}/{name}"] = value.copy()
            gradients[f"{layer.name}/grad_{name}"] = gradient.copy()
    charged(model.graph.owners, np.zeros(1, model.dtype), learning=True)
    training_module.update(model)
    for layer in model.leaves:
        after |= {f"{layer.name}/{name}": value.copy() for name, value, _ in layer.parameters()}
    moved = max((float(np.abs(after[k] - before[k]).max()) for k in after), default=0.0)
    size = sum(array.size for array in after.values())
    text = (
        f"{size:,} parameters move, the farthest by {number(moved)} "
        f"({model.optimizer.name}, learning rate {model.optimizer.learning_rate:g}, "
        f"step {int(model.optimizer.clock)})"
    )
    return Event("update", "", model.optimizer.name, {**before, **gradients}, after, text)


def _shape(array: Array) -> str:
    return "×".join(str(size) for size in array.shape)
