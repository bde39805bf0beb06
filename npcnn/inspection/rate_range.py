"""Which learning rate? A short run on a copy, from too small a rate to too large a one."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np

from npcnn.arguments import AModel, AnAugmenter, Arrays, PositiveInt, checked
from npcnn.callbacks import Callback, Logs
from npcnn.checks import ArgumentError, message, positive, positive_int
from npcnn.inspection.diagnostics import BatchLoss

Rate = Annotated[float, partial(positive, fix="0.001 is Adam's")]
Steps = Annotated[int, partial(positive_int, most=100_000)]
SMOOTH = 0.9  # share of what the curve was that it keeps at each step
TOO_MUCH = 4.0  # times the least loss, at which to stop


@dataclass(frozen=True, repr=False)
class RateRange:
    """What a learning-rate range test found.

    Attributes:
        rates: of each step. losses: of each step, before it.
        smooth: the losses' running mean.
        steepest: the rate at which that falls fastest, a good one to begin with.
        largest: a tenth of the rate at which it is least: the largest that is safe.
    """

    rates: list[float]
    losses: list[float]
    smooth: list[float]
    steepest: float
    largest: float

    def __repr__(self) -> str:
        span = f"{self.rates[0]:.2g} to {self.rates[-1]:.2g}"
        return f"rates {span}: steepest at {self.steepest:.2g}, safe up to {self.largest:.2g}"


class _Ramp(Callback):
    """Raises the rate from step to step, and keeps each step's loss."""

    def __init__(self, rates: list[float]) -> None:
        self.rates, self.losses, self.smooth = rates, list[float](), list[float]()
        self.batch_loss, self.mean = BatchLoss(), 0.0

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self.model.optimizer.learning_rate = self.rates[len(self.losses)]

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = self.batch_loss.last(self.model, logs or {})
        self.losses.append(loss)
        self.mean = SMOOTH * self.mean + (1 - SMOOTH) * loss
        self.smooth.append(self.mean / (1 - SMOOTH ** len(self.losses)))
        done = len(self.losses) == len(self.rates)
        if done or not math.isfinite(loss) or self.smooth[-1] > TOO_MUCH * min(self.smooth):
            self.model.stop_training = True


@checked
def learning_rate_range(
    model: AModel, x: Arrays, y: Arrays, lowest: Rate = 1e-6, highest: Rate = 1.0,
    steps: Steps = 200, batch_size: PositiveInt = 32, augmenter: AnAugmenter | None = None,
) -> RateRange:  # fmt: skip
    """Learn for some steps on a copy of the model, each with a larger rate; return the losses.

    Rates grow from step to step by the same factor. The run stops where the loss is four times its
    least, or no number. `plots.rate_curve` draws what comes back.

    Args:
        model: built and compiled; it stays as it is.
        x: samples.
        y: their targets.
        lowest: the first rate.
        highest: the last.
        steps: how many rates.
        batch_size: samples a step.
        augmenter: as for `fit`.

    Raises:
        ArgumentError: the rates do not rise, or fewer than ten steps are asked for.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017.

    >>> from npcnn import Sequential, layers, set_random_seed
    >>> set_random_seed(0)
    >>> model = Sequential([layers.Input((4,)), layers.Dense(4, activation="softmax")])
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> found = learning_rate_range(model, np.eye(4), [0, 1, 2, 3], 0.001, 100.0, steps=60)
    >>> 0.1 < found.steepest < 100
    True
    """
    model._require_compiled("learning_rate_range(model)")
    if lowest >= highest or steps < 10:
        expected, got = "rates that rise, in 10 steps or more", f"{lowest} to {highest} in {steps}"
        raise ArgumentError(message("learning_rate_range", expected, got, "1e-6 to 1 in 200"))
    rates = np.geomspace(lowest, highest, steps).tolist()
    twin, ramp = copy.deepcopy(model), _Ramp(rates)
    twin.optimizer.learning_rate = lowest
    options: dict[str, Any] = {"callbacks": [ramp], "verbose": 0, "augmenter": augmenter}
    with np.errstate(all="ignore"):
        twin.fit(x, y, batch_size, epochs=steps, **options)
    losses, smooth = ramp.losses, ramp.smooth
    if not math.isfinite(losses[-1]):
        losses, smooth = losses[:-1], smooth[:-1]
    count = len(losses)
    if count < 3:
        fix = "begin with a smaller rate, or look for what makes it so"
        got = f"{count} finite losses"
        raise ArgumentError(message("learning_rate_range(lowest)", "three at least", got, fix))
    slope = np.gradient(np.array(smooth), np.log(rates[:count]))
    best = int(np.argmin(smooth))
    steepest = int(np.argmin(slope[: best + 1]))
    return RateRange(rates[:count], losses, smooth, rates[steepest], rates[best] / 10)
