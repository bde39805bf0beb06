"""One training step: forward through the layers, the loss, back through the layers, the update.

`train_step` is the whole of learning. `npcnn/running.py` says on which samples, and how often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import interrupts, random, strangers, watched
from npcnn.backend import ops
from npcnn.before import Before
from npcnn.checks import ArgumentError, DtypeError, message
from npcnn.feeding.sources import parted
from npcnn.graph import Call, Graph
from npcnn.layers import regulated
from npcnn.objective import Objective
from npcnn.own_steps import scored
from npcnn.repeated import Repeated
from npcnn.variables import Answer
from npcnn.watched import Watched

if TYPE_CHECKING:
    from npcnn.data import Batches
    from npcnn.feeding.sources import Stream
    from npcnn.model import Model
    from npcnn.variables import Weight

Array = np.ndarray
Arrays = tuple[Array, ...]
Batch = tuple[Sequence[Array], Sequence[Array], Sequence[Array]]  # inputs, targets, weights


def train_step(
    model: Model, xs: Sequence[Array], ys: Sequence[Array], weights: Sequence[Array]
) -> tuple[list[Array], list[Array]]:
    """Learn from one batch; return each output's losses by row and the outputs, as before the step.

    Args:
        model: built and compiled.
        xs: one array (N, …) an input, in the model's dtype.
        ys: targets, one an output, checked by its loss.
        weights: one a row of an output.
    """
    with Before(model) as before:  # which is put back if anything fails
        outputs = forward(model.graph, xs, training=True, step=model.optimizer.clock)
        losses, gradients, penalties = scored(model, xs, ys, outputs, weights, True)
        backward(model.graph, gradients, penalties)
        if penalties:  # unless a `compute_loss` of the class's own left them out, or has them in
            losses = regulated.with_penalties(model.graph, losses, True)
        with interrupts.Deferred():
            update(model)
            before.passed = True
    return losses, outputs


def update(model: Model) -> None:
    """Move the parameters by their gradients, and hold them to their constraints."""
    if model.optimizer.applies_own:
        model.optimizer.apply_gradients([(_handed(model, w), w) for w in model.trainable_weights])
    else:
        model.optimizer.apply(model.segments())
    regulated.constrain(model.leaves)


def _handed(model: Model, weight: Weight) -> Array:
    """Return a gradient for a program to keep: a copy, of the scaled loss as in Keras."""
    gradient = vars(weight.layer)[f"grad_{weight.key}"].copy()
    if model.optimizer.loss_scale_factor is not None:  # `apply` with variables divides by it
        gradient *= model.optimizer.loss_scale_factor
    return gradient


def score_step(
    model: Model, xs: Sequence[Array], ys: Sequence[Array], weights: Sequence[Array]
) -> tuple[list[Array], list[Array]]:
    """Return each output's losses by row, and the outputs; nothing is learnt."""
    outputs = forward(model.graph, xs, keep=False, heads=True)
    losses, _, penalties = scored(model, xs, ys, outputs, weights, False)
    return regulated.with_penalties(model.graph, losses) if penalties else losses, outputs


def forward(
    graph: Graph, xs: Sequence[Array], training: bool | None = False, step: Any = None,
    keep: bool = True, heads: bool = False,
) -> list[Array]:  # fmt: skip
    """Return the outputs, call by call.

    Args:
        graph: a model's.
        xs: one array (N, …) an input.
        training: whether dropout drops, and so on; None lets each layer do what it does unasked.
        step: the number of the training step; without one, what is drawn is another each time.
        keep: whether a backward pass will follow.
        heads: whether the last layers keep what a loss may start from, even if no others do.
    """
    if step is None:
        step = random.moment(graph.moments) if graph.draws else 0
    values: list[Any] = [*xs, *(None for _ in graph.calls)]
    for _ in walk(graph, values, training, step, keep, heads):
        pass
    return [values[value] for value in graph.outputs]


def walk(
    graph: Graph, values: list[Any], training: bool | None = False, step: Any = 0,
    keep: bool = True, heads: bool = False,
) -> Iterator[tuple[Call, Array]]:  # fmt: skip
    """Make each call, and yield it with its output.

    A call in which the parts of a batch meet (a mean over all ranks, say) is yielded before it is
    made, too, with its input: whoever walks brings the parts together (`npcnn/distribution`).

    `values` holds the inputs, and None for what is to come; what nobody asks for any more is let
    go. The other arguments are those of `forward`.
    """
    for call in graph.calls:
        layer, given = call.layer, [values[value] for value in call.inputs]
        n = len(given[0])
        if call.strange:  # what it writes into is nobody else's
            given = [strangers.copied(array) for array in given]
        x = given if layer.merges else given[0]
        if layer.meets:
            layer.prepare(x)
            yield call, given[0]
        # the layer itself, unless it is called again, or with arguments of its own (`Call`)
        forward = layer.forward if call.again is None and call.given is None else call.forward
        y = forward(x, call.told(training), step, keep or (heads and call in graph.heads))
        layer.remember_output(y)
        y = crossing(call, "forward", y, n)
        if call.strange and call.again is not None:  # one memory may be all that it ever gives
            y = strangers.copied(y)
        values[call.output] = y
        yield call, values[call.output]
        for value in call.last_used:
            values[value] = None


def backward(graph: Graph, gradients: Sequence[tuple[Array, bool]], penalties: bool = True) -> None:
    """Write every layer's parameter gradients, from the losses' gradients back to the first.

    The arguments are those of `walk_back`.
    """
    for _ in walk_back(graph, gradients, penalties):
        pass


def walk_back(
    graph: Graph, gradients: Sequence[tuple[Array, bool]], penalties: bool = True
) -> Iterator[Call]:
    """Go back call by call, and yield each that parts of a batch meet in before it is made.

    Args:
        graph: after a forward pass.
        gradients: for each output, by it or by the logits that it was made from, and which.
        penalties: whether layers add the gradients of the penalties on their outputs.
    """
    values: list[Any] = [None for _ in graph.needed]
    logits, visited = set(), set[int]()
    for value, (gradient, by_logits) in zip(graph.outputs, gradients, strict=True):
        values[value] = _sum(values[value], gradient)
        logits |= {value} if by_logits else set()
    for call in reversed(graph.calls):
        gradient, values[call.output] = values[call.output], None
        if gradient is None or not graph.needed[call.output]:
            continue
        wanted = [graph.needed[value] for value in call.inputs]
        if call.strange:
            gradient = strangers.copied(gradient)
        if call.layer.meets:
            call.prepare_back(gradient, penalties)
            yield call
        grad_x = call.backward(gradient, any(wanted), call.output in logits, visited, penalties)
        if any(wanted):
            crossed = crossing_back(call, grad_x, len(gradient))
            for value, one, needed in zip(call.inputs, crossed, wanted, strict=True):
                values[value] = _sum(values[value], one) if needed else None


def _sum(one: Array | None, other: Array) -> Array:
    return other if one is None else ops.add(one, other)


def forward_and_back(
    graph: Graph, objective: Objective, batch: Batch, training: bool = True,
    step: Any = 0,
) -> tuple[list[Array], list[Array]]:  # fmt: skip
    """Go forward and back once, without an update; return losses by row, and outputs.

    Penalties are left out: what a layer's gradients are held against is the layer alone.
    For tools that look on (npcnn.inspection): the graph's layers may stand in for a model's own.
    """
    xs, ys, weights = batch
    outputs = forward(graph, xs, training, step)
    losses, gradients = objective.score(ys, outputs, weights, graph.heads)
    backward(graph, gradients, penalties=False)
    return losses, outputs


def crossing(call: Call, which: str, array: Any, n: int, place: int = -1) -> Array:
    """Return what a layer gave, if it is what its neighbour may be handed; or raise an error.

    Args:
        call: of any layer, of npcnn's own or not.
        which: 'forward' or 'backward'.
        array: what came back from it.
        n: the batch's size.
        place: of the shape in `call.shapes` that it must have.

    Raises:
        DtypeError: it is no plain array, or of another dtype than the layer.
        ArgumentError: its shape is not that of the layer's output, or input.
    """
    layer, shape = call.layer, call.shapes[place]
    if type(array) is Answer:  # what arithmetic with a parameter gives
        array = array.numpy()
    plain = type(array) is np.ndarray
    if plain and array.dtype == layer.dtype and array.shape == (n, *shape[1:]):
        return array
    where, wanted = f"{layer.label}.{which}()", f"{layer.dtype} of shape {(n, *shape[1:])}"
    fix = f"return {'the output' if which == 'forward' else 'the gradient by x'} in that form"
    if type(array) is Watched:  # while a step with a user's class is written down
        unwatched = crossing(call, which, watched.plain(array), n, place)
        return array if watched.listening() else unwatched
    if not plain:
        raise DtypeError(message(where, f"an array, {wanted}", type(array).__name__, fix))
    kind = ArgumentError if array.dtype == layer.dtype else DtypeError
    raise kind(message(where, wanted, f"{array.dtype} of shape {array.shape}", fix))


def crossing_back(call: Call, grad_x: Any, n: int) -> list[Array]:
    """Return the gradients by a layer's inputs in a list, checked like `crossing`."""
    if not call.layer.merges:
        return [crossing(call, "backward", grad_x, n, 0)]
    if not isinstance(grad_x, (list, tuple)) or len(grad_x) != len(call.inputs):
        where, got = f"{call.layer.label}.backward()", type(grad_x).__name__
        expected = f"a list of {len(call.inputs)} gradients"
        raise DtypeError(message(where, expected, got, "return one for each input"))
    return [crossing(call, "backward", one, n, k) for k, one in enumerate(grad_x)]


def train_on(model: Model, data: Batches | Stream) -> Repeated:
    """Return a step that learns from a data set: (*samples, *ys, *weights) → *losses, *outputs."""

    def step(*arrays: Array) -> Arrays:
        losses, outputs = train_step(model, *parted(arrays, data, len(model.graph.outputs)))
        return (*losses, *outputs)

    return Repeated(model, step, learns=True, known=data.known)


def score_on(model: Model, data: Batches | Stream) -> Repeated:
    """Return a step that only scores them: (*samples, *ys, *weights) → *losses, *outputs."""

    def step(*arrays: Array) -> Arrays:
        losses, outputs = score_step(model, *parted(arrays, data, len(model.graph.outputs)))
        return (*losses, *outputs)

    return Repeated(model, step, known=data.known)


def infer_on(model: Model, data: Batches | Stream) -> Repeated:
    """Return a step that gives their outputs: (*samples) → *outputs."""

    def step(*samples: Array) -> Arrays:
        return tuple(forward(model.graph, data.samples(samples), keep=False))

    return Repeated(model, step, known=data.known)
