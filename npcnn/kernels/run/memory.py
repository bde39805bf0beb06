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
Blocks = dict[int, list[Block]]

ALIGNMENT = 64
# Below this many bytes the allocator's own free lists are just as good.
LARGE = 1 << 15
# Beyond this many bytes kept in all, blocks that nobody holds are given back to the system.
KEPT_AT_MOST = 1 << 28
# Bytes a program may keep for itself: ResNet-20 on 64 pictures takes 207 MB, and 6 % less time than
# call by call. In steps that need more, Python's share is nothing.
LARGEST = 1 << 28


class _Kept(threading.local):
    """A Python thread's own memory, so that two of them may run ops at once."""

    def __init__(self) -> None:
        self.blocks: dict[int, list[Block]] = {}
        self.bytes = 0
        self.scratch: dict[np.dtype, Array] = {}
        self.arena: Arena | None = None  # where memory comes from while a program is written


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
    arena = _kept.arena
    if arena is not None and not arena.full:
        array = _from(arena.blocks, max(_rounded(size), ALIGNMENT), shape, dtype)
        arena.full = arena.bytes > LARGEST
        return array
    if size < LARGE:
        return np.empty(shape, dtype)
    size = _rounded(size)
    if size not in _kept.blocks and _kept.bytes + size > KEPT_AT_MOST:
        give_back()
    before = len(_kept.blocks.get(size, ()))
    array = _from(_kept.blocks, size, shape, dtype)
    _kept.bytes += size * (len(_kept.blocks[size]) - before)
    return array


def _rounded(size: int) -> int:
    """Return one of four sizes between a power of two and the next: at most a quarter is idle."""
    step = max(1 << max(size.bit_length() - 3, 0), 1)
    return -(-size // step) * step


def _from(blocks: Blocks, size: int, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array in a block of that size that nobody holds, or in a new one."""
    same = blocks.setdefault(size, [])
    for owner, start in same:
        if sys.getrefcount(owner) == _UNUSED:
            return np.ndarray(shape, dtype, owner, start)
    same.append(_block(size))
    owner, start = same[-1]
    return np.ndarray(shape, dtype, owner, start)


def give_back() -> None:
    """Forget the blocks that nobody holds; those in use live as long as their holders."""
    _kept.blocks.clear()
    _kept.bytes = 0


class Arena:
    """The memory of one program: its own blocks, and what it was told of besides.

    Once it is full, there will be no program, and memory comes from where it always does.

    Args:
        known: arrays that are there before the program is and as long as it is.
    """

    def __init__(self, known: Sequence[Array]) -> None:
        self.blocks: Blocks = {}
        self.full = False
        self.held = list(known)
        self.constants: list[Array] = []
        self.places = [place_of(array) for array in known]

    def know(self, array: Array) -> None:
        """Take note of an array whose numbers stay as they are."""
        self.constants.append(array)
        self.places.append(place_of(array))

    def holds(self, address: int) -> bool:
        """Return whether an address lies in an array that is known, or in an own block."""
        for start, stop in self.places:  # as any(...) it takes twice as long, and is asked often
            if start <= address < stop:
                return True
        return any(
            owner.ctypes.data <= address < owner.ctypes.data + owner.size
            for owner, _ in self.owners()
        )

    def owns(self, base: Any) -> bool:
        """Return whether an array is the memory of one of the own blocks."""
        return any(owner is base for owner, _ in self.owners())

    @staticmethod
    def offset(array: Array) -> int:
        """Return how many bytes into its block an array begins."""
        assert isinstance(array.base, np.ndarray)
        return array.ctypes.data - array.base.ctypes.data

    def owners(self) -> Iterator[Block]:
        """Yield the own blocks."""
        for same in list(self.blocks.values()):  # a signal handler's model may add to them
            yield from same

    @property
    def bytes(self) -> int:
        """How much memory the program keeps for itself."""
        return sum(size * len(same) for size, same in list(self.blocks.items()))

    def poison(self) -> None:
        """Fill the own blocks with ones: NaN, read as floats."""
        for owner, _ in self.owners():
            owner[...] = 0xFF


def place_of(array: Array) -> tuple[int, int]:
    """Return the addresses of an array's first byte and of the one behind its last."""
    low = high = array.ctypes.data
    for length, stride in zip(array.shape, array.strides, strict=True):
        reach = (length - 1) * stride
        low, high = low + min(reach, 0), high + max(reach, 0)
    return low, high + array.itemsize


@contextmanager
def taken_from(arena: Arena) -> Iterator[None]:
    """Take all memory inside the with-block from an arena; nobody else is handed any of it."""
    before, _kept.arena = _kept.arena, arena
    try:
        yield
    finally:
        _kept.arena = before


def known(array: Array) -> Array:
    """Return an array whose numbers never change, and let a program that is written know it."""
    if _kept.arena is not None:
        _kept.arena.know(array)
    return array


def constant(numbers: Sequence[float], dtype: np.dtype) -> Array:
    """Return an op's options as an array for its body; a program keeps them as they are."""
    return known(np.array(numbers, dtype))


def number(value: Any, dtype: np.dtype) -> Array:
    """Return a number as an array for a body; an array of one stays what it is, and may change."""
    if isinstance(value, np.ndarray):
        return value.astype(dtype, copy=False).reshape(1)
    return constant([value], dtype)


NO_INTS = np.zeros(1, np.int64)


def scratch(size: int, dtype: np.dtype) -> Array:
    """Return working memory kept from call to call: `size` elements for each thread."""
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
    give_back()
    _kept.scratch.clear()
