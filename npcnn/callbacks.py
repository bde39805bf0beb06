"""Hooks into a run: what is called at its start and end, and around every epoch and step."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import names
from npcnn.arguments import Count, Monitor, Path, SaveFreq, Verbose, checked, function_of
from npcnn.checks import ArgumentError, FileError, message, one_of, shown

if TYPE_CHECKING:
    from npcnn.inspection import Diagnostics, Recorder
    from npcnn.model import Sequential

__all__ = [
    "Callback",
    "CallbackList",
    "Diagnostics",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "ModelCheckpoint",
    "Recorder",
]

Logs = dict[str, Any]
Hook = Callable[..., Any] | None


class Callback:
    """Base: override what is of interest. `self.model` is the model, `self.params` the run's plan.

    Every hook is given logs: the running means at the end of a step, all numbers at the end of an
    epoch, what the last epoch gave at the end of the run, and an empty dict before anything. What
    a callback adds to an epoch's logs is printed and kept in the history. A callback ends the run
    after this step by ``self.model.stop_training = True``; `stop_evaluating` and
    `stop_predicting` do so for `evaluate` and `predict`.
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
        """Run before a step; the first of an epoch is 0. Calls `on_batch_begin`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a step. Calls `on_batch_end`."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a step: the older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a step: the older name of `on_train_batch_end`."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Run before an evaluation, one within `fit` as well."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Run after an evaluation; logs holds its numbers."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a batch is evaluated."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a batch was evaluated; logs holds the running means."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Run before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Run after a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a batch is predicted."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a batch was predicted; ``logs["outputs"]`` holds its outputs."""

    def write_checkpoint(self) -> None:
        """Run when all callbacks have seen a step or an epoch end: what is saved now is whole."""

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
        verbose: 1 to say when it stops.
        mode: 'min', 'max', or 'auto': accuracies up, all else down.
        baseline: epochs that are no better than this count as no improvement.
        restore_best_weights: whether to go back to the best epoch's weights at the end.
        start_from_epoch: epochs before this one are not looked at.

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
        self.monitor, self.patience, self.min_delta = monitor, patience, abs(min_delta)
        self.verbose, self.baseline, self.start_from_epoch = verbose, baseline, start_from_epoch
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
        if epoch < self.start_from_epoch:
            return
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
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)

    def get_state(self) -> dict[str, Any]:
        """Return the counters; best weights as well if they are to be restored."""
        names = ("wait", "stopped_epoch", "best_epoch", "best", "best_weights")
        return {name: getattr(self, name) for name in names}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on counting from these."""
        self.wait, self.stopped_epoch = int(state["wait"]), int(state["stopped_epoch"])
        self.best_epoch, self.best = int(state["best_epoch"]), float(state["best"])
        kept = state["best_weights"]
        self.best_weights = None if kept is None else [np.asarray(array) for array in kept]


class ModelCheckpoint(Callback):
    """Write the model to a file, and with it where the run stands: `fit(resume_from=…)`.

    A file is replaced by a whole new one or not at all. Keras reads it as it reads any model.

    Args:
        filepath: ends in `.keras` or `.h5`; may hold {epoch}, {batch} and names of the history,
            as in "run-{epoch:02d}-{val_loss:.3f}.keras". Epochs and batches count from 1.
        monitor: the number that save_best_only goes by.
        verbose: 1 says when a file is written.
        save_best_only: write only when the number is better than ever before.
        save_weights_only: write weights alone, to `.weights.h5`; such files cannot be resumed.
        mode: 'min', 'max', or 'auto': accuracies up, all else down.
        save_freq: 'epoch', or how many steps from one file to the next.
        initial_value_threshold: what the first file must already be better than.

    Raises:
        ArgumentError: another extension, or the run reports no such number.
        FileError: a file cannot be written; the one of before is untouched.

    >>> ModelCheckpoint("run.keras", save_freq=100).get_state()["seen"]
    0
    """

    @checked
    def __init__(
        self,
        filepath: Path,
        monitor: Monitor = "val_loss",
        verbose: Verbose = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: SaveFreq = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        from npcnn import saving

        self.filepath, self.monitor, self.verbose = filepath, monitor, verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        if not save_weights_only:
            saving.extension(self.filepath, "ModelCheckpoint(filepath)")
        elif not self.filepath.endswith(saving.WEIGHTS):
            fix = "name the file so"
            expected = f"a name ending in {saving.WEIGHTS} with save_weights_only"
            got = shown(self.filepath)
            raise ArgumentError(message("ModelCheckpoint(filepath)", expected, got, fix))
        mode = one_of(mode, ("auto", "min", "max"), "ModelCheckpoint(mode)")
        self.upward = "acc" in monitor if mode == "auto" else mode == "max"
        self.every = save_freq  # 0: at the ends of epochs
        worst = -np.inf if self.upward else np.inf
        self.best = worst if initial_value_threshold is None else initial_value_threshold
        self.seen = 0  # steps since the last file
        self.epoch = 0
        self.due: str | None = None

    def set_model(self, model: Sequential) -> None:
        """Take the model, and note what the run is begun with before a callback changes it."""
        from npcnn.saving.checkpoint import describe

        super().set_model(model)
        if model.run is not None:
            describe(model.run)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Raise now, not after an epoch, if there is no such folder or the name cannot be made."""
        self._check_pattern()
        folder = os.path.dirname(self.filepath) or "."
        if "{" not in folder and not os.path.isdir(folder):
            fix = "make it first"
            where = "ModelCheckpoint(filepath)"
            raise FileError(message(where, "a folder that exists", repr(folder), fix))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Take the epoch's number, for the name."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Count a step."""
        self.seen += 1
        if self.every and self.seen >= self.every:
            self.seen = 0
            self._ask(batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note that an epoch has ended."""
        self.epoch = epoch
        if not self.every:
            self._ask(None, logs or {})

    def _ask(self, batch: int | None, logs: Logs) -> None:
        """Decide whether a file is due; `write_checkpoint` does the writing."""
        if self.save_best_only:
            value = logs.get(self.monitor)
            if value is None:
                expected = f"one of {', '.join(logs)}"
                fix = "give validation data or monitor a name that the run reports"
                where = "ModelCheckpoint(monitor)"
                raise ArgumentError(message(where, expected, repr(self.monitor), fix))
            if not (value > self.best if self.upward else value < self.best):
                return
            self.best = value
        places = {**logs, "epoch": self.epoch + 1}
        if batch is not None:
            places["batch"] = batch + 1
        self.due = self._name(places)

    def _name(self, places: dict[str, Any]) -> str:
        """Return the file's name with these numbers in it."""
        try:
            return self.filepath.format(**places)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            where = "ModelCheckpoint(filepath)"
            expected = f"names among {', '.join(places)}"
            fix = "write {epoch} or {val_loss:.3f}, say"
            raise ArgumentError(message(where, expected, shown(self.filepath), fix)) from error

    def _check_pattern(self) -> None:
        """Raise ArgumentError if the name asks for a number that the run will not report."""
        run = self.model.run
        if run is None or any(not type(c).__module__.startswith("npcnn.") for c in run.callbacks):
            return  # callbacks of others may report more
        names = list(self.model.metric_names)
        if run.validation is not None and not self.every:
            names += [f"val_{name}" for name in names]
        places: dict[str, Any] = {**dict.fromkeys(names, 0.5), "epoch": 1}
        self._name({**places, "batch": 1} if self.every else places)

    def write_checkpoint(self) -> None:
        """Write the file that is due."""
        if self.due is None:
            return
        from npcnn.saving import checkpoint, save_weights

        path, self.due = self.due, None
        if self.save_weights_only:
            save_weights(self.model, path)
        else:
            assert self.model.run is not None
            checkpoint.save_run(self.model.run, path)
        if self.verbose:
            print(f"Epoch {self.epoch + 1}: model saved to {path}", flush=True)

    def get_state(self) -> dict[str, Any]:
        """Return the count of steps, the epoch and the best value."""
        return {"seen": self.seen, "epoch": self.epoch, "best": self.best}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on counting from these."""
        self.seen, self.epoch = int(state["seen"]), int(state["epoch"])
        self.best = float(state["best"])


class LambdaCallback(Callback):
    """A callback made of functions, each named after the hook it stands in for.

    >>> seen = []
    >>> LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch)).on_epoch_end(3, {})
    >>> seen
    [3]
    """

    def __init__(
        self, on_epoch_begin: Hook = None, on_epoch_end: Hook = None, on_train_begin: Hook = None,
        on_train_end: Hook = None, on_train_batch_begin: Hook = None,
        on_train_batch_end: Hook = None, **kwargs: Hook,
    ) -> None:  # fmt: skip
        hooks = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin, "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin, "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }  # fmt: skip
        known = [name for name in dir(Callback) if name.startswith("on_")]
        for name, function in hooks.items():
            hook = one_of(name, known, "LambdaCallback")
            if function is not None:
                setattr(self, hook, function_of(function, f"LambdaCallback({name})"))


class CallbackList:
    """Callbacks that are called together.

    Args:
        callbacks: one Callback, a list of them, or None.
        where: the call and argument, for the message.

    Raises:
        ArgumentError: one of them is none.

    >>> CallbackList(History()).callbacks[0].history
    {}
    """

    def __init__(self, callbacks: Any = None, where: str = "CallbackList(callbacks)") -> None:
        self.callbacks = check_callbacks(callbacks, where)

    def begin(self, model: Sequential, **params: Any) -> None:
        """Give every callback the model and the plan."""
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)

    def call(self, hook: str, *args: Any) -> None:
        """Call one hook of every callback."""
        for callback in self.callbacks:
            getattr(callback, hook)(*args)


def check_callbacks(callbacks: Any, where: str = "fit(callbacks)") -> list[Callback]:
    """Return the callbacks as a list, or raise ArgumentError."""
    given = [] if callbacks is None else callbacks
    listed = list(given) if isinstance(given, (list, tuple)) else [given]
    for callback in listed:
        if not isinstance(callback, Callback):
            fix = "derive it from npcnn.callbacks.Callback"
            raise ArgumentError(message(where, "Callback objects", shown(callback), fix))
    return listed


if not TYPE_CHECKING:
    # What looks inside a run is imported when it is first asked for.
    _LATE = dict.fromkeys(("Diagnostics", "Recorder"), "npcnn.inspection")
    __getattr__ = names.lookup(__name__, __all__, _LATE)
