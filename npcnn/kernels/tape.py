"""A step's kernel calls, written down once and made again without Python in between.

A training step of a small network makes some thirty calls of a few microseconds' Python each, a
fifth of its time. But from step to step nothing changes in them except the numbers in the arrays.
So while a tape runs, every task body that is called is noted: its address and those of its arrays.
`play` goes through the notes in one compiled loop. The same bodies on the same memory in the same
order give the same bits.

The memory that the ops took while the tape ran is the tape's from then on: nobody else is handed
it, and each replay writes it anew. What is handed out of it is only good until the next replay.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from npcnn.kernels import crew, memory
from npcnn.kernels.compile import JIT
from npcnn.threads import MOST

Array = np.ndarray


class Tape:
    """The kernel calls of one step, and what they need to be made again."""

    def __init__(self) -> None:
        self.rows: list[list[int]] = []
        self.held: list[Any] = []  # what the addresses in the rows must not outlive
        self.keys: dict[int, list[tuple[Array, int]]] = {}
        self.blocks: dict[int, Any] = {}  # its own memory, by size
        self.complete = JIT  # whether all that happened is on the tape
        self.rooms = MOST  # for how many threads there is scratch memory
        self._table, self._place = np.zeros(0, np.int64), 0

    def add(self, row: Array, arrays: list[Array], room: Array, ints: Array) -> None:
        """Note one call of a body; `room` holds a row of scratch memory for each thread."""
        self.held += [array for array in arrays if not memory.belongs(array, self.blocks)]
        self.held += [room, ints]
        self.rooms = min(self.rooms, len(room))
        self.rows.append(row.tolist())

    @property
    def bytes(self) -> int:
        """How much memory the tape keeps for itself."""
        return sum(size * len(blocks) for size, blocks in self.blocks.items())

    def finish(self) -> None:
        """Make the tape ready to be played."""
        self._table = np.array(self.rows, np.int64)
        self._place = self._table.ctypes.data

    def set_key(self, noted: int, key: int) -> None:
        """Let what was noted with one dropout key use another."""
        for ints, place in self.keys.get(noted, ()):
            ints[place] = np.uint64(key).view(np.int64)

    def play(self) -> None:
        """Make all calls again, on what is in the arrays now."""
        crew.lead(self._place, len(self.rows), self.rooms)


class _Running(threading.local):
    tape: Tape | None = None


_running = _Running()


def record(function: Callable[[], Any]) -> tuple[Any, Tape]:
    """Call the function; return its result and a tape of the kernel calls it made.

    Look at the tape's `complete` before playing it. Memory of results is the tape's own.
    """
    tape, outer = Tape(), _running.tape
    if outer is not None:
        outer.complete = False
    try:
        _running.tape = tape
        with memory.set_apart() as tape.blocks:
            result = function()
    finally:
        _running.tape = outer
    tape.finish()
    return result, tape


def own_copy(array: Array) -> Array:
    """Return a copy that is the caller's for good, the batch innermost in memory."""
    axes = _block_axes(array)
    block = memory.aligned([array.shape[axis] for axis in axes], array.dtype)
    copy = block.transpose(axes)  # the axes swap first and last, so they undo themselves
    copy[...] = array
    return copy


def in_order(array: Array) -> Array:
    """Return the array, or a copy of it, with the batch innermost in memory."""
    return array if array.transpose(_block_axes(array)).flags.c_contiguous else own_copy(array)


def _block_axes(array: Array) -> tuple[int, ...]:
    return (array.ndim - 1, *range(1, array.ndim - 1), 0) if array.ndim > 1 else (0,)


def running() -> Tape | None:
    """Return the tape that notes this thread's calls, if there is one."""
    return _running.tape


def cannot_replay() -> None:
    """Say that something happens now which no tape can make again, such as a copy by NumPy."""
    if _running.tape is not None:
        _running.tape.complete = False


def write_key(ints: Array, place: int, key: int) -> None:
    """Write a dropout key among a call's integers, where a replay will look for it."""
    ints[place] = np.uint64(key).view(np.int64)
    if _running.tape is not None:
        _running.tape.keys.setdefault(key, []).append((ints, place))
