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

WHOLE = (0, 1)  # rank and size
_part: ContextVar[tuple[int, int]] = ContextVar("part", default=WHOLE)


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
    found = _part.set(WHOLE if strategy is None else (strategy.rank, strategy.size))
    try:
        yield
    finally:
        _part.reset(found)


def own_rows(array: np.ndarray) -> tuple[int, int]:
    """Return from and to which row an array is for this process to look through.

    Those are all rows but of mapped arrays in `shared_out`.

    >>> own_rows(np.zeros(3))
    (0, 3)
    """
    part, n = _part.get(), len(array)
    if part is WHOLE or not is_mapped(array):
        return 0, n
    rank, size = part
    return n * rank // size, n * (rank + 1) // size
