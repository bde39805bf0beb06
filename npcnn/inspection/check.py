"""Holding a trace's gradients against derivatives, layer by layer and entry by entry.

By the chain rule the gradients of a whole network are right if the loss's gradient is, and if each
layer turns the gradient that the next one handed it into the right ones by its input and its
parameters. So each layer is held, by itself, against the derivative of its own forward pass, and a
mistake shows where it was made and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from npcnn.gradients.derivatives import Function, of_layer
from npcnn.gradients.table import GradientTable, Row
from npcnn.gradients.verdict import examine
from npcnn.layers.parts import learnt
from npcnn.spy import shadow_graph
from npcnn.tables import input_names, told_as
from npcnn.threads import single_threaded_blas

Array = np.ndarray


def check_trace(trace: Any, entries: int, seed: int, tolerance: float) -> GradientTable:
    """Do the trace's step again in float64 and hold its gradients against derivatives."""
    from npcnn.inspection.tracing import Trace

    graph = shadow_graph(trace.graph, "float64")
    for twin, original in zip(graph.layers, trace.graph.layers, strict=True):
        vars(twin)["_model_seed"] = original._model_seed
    xs, ys, weights = trace.batch
    batch = [x.astype("float64") for x in xs], ys, [w.astype("float64") for w in weights]
    state = [(one, name) for one in graph.owners for name in one.state_names]
    before = [vars(one)[name].copy() for one, name in state]
    fine = Trace(trace.model_name, trace.objective, batch, trace.training, graph, trace.step)
    for (one, name), array in zip(state, before, strict=True):  # as the step found it
        vars(one)[name][...] = array
    generator = np.random.default_rng(seed)
    rows: list[Row] = []
    with single_threaded_blas():
        for call, layer in zip(graph.calls, fine.layers, strict=True):
            rows += _of_call(fine, call, layer, (tolerance, entries, generator))
        for place, head in enumerate(graph.heads):
            if head is not None:
                function, upstream, by = _of_loss(fine, place, head)
                found = examine(function, 0, upstream, tolerance, entries, generator)
                rows.append(Row.of("loss", by, upstream, found, tolerance))
    return GradientTable(rows, tolerance)


def _of_call(fine: Any, call: Any, layer: Any, how: tuple[float, int, Any]) -> Iterator[Row]:
    """Yield a row for the gradient by each parameter and each input of a call."""
    wanted = _started_from(fine, call)
    upstream = layer["grad_pre_activation" if wanted else "grad_activation"]
    inputs = input_names(len(call.inputs))
    x = [layer[name] for name in inputs]
    call.layer.count_call(call.again or 0)
    given = x if call.layer.merges else x[0]
    training = call.told(fine.training)
    function = of_layer(call.layer, given, upstream, training, fine.step, wanted)
    names = [*inputs, *(told_as(name) for name, _, _ in learnt(call.layer))]
    own = dict(zip(names, function.backward(function.arrays), strict=True))
    for k in [*range(len(inputs), len(names)), *range(len(inputs))]:
        gradient = layer[f"grad_{names[k]}"] if f"grad_{names[k]}" in layer else own[names[k]]
        found = examine(function, k, gradient, how[0], how[1], how[2])
        kinks = call.layer.kinks(x if call.layer.merges else x[0]) if k == 0 else 0
        yield Row.of(layer.name, names[k], gradient, found, how[0], kinks)
    call.layer.count_call(0)


def _started_from(fine: Any, call: Any) -> tuple[str, ...]:
    """Return the activations that a call's loss starts in front of; () without one."""
    for place in fine.leapt:
        if fine.graph.heads[place] is call:
            return fine.objective.losses[place].logits_of
    return ()


def _of_loss(fine: Any, place: int, head: Any) -> tuple[Function, Array, str]:
    """Return an output's mean loss as a function of its logits or of itself.

    And the gradient that the trace has for it, and which of the two that is by.
    """
    loss, y, weights = fine.objective.losses[place], fine.batch[1][place], fine.batch[2][place]
    layer = fine.layers[fine.graph.calls.index(head)]
    wanted, share = _started_from(fine, head), fine.objective.weights[place]
    outputs = layer["activation"]
    targets = loss.targets(y, outputs.shape, outputs.dtype)
    activation = head.layer.activation if wanted else None
    scores = layer["pre_activation"] if wanted else outputs

    weights = loss.reduced(y, weights)

    def ask(scores: Array) -> tuple[Array, Array]:
        outputs = scores if activation is None else activation.forward(scores)
        logits = None if activation is None else scores
        rows, gradient = loss.losses_and_gradient(targets, outputs, logits, weights)
        return share * rows, share * gradient

    # With the classes moved on by one the answer is another: so large may the gradient be.
    elsewhere = ask(np.roll(scores, 1, axis=-1))[1]
    function = Function(
        lambda arrays: ask(arrays[0])[0],
        [np.array(scores)],
        np.full(weights.shape, 1 / weights.size),
        lambda arrays: [ask(arrays[0])[1]],
        [float(np.abs(elsewhere).max(initial=0.0))],
    )
    upstream = layer["grad_pre_activation" if wanted else "grad_activation"]
    return function, upstream, "logits" if wanted else "outputs"
