"""A stretch that is summed up in a second Python thread, while the first makes the rest of a step.

A way back begins with the last layers, which often have most of the parameters. As soon as nothing
that follows in a rank's last shard touches their gradients, these are on their way:

    the step:    forward │ back: last layers │ back: the others │ sum of the others │ update
    the thread:                              │ sum of the last layers ┄┄┄┄┄┄┄┄ done │

Who adds up what with what does not change, so neither do the bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from npcnn.distribution.stretch import Split, Stretch
from npcnn.pools import pool

Array = np.ndarray


class Aside:
    """Sums up a stretch in a thread of its own, once a step.

    Args:
        stretch: whose ranks are `Ranks.beside` the first thread's.

    Attributes:
        arrays: what is summed up.
    """

    def __init__(self, stretch: Stretch) -> None:
        self.stretch, self.arrays = stretch, stretch.arrays
        self._thread = pool(1, "npcnn-sum")
        self._sum: Future[Array] | None = None
        self._about: tuple[Split, Sequence[int], float]

    def begin(self, split: Split, own: Sequence[int], patience: float) -> None:
        """Begin a step; `own` are the rank's shards with samples."""
        self._about, self._sum = (split, own[-1:], patience), None

    def call(self) -> None:
        """Take the last shard's numbers, and let the thread add up; the first call counts."""
        if self._sum is None:
            self._sum = self._thread.submit(self._add_up, np.geterr())

    def _add_up(self, errors: Any) -> Array:
        split, last, patience = self._about
        with np.errstate(**errors):
            for shard in last:
                self.stretch.take(split, shard)
            total, _ = self.stretch.total(split, patience)
        assert total is not None
        return total

    def end(self) -> None:
        """Wait for the sum, and write it into the arrays."""
        assert self._sum is not None
        self.stretch.spread(self._sum.result())


def border(sizes: Sequence[int]) -> int:
    """Return from which number on gradients go early, at a layer's border: half of them, or more.

    Args:
        sizes: how many each layer has, in order.

    >>> border([10, 20, 50, 3]), border([900, 100])
    (30, 0)
    """
    late, place = 0, sum(sizes)
    for size in reversed(sizes):
        if 2 * late >= sum(sizes):
            break
        late, place = late + size, place - size
    return place


def between(arrays: Sequence[Array], start: int, stop: int) -> list[Array]:
    """Return the parts of flat arrays that hold the numbers start … stop − 1 of all of theirs.

    >>> [part.tolist() for part in between([np.arange(3), np.arange(4)], 2, 5)]
    [[2], [0, 1]]
    """
    found, at = [], 0
    for array in arrays:
        part = array[max(start - at, 0) : max(stop - at, 0)]
        found += [part] if part.size else []
        at += array.size
    return found
