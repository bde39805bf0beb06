"""Stopping at the first loss that is no number."""

from __future__ import annotations

import math
import numbers

from npcnn.arguments import checked
from npcnn.callbacks.base import Callback, Logs
from npcnn.checks import NumericsError, message
from npcnn.streams import say


class TerminateOnNaN(Callback):
    """Stop the run after a step whose loss is NaN or infinite.

    `fit(check_numerics=True)` finds more: it stops before such a step, and says where it arose.

    Args:
        raise_error: True to raise instead of ending the run.

    Raises:
        NumericsError: with raise_error, such a loss.

    >>> TerminateOnNaN().on_batch_end(0, {"loss": 1.0})
    """

    @checked
    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss", 0.0)
        if not isinstance(loss, numbers.Real) or math.isfinite(loss):
            return
        if self.raise_error:
            fix = "lower the learning rate or scale the input"
            where = f"TerminateOnNaN, step {batch + 1} of the epoch"
            raise NumericsError(message(where, "a finite loss", str(loss), fix))
        say(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
