"""Arrays that lie in a file, of which each of several processes reads a part only.

`np.load(path, mmap_mode="r")` and `read_idx(path, mmap_mode="r")` return such: a page of the file
is read when one of its numbers is looked at, and is given up again where memory is short.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

_part: ContextVar[tuple[int, int]] = ContextVar("part", default=(0, 1))


def is_mapped(array: np.ndarray) -> bool:
    """Return whether an array, or what it is a view of, lies in a file.

    >>> is_mapped(np.zeros(3))
    False
    """
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap.mmap)


@contextmanager
def shared_out(strategy: Any) -> Iterator[None]:
    """While this lasts, the ranks of a `DataParallel` share out who looks through mapped arrays."""
    found = _part.set((0, 1) if strategy is None else (strategy.rank, strategy.size))
    try:
        yield
    finally:
        _part.reset(found)


def own_rows(array: np.ndarray) -> range:
    """Return which rows of an array are for this process to look through: all but in `shared_out`.

    >>> own_rows(np.zeros(3))
    range(0, 3)
    """
    rank, size = _part.get() if is_mapped(array) else (0, 1)
    return range(len(array) * rank // size, len(array) * (rank + 1) // size)
