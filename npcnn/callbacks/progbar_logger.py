"""A bar that a callback draws."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from npcnn.callbacks.base import Callback, Logs
from npcnn.callbacks.progbar import Progbar
from npcnn.streams import say


class ProgbarLogger(Callback):
    """Draws Keras's bar; for calls with ``verbose=0``, which draw none themselves.

    >>> ProgbarLogger().target
    """

    def __init__(self) -> None:
        self.verbose, self.epochs, self.target = 1, 1, None
        self.bar: Progbar | None = None
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the plan."""
        super().set_params(params)
        self.epochs, self.target = params["epochs"], params["steps"]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Leave evaluations to the epoch that they are of."""
        self._in_fit = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Be free for an evaluation."""
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin a bar."""
        if self.epochs > 1:
            say(f"Epoch {epoch + 1}/{self.epochs}")
        self._begin()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Draw it."""
        self._draw(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """End it."""
        self._end(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Begin a bar of an evaluation."""
        if not self._in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Draw it."""
        if not self._in_fit:
            self._draw(batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """End it."""
        if not self._in_fit:
            self._end(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Begin a bar of a prediction."""
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Draw it, without what was predicted."""
        self._draw(batch, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """End it."""
        self._end(None)

    def _begin(self) -> None:
        self.bar = Progbar(self.target, verbose=self.verbose, stateless_metrics=[])

    def _draw(self, batch: int, logs: Logs | None) -> None:
        if self.bar is not None:
            self.bar.update(batch + 1, _numbers(logs), finalize=False)

    def _end(self, logs: Logs | None) -> None:
        if self.bar is not None:
            self.bar.target = self.bar.target or self.bar.seen
            self.bar.update(self.bar.target, _numbers(logs), finalize=True)
        self.bar = None


def _numbers(logs: Logs | None) -> list[tuple[str, Any]]:
    """Return what of the logs a bar can show: a callback may put other things there, too."""
    every = (logs or {}).items()
    shown = (numbers.Real, np.ndarray, list)
    return [(str(name), value) for name, value in every if isinstance(value, shown)]
