"""The running means of the weights, in their place while a model is looked at."""

from __future__ import annotations

import numpy as np

from npcnn.arguments import checked
from npcnn.callbacks.base import Callback, Logs
from npcnn.checks import ArgumentError, message
from npcnn.optimizers.options import AVERAGE, finish


class SwapEMAWeights(Callback):
    """Puts the optimizer's running means (`use_ema=True`) into the weights while one evaluates.

    Args:
        swap_on_epoch: whether they stay there at an epoch's end, for callbacks that come after
            this one, such as ModelCheckpoint; the weights come back when the next epoch begins.

    Raises:
        ArgumentError: when it is called, the optimizer keeps no running means.

    >>> SwapEMAWeights(swap_on_epoch=True).swap_on_epoch
    True
    """

    @checked
    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Take the weights back."""
        if self.swap_on_epoch:
            self._let(False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Show the means; after the last epoch they stay, as `fit` leaves them."""
        if self.swap_on_epoch:
            self._let(True)
            if epoch == self.params["epochs"] - 1:
                self._let(False)
                finish(self.model.optimizer, self.model.slot_weights())

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Show the means."""
        self._let(True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Take the weights back."""
        self._let(False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Show the means."""
        self._let(True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Take the weights back."""
        self._let(False)

    def _let(self, swapped: bool) -> None:
        """Let the means be in the weights' place, or not."""
        if swapped == self._swapped:
            return
        optimizer = self.model.optimizer
        means = optimizer.slots.get(AVERAGE)
        if means is None:
            fix, where = "give the optimizer use_ema=True", "SwapEMAWeights"
            if optimizer.use_ema:
                fix = "fit the model before"
            raise ArgumentError(message(where, "running means of the weights", "none", fix))
        stop = 0
        for weight in self.model.slot_weights():
            start, stop = stop, stop + int(np.prod(weight.shape))
            kept = weight.value.copy()
            weight.value[...] = means[start:stop].reshape(kept.shape)
            means[start:stop] = kept.ravel()
        self._swapped = swapped
