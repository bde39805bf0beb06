"""Hooks into a run: what is called at its start and end, and around every epoch and step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.checks import ArgumentError, message, one_of

if TYPE_CHECKING:
    from npcnn.model import Sequential

Logs = dict[str, float]


class Callback:
    """Base: override what is of interest. `self.model` is the model, `self.params` the run's plan.

    logs holds the running means at the end of a step, and all curves at the end of an epoch. A
    callback ends the run by ``self.model.stop_training = True``.
    """

    model: Sequential
    params: dict[str, Any]

    def set_model(self, model: Sequential) -> None:
        """Take the model, before the run begins."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the plan of the run: epochs, steps, verbose."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Run before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Run after the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Run before an epoch; the first is 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Run after an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a step; the first of an epoch is 0."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a step."""

    def get_state(self) -> dict[str, Any]:
        """Return what must be in a checkpoint for this callback to go on as if never stopped."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_state` returned."""


class History(Callback):
    """The curves of a run: `history` maps each name to one number an epoch."""

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the epoch's numbers."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def get_state(self) -> dict[str, Any]:
        """Return the curves so far."""
        curves = {name: list(values) for name, values in self.history.items()}
        return {"epoch": list(self.epoch), "history": curves}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from these curves."""
        self.epoch = list(state["epoch"])
        self.history = {name: list(values) for name, values in state["history"].items()}


class EarlyStopping(Callback):
    """Stop when a number has stopped getting better.

    Args:
        monitor: the name in the history, such as 'val_loss'.
        min_delta: less than this is no improvement.
        patience: how many epochs without one are borne.
        mode: 'min', 'max', or 'auto': accuracies up, all else down.
        restore_best_weights: whether to go back to the best epoch's weights at the end.

    >>> EarlyStopping("val_accuracy").better(0.9, 0.8)
    True
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = False,
    ) -> None:
        self.monitor, self.patience = monitor, int(patience)
        self.min_delta = abs(float(min_delta))
        mode = one_of(mode, ("auto", "min", "max"), "EarlyStopping(mode)")
        self.upward = "acc" in monitor if mode == "auto" else mode == "max"
        self.restore_best_weights = restore_best_weights
        self.reset()

    def reset(self) -> None:
        """Forget every epoch seen."""
        self.wait, self.stopped_epoch, self.best_epoch = 0, 0, 0
        self.best = -np.inf if self.upward else np.inf
        self.best_weights: list[np.ndarray] | None = None

    def better(self, value: float, best: float) -> bool:
        """Whether value improves on best by more than min_delta."""
        gain = value - best if self.upward else best - value
        return bool(gain > self.min_delta)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin anew."""
        self.reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Count, and stop the run when patience is over."""
        if self.monitor not in (logs or {}):
            expected = f"one of {', '.join(logs or {})}"
            fix = "give validation data or monitor a name that the run reports"
            raise ArgumentError(
                message("EarlyStopping(monitor)", expected, repr(self.monitor), fix)
            )
        value = (logs or {})[self.monitor]
        if self.better(value, self.best):
            self.best, self.best_epoch, self.wait = value, epoch, 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Go back to the best weights, if asked for."""
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)

    def get_state(self) -> dict[str, Any]:
        """Return the counters; best weights as well if they are to be restored."""
        names = ("wait", "stopped_epoch", "best_epoch", "best", "best_weights")
        return {name: getattr(self, name) for name in names}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on counting from these."""
        for name, value in state.items():
            setattr(self, name, value)


class LambdaCallback(Callback):
    """A callback made of functions, each named after the hook it stands in for.

    >>> seen = []
    >>> LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch)).on_epoch_end(3, {})
    >>> seen
    [3]
    """

    def __init__(self, **hooks: Any) -> None:
        known = [name for name in dir(Callback) if name.startswith("on_")]
        for name, function in hooks.items():
            setattr(self, one_of(name, known, "LambdaCallback"), function)


def check_callbacks(callbacks: Any) -> list[Callback]:
    """Return the callbacks as a list, or raise ArgumentError."""
    given = [] if callbacks is None else callbacks
    listed = list(given) if isinstance(given, (list, tuple)) else [given]
    for callback in listed:
        if not isinstance(callback, Callback):
            fix = "derive it from npcnn.callbacks.Callback"
            got = repr(callback) if not isinstance(callback, type) else f"the class {callback}"
            raise ArgumentError(message("fit(callbacks)", "Callback objects", got, fix))
    return listed


def __getattr__(name: str) -> Any:
    """Import the callbacks that look inside a run when they are first asked for."""
    if name in ("Diagnostics", "Recorder"):
        from npcnn import inspection

        return getattr(inspection, name)
    raise AttributeError(f"module 'npcnn.callbacks' has no attribute {name!r}")
