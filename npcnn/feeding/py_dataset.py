"""Batches by number, made when they are asked for: Keras's `PyDataset`, formerly `Sequence`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from npcnn.arguments import Count, PositiveInt, checked


class PyDataset:
    """Base of data sets that make each batch when a step needs it.

    A subclass defines `__len__`, the number of batches of a pass, and `__getitem__(index)`, which
    returns a batch: ``(x, y)``, ``(x, y, sample_weight)`` or ``x``. `fit(shuffle=True)` shuffles
    the order of the batches; what goes into a batch is the data set's own business, for which it
    may define `on_epoch_begin` and `on_epoch_end`. An endless one defines the property
    `num_batches` as None instead of `__len__`.

    Args:
        workers: how many batches are made at once; from 2 on, in threads ahead of the training.
        use_multiprocessing: taken for Keras's sake; workers are threads in any case.
        max_queue_size: how many batches may be made ahead.

    Source: keras.utils.PyDataset, called Sequence in Keras 2.

    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         return [[index]], [[index**2]]
    >>> list(Squares())
    [([[0]], [[0]]), ([[1]], [[1]]), ([[2]], [[4]])]
    """

    # Those of a subclass that does not call super().__init__().
    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    @checked
    def __init__(
        self, workers: Count = 1, use_multiprocessing: bool = False,
        max_queue_size: PositiveInt = 10,
    ) -> None:  # fmt: skip
        self.workers, self.use_multiprocessing = workers, use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Return the batch of this number."""
        raise NotImplementedError(f"{type(self).__name__} needs __getitem__(index)")

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches in order; for ever, if there is no end to them."""
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    @property
    def num_batches(self) -> int | None:
        """How many batches a pass has; None if it has no end."""
        if hasattr(self, "__len__"):
            return type(self).__len__(self)  # len() has words of its own for what is no length
        raise NotImplementedError(f"{type(self).__name__} needs __len__(), or num_batches")

    def on_epoch_begin(self) -> None:
        """Run before an epoch."""

    def on_epoch_end(self) -> None:
        """Run after an epoch, and once before the first."""
