"""What the callbacks share that watch one number of a run and ask whether it got better."""

from __future__ import annotations

import warnings

import numpy as np

from npcnn.callbacks.base import Callback
from npcnn.checks import ArgumentError, DtypeError, NpcnnWarning, message, shown


class MonitorCallback(Callback):
    """Base: knows which way is better, and whether a value improves on another.

    Args:
        monitor: the name in the logs, such as 'val_loss'.
        mode: 'min', 'max', or 'auto', by what the number is: losses and errors go down,
            accuracies up. Another one is 'auto', with a warning, as in Keras.
        min_delta: less than this is no improvement.
        best: what must already be improved on; None for nothing.
    """

    def __init__(
        self, monitor: str, mode: str = "auto", min_delta: float = 0.0, best: float | None = None
    ) -> None:
        if mode not in ("auto", "min", "max"):
            kind = type(self).__name__
            text = f"{kind} mode {shown(mode)} is unknown, fallback to auto mode."
            warnings.warn(text, NpcnnWarning, stacklevel=4)
            mode = "auto"
        self.monitor, self.mode = monitor, mode
        self.min_delta, self.best = abs(min_delta), best

    @property
    def upward(self) -> bool:
        """Whether larger is better; ArgumentError if nothing tells."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return False
        model = getattr(self, "model", None)
        metrics = [measure.metric for measure in getattr(model, "measures", [])]
        metrics += getattr(model, "own_metrics", list)()
        known = {metric.name: metric.direction for metric in metrics}
        if known.get(name):
            return known[name] == "up"
        if "acc" in name or name.endswith("auc"):
            return True
        where = f"{type(self).__name__}(monitor)"
        expected = "a number of which is known whether larger is better"
        fix = "say mode='min' or mode='max'"
        raise ArgumentError(message(where, expected, repr(self.monitor), fix))

    def better(self, value: float, best: float | None) -> bool:
        """Whether value improves on best by more than min_delta; anything improves on None.

        Raises DtypeError for what a callback put into the logs that is no number.
        """
        array = np.asarray(value)
        if array.ndim or array.dtype.kind not in "fiub":
            where, fix = f"{type(self).__name__}(monitor)", "watch another name of the logs"
            raise DtypeError(message(where, f"a number as {self.monitor}", shown(value), fix))
        if best is None:
            return True
        if self.upward:
            return bool(value - self.min_delta > best)
        return bool(value + self.min_delta < best)
