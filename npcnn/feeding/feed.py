"""Batches for one epoch after another, cut as Keras cuts them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from npcnn import random
from npcnn.checks import NpcnnWarning, message
from npcnn.data import Batches
from npcnn.feeding.sources import Batch, Shapes, Stream


class Feed:
    """What a run, an evaluation or a prediction is fed with.

    Without a limit, an epoch is a pass over the source. With one, it is so many batches, and a
    pass goes on from one epoch to the next until it is at its end; the epoch that it ends in is
    shorter, and a warning says so.

    Args:
        source: arrays or a stream.
        limit: batches of an epoch; None is a whole pass.
        shuffle: whether each pass has an order of its own, given by (seed, pass).
        start: the number of the first epoch.
        shapes: the model's input and output.
    """

    def __init__(
        self, source: Batches | Stream, limit: int | None, shuffle: bool, start: int, shapes: Shapes
    ) -> None:
        self.source, self.limit, self.shuffle = source, limit, shuffle
        self.start, self.shapes = start, shapes
        self._most: int | None = None  # batches of a pass that had no known length
        self._begun = False
        self._current: Iterator[Batch] | None = None
        self._pass = self._seen = 0

    @property
    def steps(self) -> int | None:
        """How many batches an epoch has; None as long as that cannot be told."""
        return self.limit or self.source.steps or self._most

    def restart(self) -> None:
        """Begin anew, as each run and each evaluation does."""
        self._begun, self._current = False, None
        self.source.on_epoch_end()  # as Keras does

    def epoch(self, number: int, seed: int, first: int = 0) -> Iterator[Batch]:
        """Yield (samples, targets, weights) for each step of an epoch, from one of them on."""
        self.source.on_epoch_begin()
        self._find(number, first)
        taken, due = first, self.limit or self._most
        total = self.source.steps
        while self.limit is None or taken < self.limit:
            if total is not None and self._seen >= total:
                break
            if self._current is None:
                drawing = random.augmentation_key(seed=seed, epoch=self._pass)
                self._current = self.source.batches(self._order(seed), self._seen, drawing)
            batch = next(self._current, None)
            if batch is None:
                total = self._seen
                self._most = self._most or taken
                break
            self._seen, taken = self._seen + 1, taken + 1
            yield batch
        if due is not None and taken < due:
            self._warn(number, taken, due)
        if total is not None and self._seen >= total:
            self._pass, self._seen, self._current = self._pass + 1, 0, None
        self.source.on_epoch_end()

    def _find(self, number: int, first: int) -> None:
        """Set which pass an epoch lies in, and where in it."""
        if self.limit is None:
            self._pass, self._seen, self._current = number, first, None
        elif not self._begun:
            self._pass, self._seen = self._place(number)
            self._seen += first
        self._begun = True

    def _place(self, number: int) -> tuple[int, int]:
        """Return the pass that an epoch begins in, and how many of its batches were taken."""
        assert self.limit is not None
        which, seen, total = self.start, 0, self.source.steps
        for _ in range(self.start, number):
            seen += self.limit
            if total is not None and seen >= total:
                which, seen = which + 1, 0
        return which, seen

    def _order(self, seed: int) -> Any:
        if not self.shuffle:
            return lambda n: None
        return lambda n: random.shuffled(n, seed=seed, epoch=self._pass)

    def _warn(self, number: int, taken: int, due: int) -> None:
        fix = "give more data, let the generator go on for ever, or set the steps of an epoch"
        text = message(f"epoch {number + 1}", f"{due} batches", str(taken), fix)
        warnings.warn(text, NpcnnWarning, stacklevel=2)
