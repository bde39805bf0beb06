"""Does it learn at all? A network that cannot learn one batch by heart will learn nothing."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn import training
from npcnn.arguments import AModel, Arrays, NonNegative, checked
from npcnn.checks import positive_int
from npcnn.spy import Batch, one_batch, shadow_graph
from npcnn.threads import single_threaded_blas

if TYPE_CHECKING:
    from npcnn.model import Model

Array = np.ndarray
Steps = Annotated[int, partial(positive_int, most=1_000_000)]


@dataclass(frozen=True)
class OverfitReport:
    """What became of one batch learnt again and again.

    Attributes:
        learned: the verdict.
        losses: the loss before each step. accuracy: the share right at the end, without dropout.
        samples: how many there were.
        reason: one sentence.
    """

    learned: bool
    losses: list[float] = field(repr=False)
    accuracy: float
    samples: int
    reason: str

    def __bool__(self) -> bool:
        return self.learned

    def __str__(self) -> str:
        verdict = "it learns" if self.learned else "it does not learn"
        path = f"loss {self.losses[0]:.4g} → {self.losses[-1]:.4g}"
        return (
            f"{verdict}: {self.reason} ({self.samples} samples, {len(self.losses)} steps, {path}, "
            f"accuracy {self.accuracy:.0%})"
        )

    __repr__ = __str__


@checked
def overfit_one_batch(
    model: AModel, x: Arrays, y: Arrays | None, steps: Steps = 200, enough: NonNegative = 0.02
) -> OverfitReport:
    """Learn one batch by heart, on a copy of the model, and say whether that worked.

    A sound network with a sound learning rate gets there within some hundred steps. One that does
    not has a mistake that more data will not mend.

    Args:
        model: built and compiled; it stays as it is.
        x: some 10 to 60 samples.
        y: their targets.
        steps: how many to take at most.
        enough: the loss at which to stop early, if all answers are right.

    Raises:
        StateError, ArgumentError, DtypeError: as `npcnn.trace`.

    >>> from npcnn import Sequential, layers, set_random_seed
    >>> set_random_seed(0)
    >>> model = Sequential([layers.Input((4,)), layers.Dense(4, activation="softmax")])
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> bool(overfit_one_batch(model, 9 * np.eye(4), [0, 1, 2, 3], steps=300))
    True
    """
    batch = one_batch(model, x, y, None, "overfit_one_batch")
    twin = _twin(model)
    losses: list[float] = []
    with single_threaded_blas(), np.errstate(all="ignore"):
        for number in range(steps):
            rows = training.train_step(twin, *batch)[0]
            shares = zip([*model.objective.weights, 1.0], rows, strict=False)  # penalties last
            losses.append(float(sum(share * one.mean() for share, one in shares)))
            if not math.isfinite(losses[-1]):
                break
            if losses[-1] <= enough and number % 5 == 0 and _accuracy(twin, batch) == 1.0:
                break
        accuracy = _accuracy(twin, batch)
    learned, reason = _verdict(losses, accuracy, twin)
    return OverfitReport(learned, losses, accuracy, len(batch[0][0]), reason)


def _twin(model: Model) -> Model:
    """Return a copy with parameters, gradients and a fresh optimizer of its own."""
    twin = copy.copy(model)
    twin._graph = shadow_graph(model.graph)
    twin._layers, twin.in_weights = list(twin._graph.layers), None
    twin.optimizer = copy.copy(model.optimizer)
    twin.optimizer.slots, twin.optimizer.iterations = {}, 0
    size = sum(s.stop - s.start for s, _, _ in twin.segments())
    twin.optimizer.lay_out(size, twin.dtype, twin.slot_weights)
    return twin


def _accuracy(model: Model, batch: Batch) -> float:
    (outputs, *_), (y, *_) = training.forward(model.graph, batch[0], keep=False), batch[1]
    labels = y.argmax(axis=-1) if y.ndim == outputs.ndim else y
    return float((outputs.argmax(axis=-1) == labels).mean())


def _verdict(losses: list[float], accuracy: float, twin: Model) -> tuple[bool, str]:
    """Return whether it learnt, and a sentence that says why or why not."""
    first, last = losses[0], losses[-1]
    if not math.isfinite(last):
        step = len(losses)
        return False, f"the loss became {last} in step {step}; lower the learning rate"
    if accuracy == 1.0 and last < max(0.25 * first, 0.1):
        return True, "every sample of the batch is answered right"
    classes = twin.output_shape[-1]
    still = [layer.name for layer in twin.leaves if _no_gradient(layer)]
    if still:
        return False, f"no gradient arrives at {still[0]}; look for dead ReLUs (npcnn.trace)"
    if last > 0.7 * first and abs(last - math.log(classes)) < 0.15 * math.log(classes):
        return False, f"the loss stays at ln {classes}, that of guessing; scale the input to 0…1"
    if last > first:
        return False, "the loss rises; lower the learning rate"
    if last > 0.7 * first:
        return False, "the loss hardly falls; raise the learning rate or check the labels"
    return False, "it is on its way but not there; give it more steps or a larger learning rate"


def _no_gradient(layer: Any) -> bool:
    gradients = [gradient for _, _, gradient in layer.parameters()]
    return bool(gradients) and not any(gradient.any() for gradient in gradients)
