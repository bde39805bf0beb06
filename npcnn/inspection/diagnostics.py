"""Warnings about runs that will come to nothing: a callback that looks every now and then."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from npcnn.arguments import PositiveInt, checked
from npcnn.callbacks import Callback, Logs
from npcnn.checks import NpcnnWarning
from npcnn.spy import rectifies
from npcnn.tables import norm

VANISHED = 1e-6  # root mean square of a layer's gradients, relative to the last layer's
NEAR = 0.02  # how near to ln(classes) the loss counts as guessing


class BatchLoss:
    """The loss of the last step alone, taken out of the run's mean."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def last(self, model: Any, logs: Logs) -> float:
        """Return it; call this after every step."""
        scores = None if model.run is None else model.run.scores
        if scores is None or not scores.count:
            return logs.get("loss", math.nan)
        if scores.count <= self.count:  # an epoch has begun
            self.total, self.count = 0.0, 0
        total, count = scores.total, scores.count
        loss = (total - self.total) / (count - self.count)
        self.total, self.count = total, count
        return loss


class Diagnostics(Callback):
    """Warn, once a run for each, when a run shows that it will not learn.

    * the gradients of a layer vanish: below a millionth of the last layer's;
    * all ReLUs of a filter or a unit's whole layer are dead: 0 in three looks one after the other;
    * the loss stays at ln(classes), what guessing gives: labels shuffled against images, say.

    What it looks at lies in the layers after a step anyway; a look every 100 steps costs nothing
    that can be measured.

    Args:
        every: steps from one look to the next.
        patience: after how many steps a loss at ln(classes) is reported.

    Warns:
        NpcnnWarning: each message once a run.

    >>> Diagnostics(every=50).every
    50
    """

    @checked
    def __init__(self, every: PositiveInt = 100, patience: PositiveInt = 300) -> None:
        self.every, self.patience = every, patience
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin anew."""
        self.steps = 0
        self.said: set[str] = set()
        self.faint: dict[str, int] = {}
        self.dead: dict[str, tuple[int, np.ndarray]] = {}
        self.losses: list[float] = []
        self.mean = BatchLoss()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Take note of the loss; look at the layers if it is time."""
        self.steps += 1
        self.losses.append(self.mean.last(self.model, logs or {}))
        del self.losses[: -self.patience]
        if self.steps % self.every == 0:
            self._look_at_gradients()
            self._look_at_relus()
        if self.steps % self.every == 0 or self.steps == self.patience:
            self._look_at_loss()

    def _say(self, topic: str, text: str) -> None:
        if topic not in self.said:
            self.said.add(topic)
            warnings.warn(f"step {self.steps}: {text}", NpcnnWarning, stacklevel=3)

    def _look_at_gradients(self) -> None:
        sizes = {}
        for layer in self.model.leaves:
            grads = [gradient.ravel() for _, _, gradient in layer.parameters()]
            if grads and layer.trainable:
                together = np.concatenate(grads)
                sizes[str(layer.name)] = norm(together) / math.sqrt(together.size)
        if len(sizes) < 2:
            return
        last = list(sizes.values())[-1]
        for name, size in sizes.items():
            self.faint[name] = self.faint.get(name, 0) + 1 if size <= VANISHED * last else 0
            if self.faint[name] >= 2:
                self._say(
                    "gradients",
                    f"the gradients of {name} vanish: {size:.1e} beside {last:.1e} in the last "
                    "layer; try relu instead of sigmoid or tanh, or smaller initial weights",
                )
                return

    def _look_at_relus(self) -> None:
        for layer in self.model.leaves:
            if not rectifies(layer):
                continue
            y: Any = layer.kept_output()
            silent = ~y.reshape(-1, y.shape[-1]).any(axis=0)
            looks, before = self.dead.get(str(layer.name), (0, silent))
            self.dead[str(layer.name)] = looks + 1, silent & before
            silent = silent & before
            whole = silent.any() if y.ndim == 4 else silent.all()  # some idle dense units are usual
            if looks + 1 >= 3 and whole:
                dead = np.flatnonzero(silent)
                which = ", ".join(str(i) for i in dead[:8]) + (", …" if len(dead) > 8 else "")
                what = "filter" if y.ndim == 4 else "unit"
                self._say(
                    f"relu {layer.name}",
                    f"all ReLUs of {len(dead)} of {len(silent)} {what}s of {layer.name} are dead "
                    f"({what} {which}): nothing can teach them any more; lower the learning rate "
                    "or scale the input",
                )

    def _look_at_loss(self) -> None:
        classes = self.model.output_shape[-1]
        if len(self.losses) < self.patience or classes < 2:
            return
        guess = math.log(classes)
        half = len(self.losses) // 2
        early, late = np.mean(self.losses[:half]), np.mean(self.losses[half:])
        if abs(late - guess) < NEAR * guess and early - late < NEAR * guess:
            self._say(
                "loss",
                f"the loss stays at {late:.3f}, and ln({classes}) = {guess:.3f} is what guessing "
                "gives; check that labels belong to their images, then the learning rate",
            )
