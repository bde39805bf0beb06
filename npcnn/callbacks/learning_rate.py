"""Callbacks that change the learning rate between epochs."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

from npcnn.arguments import Count, Function, Monitor, NonNegative, Verbose, checked
from npcnn.callbacks.base import Callback, Logs
from npcnn.callbacks.monitor import MonitorCallback
from npcnn.checks import ArgumentError, NpcnnWarning, is_number, message, shown
from npcnn.streams import say
from npcnn.subclasses import require_takes


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch; the history keeps it as 'learning_rate'.

    Args:
        schedule: a function (epoch, learning rate of now) → learning rate; epochs count from 0.
            One that takes the epoch alone is called so.
        verbose: 1 to say which it is.

    Raises:
        ArgumentError: what `schedule` returned is no number of 0 or more.

    >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    >>> halve.schedule(3, 0.1)
    0.05
    """

    reports = ("learning_rate",)

    @checked
    def __init__(self, schedule: Function, verbose: Verbose = 0) -> None:
        if _positions(schedule) == 1:
            require_takes(schedule, ("epoch",), "LearningRateScheduler(schedule)")
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set this epoch's rate."""
        optimizer = self.model.optimizer
        arguments = (epoch, optimizer.learning_rate)
        rate = self.schedule(*arguments[: _positions(self.schedule)])
        if not is_number(rate):
            where, fix = "LearningRateScheduler(schedule)", "return such as 0.001"
            raise ArgumentError(message(where, "a function that returns a float", shown(rate), fix))
        optimizer.learning_rate = rate
        if self.verbose:
            text = f"LearningRateScheduler setting learning rate to {rate}."
            say(f"\nEpoch {epoch + 1}: {text}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def _positions(function: Any) -> int:
    """Return 2 if a function takes two arguments, else 1."""
    try:
        inspect.signature(function).bind(0, 0.1)
    except TypeError:
        return 1
    except ValueError:  # a builtin that does not tell
        return 2
    return 2


class ReduceLROnPlateau(MonitorCallback):
    """Lower the learning rate when a number has stopped getting better.

    The history keeps the rate as 'learning_rate'. An epoch that does not report the number is
    passed over, with a warning.

    Args:
        monitor: the name in the history, such as 'val_loss'.
        factor: what the rate is multiplied by, below 1.
        patience: how many epochs without improvement are borne.
        verbose: 1 to say when it is lowered.
        mode: 'min', 'max', or 'auto': losses and errors down, accuracies up.
        min_delta: less than this is no improvement.
        cooldown: epochs that are not counted after the rate was lowered.
        min_lr: the rate goes no lower.

    Raises:
        ArgumentError: factor is 1 or more; or, when a run begins, nothing tells which way is
            better.

    >>> ReduceLROnPlateau("val_loss", factor=0.5, patience=3).in_cooldown()
    False
    """

    reports = ("learning_rate",)

    @checked
    def __init__(
        self, monitor: Monitor = "val_loss", factor: NonNegative = 0.1, patience: Count = 10,
        verbose: Verbose = 0, mode: str = "auto", min_delta: float = 1e-4, cooldown: Count = 0,
        min_lr: NonNegative = 0.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode, min_delta)
        if factor >= 1:
            where, fix = "ReduceLROnPlateau(factor)", "0.1 and 0.5 are usual"
            raise ArgumentError(message(where, "a number below 1", shown(factor), fix))
        if kwargs:
            text = f"ReduceLROnPlateau passes over {', '.join(kwargs)}, no arguments of its own."
            warnings.warn(text, NpcnnWarning, stacklevel=3)
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self.cooldown_counter, self.wait = 0, 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin anew."""
        self.best, self.cooldown_counter, self.wait = None, 0, 0
        _ = self.upward  # an error now, not after an epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Count, and lower the rate when patience is over."""
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        value = logs.get(self.monitor)
        if value is None:
            text = (
                "Learning rate reduction is conditioned on metric "
                f"`{self.monitor}` which is not available. Available metrics "
                f"are: {','.join(logs)}."
            )
            warnings.warn(text, NpcnnWarning, stacklevel=2)
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.better(value, self.best):
            self.best, self.wait = value, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def _reduce(self, epoch: int) -> bool:
        """Lower the rate; return whether there was room for it."""
        optimizer = self.model.optimizer
        if optimizer.learning_rate <= self.min_lr:
            return False
        rate = max(optimizer.learning_rate * self.factor, self.min_lr)
        optimizer.learning_rate = rate
        if self.verbose:
            text = f"ReduceLROnPlateau reducing learning rate to {rate}."
            say(f"\nEpoch {epoch + 1}: {text}")
        return True

    def in_cooldown(self) -> bool:
        """Whether the rate was lowered a moment ago."""
        return self.cooldown_counter > 0

    def get_state(self) -> dict[str, Any]:
        """Return the counters; the rate is the optimizer's."""
        names = ("best", "wait", "cooldown_counter")
        return {name: getattr(self, name) for name in names}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on counting from these."""
        self.best = None if state["best"] is None else float(state["best"])
        self.wait, self.cooldown_counter = int(state["wait"]), int(state["cooldown_counter"])
