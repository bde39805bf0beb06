"""What a callback is: hooks that are called at the start and end of a run, an epoch, a step."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from npcnn.checks import ArgumentError, message, shown
from npcnn.subclasses import require_takes

if TYPE_CHECKING:
    from npcnn.model import Model
    from npcnn.running import Run

Logs = dict[str, Any]
Hook = Callable[..., Any] | None


class Callback:
    """Base: override what is of interest. `self.model` is the model, `self.params` the run's plan.

    Every hook is given logs: the running means at the end of a step, all numbers at the end of an
    epoch, what the last epoch gave at the end of the run, and an empty dict before anything. What
    a callback adds to an epoch's logs is printed and kept in the history. A callback ends the run
    after this step by ``self.model.stop_training = True``; `stop_evaluating` and
    `stop_predicting` do so for `evaluate` and `predict`.

    Attributes:
        reports: the names that it adds to the logs of an epoch.
        writes: whether it writes files: in a distributed run only the first rank then calls it.

    >>> class Count(Callback):
    ...     done = 0
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         self.done += 1
    >>> count = Count()
    >>> count.on_epoch_end(0), count.done
    (None, 1)
    """

    reports: tuple[str, ...] = ()
    writes = False

    model: Model
    params: dict[str, Any]

    def set_model(self, model: Model) -> None:
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

    def restore(self, run: Run) -> None:
        """Go on from what an earlier run left, if there is such; every rank does."""

    def get_state(self) -> dict[str, Any]:
        """Return what must be in a checkpoint for this callback to go on as if never stopped."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_state` returned."""


class CallbackList:
    """Callbacks that are called together.

    Args:
        callbacks: one Callback, a list of them, or None.
        where: the call and argument, for the message.

    Raises:
        ArgumentError: one of them is none.

    >>> CallbackList([Callback(), Callback()]).call("on_epoch_end", 0, {})
    """

    def __init__(self, callbacks: Any = None, where: str = "CallbackList(callbacks)") -> None:
        self.callbacks = check_callbacks(callbacks, where)

    def begin(self, model: Model, **params: Any) -> None:
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
        _check_hooks(callback)
    return listed


def _check_hooks(callback: Callback) -> None:
    """Raise DtypeError for a hook that cannot be called as it will be: now, not after an epoch."""
    for name, base in vars(Callback).items():
        own = getattr(callback, name)
        if name.startswith("on_") and getattr(own, "__func__", own) is not base:
            wanted = list(inspect.signature(base).parameters)[1:]
            require_takes(own, wanted, f"{type(callback).__name__}.{name}")
