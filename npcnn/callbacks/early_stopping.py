"""Stopping when a number no longer gets better."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from npcnn.arguments import Count, Monitor, Verbose, checked
from npcnn.callbacks.base import Logs
from npcnn.callbacks.monitor import MonitorCallback
from npcnn.checks import NpcnnWarning
from npcnn.streams import say


class EarlyStopping(MonitorCallback):
    """Stop when a number has stopped getting better.

    An epoch that does not report the number is passed over, with a warning.

    Args:
        monitor: the name in the history, such as 'val_loss'.
        min_delta: less than this is no improvement.
        patience: how many epochs without one are borne.
        verbose: 1 to say when it stops.
        mode: 'min', 'max', or 'auto': losses and errors down, accuracies up.
        baseline: epochs that are no better than this count as no improvement.
        restore_best_weights: whether to go back to the best epoch's weights at the end.
        start_from_epoch: epochs before this one are not looked at.

    Raises:
        ArgumentError: when a run begins, if mode is 'auto' and nothing tells which way is better.

    >>> EarlyStopping("val_accuracy").better(0.9, 0.8)
    True
    """

    @checked
    def __init__(
        self,
        monitor: Monitor = "val_loss",
        min_delta: float = 0.0,
        patience: Count = 0,
        verbose: Verbose = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: Count = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.reset()

    def reset(self) -> None:
        """Forget every epoch seen."""
        self.wait, self.stopped_epoch, self.best_epoch = 0, 0, 0
        self.best = None
        self.best_weights: list[np.ndarray] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin anew."""
        self.reset()
        _ = self.upward  # an error now, not after an epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Count, and stop the run when patience is over."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            text = (
                f"Early stopping conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs or {})}"
            )
            warnings.warn(text, NpcnnWarning, stacklevel=2)
            return
        if epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.better(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Say that it stopped, and go back to the best weights, if asked for."""
        if self.verbose and self.stopped_epoch:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                text = "Restoring model weights from the end of the best epoch"
                say(f"{text}: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def get_state(self) -> dict[str, Any]:
        """Return the counters; best weights as well if they are to be restored."""
        names = ("wait", "stopped_epoch", "best_epoch", "best", "best_weights")
        return {name: getattr(self, name) for name in names}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on counting from these."""
        self.wait, self.stopped_epoch = int(state["wait"]), int(state["stopped_epoch"])
        self.best_epoch = int(state["best_epoch"])
        self.best = None if state["best"] is None else float(state["best"])
        kept = state["best_weights"]
        self.best_weights = None if kept is None else [np.asarray(array) for array in kept]
