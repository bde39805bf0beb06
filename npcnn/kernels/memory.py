"""Where arrays come from: memory used again from step to step.

A training step makes and drops some thirty large arrays. Left to the allocator, their memory goes
back to the system at the end of each step and must be mapped, and filled with zeros, anew: 650
page faults a step, as much time as all its arithmetic. So large blocks are kept here, and handed
out again once nobody else holds them. Who holds a result, or any view of it, holds its block: the
count of references tells, exactly.

All memory starts at a multiple of 64 bytes, a cache line and a vector register wide.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from npcnn.threads import get_num_threads

Array = np.ndarray
Block = tuple[Array, int]

ALIGNMENT = 64
# Below this many bytes the allocator's own free lists are just as good.
LARGE = 1 << 15
# Beyond this many bytes kept in all, blocks that nobody holds are given back to the system.
KEPT_AT_MOST = 1 << 28


class _Kept(threading.local):
    """A Python thread's own memory, so that two of them may run ops at once."""

    def __init__(self) -> None:
        self.blocks: dict[int, list[Block]] = {}
        self.bytes = 0
        self.scratch: dict[np.dtype, Array] = {}
        self.for_good = False  # whether blocks are kept however many they become


_kept = _Kept()


def _aligned(size: int) -> Array:
    """Return so many uninitialised bytes, at a multiple of the alignment."""
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size]


def aligned(shape: Sequence[int], dtype: np.dtype) -> Array:
    """Return an uninitialised C-contiguous array that is the caller's for good."""
    return _aligned(math.prod(shape) * dtype.itemsize).view(dtype).reshape(shape)


def _block(size: int) -> Block:
    """Return bytes that own their memory, and where in them an aligned place begins.

    NumPy makes the owner of the memory the base of a view, never a view in between: only the
    count of references to the owner tells whether somebody holds it.
    """
    owner = np.empty(size + ALIGNMENT, np.uint8)
    return owner, -owner.ctypes.data % ALIGNMENT


def _held_by_list_only() -> int:
    """Return what `sys.getrefcount` says of an owner that only its list refers to."""
    lone = [_block(8)]
    for owner, _ in lone:
        return sys.getrefcount(owner)
    raise AssertionError("the list has one block")


_UNUSED = _held_by_list_only()


def empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an uninitialised C-contiguous array, in memory that was used before if there is some.

    >>> empty((2, 3), np.float32).shape
    (2, 3)
    """
    size = math.prod(shape) * (4 if dtype == np.float32 else np.dtype(dtype).itemsize)
    if size < LARGE:
        return np.empty(shape, dtype)
    # four sizes between one power of two and the next: at most a quarter lies idle
    step = 1 << (size.bit_length() - 3)
    size = -(-size // step) * step
    blocks = _kept.blocks.get(size)
    if blocks is None:
        blocks = _kept.blocks[size] = []
    for owner, start in blocks:
        if sys.getrefcount(owner) == _UNUSED:
            return np.ndarray(shape, dtype, owner, start)
    if _kept.bytes + size > KEPT_AT_MOST and not _kept.for_good:
        _give_back()
        blocks = _kept.blocks.setdefault(size, [])
    owner, start = _block(size)
    blocks.append((owner, start))
    _kept.bytes += size
    return np.ndarray(shape, dtype, owner, start)


def _give_back() -> None:
    """Forget the blocks that nobody holds; those in use live as long as their holders."""
    _kept.blocks.clear()
    _kept.bytes = 0


@contextmanager
def set_apart() -> Iterator[dict[int, list[Block]]]:
    """Take all memory inside the with-block from a store of its own, and yield that store.

    Nobody is handed a block of it afterwards: it is its holder's.
    """
    before = _kept.blocks, _kept.bytes, _kept.for_good
    _kept.blocks, _kept.bytes, _kept.for_good = {}, 0, True
    try:
        yield _kept.blocks
    finally:
        _kept.blocks, _kept.bytes, _kept.for_good = before


def belongs(array: Array, blocks: dict[int, list[Block]]) -> bool:
    """Return whether an array lies in one of the blocks."""
    return any(owner is array.base for same in blocks.values() for owner, _ in same)


def scratch(size: int, dtype: np.dtype) -> Array:
    """Return working memory kept from call to call: a row of `size` elements for each thread."""
    held, threads = _kept.scratch.get(dtype), get_num_threads()
    if held is None or held.shape[1] < size or len(held) < threads:
        # Some more than asked for: tiles read, and never use, up to a vector beyond the end.
        pitch = (size + size // 4 + 4 * ALIGNMENT) // ALIGNMENT * ALIGNMENT
        held = _aligned(threads * pitch * dtype.itemsize).view(dtype).reshape(threads, pitch)
        held[...] = 0
        _kept.scratch[dtype] = held
    return held


def forget() -> None:
    """Give all kept memory of this Python thread back to the system, except what is in use."""
    _give_back()
    _kept.scratch.clear()
