"""Holding a trace's gradients against derivatives, layer by layer and entry by entry.

By the chain rule the gradients of a whole network are right if the loss's gradient is, and if each
layer turns the gradient that the next one handed it into the right ones by its input and its
parameters. So each layer is held, by itself, against the derivative of its own forward pass, and a
mistake shows where it was made and nowhere else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.gradients.derivatives import Function, of_layer
from npcnn.gradients.table import GradientTable, Row
from npcnn.gradients.verdict import examine
from npcnn.inspection.spy import shadows
from npcnn.threads import single_threaded_blas

Array = np.ndarray


def check_trace(trace: Any, entries: int, seed: int, tolerance: float) -> GradientTable:
    """Do the trace's step again in float64 and hold its gradients against derivatives."""
    from npcnn.inspection.tracing import Trace

    twins = shadows(trace.twins, "float64")
    for twin, original in zip(twins, trace.twins, strict=True):
        twin.seed = original.seed
    batch = trace.x.astype("float64"), trace.y, trace.weights.astype("float64")
    fine = Trace(trace.model_name, trace.loss_function, batch, trace.training, twins, trace.step)
    generator = np.random.default_rng(seed)
    rows = []
    with single_threaded_blas():
        last = twins[-1]
        last.forward(fine[-1].input, fine.training, fine.step)
        wanted = trace.loss_function.logits_of
        logits = last.logits_of(wanted)
        by_logits = logits is not None
        upstream = fine[-1]["grad_pre_activation" if by_logits else "grad_activation"]
        for i, (layer, twin) in enumerate(zip(fine.layers, twins, strict=True)):
            is_last = i == len(twins) - 1
            handed = upstream if is_last else fine[i + 1].grad_input
            where = fine.training, fine.step, wanted if is_last and by_logits else ()
            function = of_layer(twin, layer.input, handed, *where)
            names = ["input", *(name for name, _, _ in twin.parameters())]
            for k in [*range(1, len(names)), 0]:
                gradient = layer[f"grad_{names[k]}"]
                found = examine(function, k, gradient, tolerance, entries, generator)
                kinks = twin.kinks(layer.input) if k == 0 else 0
                rows.append(Row.of(layer.name, names[k], gradient, found, tolerance, kinks))
        loss = _of_loss(fine, fine.outputs if logits is None else logits, last)
        found = examine(loss, 0, upstream, tolerance, entries, generator)
        rows.append(
            Row.of("loss", "logits" if by_logits else "outputs", upstream, found, tolerance)
        )
        last.forget()
    return GradientTable(rows, tolerance)


def _of_loss(trace: Any, scores: Array, last: Any) -> Function:
    """Return the mean loss as a function of the logits or of the outputs."""
    loss = trace.loss_function
    targets = loss.targets(trace.y, trace.outputs.shape, trace.outputs.dtype)
    activation = (
        getattr(last, "activation", None) if last.logits_of(loss.logits_of) is not None else None
    )

    weights = loss.reduced(trace.y, trace.weights)

    def ask(scores: Array) -> tuple[Array, Array]:
        outputs = scores if activation is None else activation.forward(scores)
        logits = None if activation is None else scores
        return loss.losses_and_gradient(targets, outputs, logits, weights)

    # With the classes moved on by one the answer is another: so large may the gradient be.
    elsewhere = ask(np.roll(scores, 1, axis=-1))[1]
    count = trace.losses.size
    return Function(
        lambda arrays: ask(arrays[0])[0],
        [np.array(scores)],
        np.full(trace.losses.shape, 1 / count),
        lambda arrays: [ask(arrays[0])[1]],
        [float(np.abs(elsewhere).max(initial=0.0))],
    )
