"""Notes of a step's kernel calls: how they are taken, and how they are played."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from npcnn import contracts
from npcnn.kernels.run import crew, memory
from npcnn.threads import MOST
from npcnn.watched import plain, told, watch

Array = np.ndarray


class Call(NamedTuple):
    """One op of a step, as its program prints it."""

    op: str
    layer: str
    shapes: str
    flops: int
    first: int  # of the entries it made
    last: int  # and the one after its last


class Notes:
    """Calls of task bodies, one an entry, and what is needed to make them again.

    Args:
        arena: where the ops take their memory from meanwhile; it knows the step's other arrays.
        watching: whether what ops return is to notice who reads it (`npcnn/watched.py`).

    Attributes:
        reason: why the calls may not be made again; None if they may.
        calls: the ops that made them.
    """

    def __init__(self, arena: memory.Arena, watching: bool = False) -> None:
        self.arena, self.watching = arena, watching
        self.entries: list[list[int]] = []
        self.reaches: list[list[int]] = []  # the bytes of each entry's arrays
        self.calls: list[Call] = []
        self.reason: str | None = None
        self._ints: list[Array] = []  # the entries hold only the addresses of these
        self._rooms_held: list[Array] = []
        self._rooms = MOST  # for how many threads there is scratch memory
        self._op: str | None = None
        self._table, self._place = np.zeros(0, np.int64), 0
        self._sealed: list[weakref.ref[Array]] = []

    def seal(self, result: Any) -> None:
        """Make an op's results read-only until the notes are finished.

        A layer that writes into one with NumPy does what no note says; now NumPy refuses it. Who
        seals does not hold: memory that nobody asks for any more is the next op's.
        """
        for array in result if isinstance(result, tuple) else (result,):
            if isinstance(array, np.ndarray) and array.flags.writeable and array.size:
                array.flags.writeable = False
                self._sealed.append(weakref.ref(array))

    def opened(self, array: Array) -> Array:
        """Return an array that may be written to; to compiled code, another is of another type."""
        if array.flags.writeable or not self.arena.owns(array.base):
            return array
        return np.ndarray(array.shape, array.dtype, array.base, self.arena.offset(array))

    def note(self, entry: Array, room: Array, ints: Array, reach: list[int]) -> None:
        """Note one call of a body; `room` holds scratch memory for each thread.

        The first of its arrays have so many bytes; the rest are the first one again.
        """
        places = entry[crew.ARRAYS : crew.SCRATCH].tolist()
        if self.reason is None and not all(map(self.arena.holds, places)):
            self.reason = f"{self._op or 'a kernel'} was given an array that no op made"
        self._rooms_held.append(room)
        self._ints.append(ints)
        self._rooms = min(self._rooms, len(room))
        self.entries.append(entry.tolist())
        self.reaches.append(reach)

    def listen(self, name: str, function: Callable | None, args: Any, kwargs: Any) -> Any:
        """Make an op, and note who called it with what."""
        if function is None:  # no op, but a reason
            self.reason = self.reason or name
            return None
        if self._op is not None:  # an op that another op calls is part of it
            return function(*args, **kwargs)
        layer = _caller(sys._getframe(2))
        self._op, first = f"{name} of {layer}" if layer else name, len(self.entries)
        try:
            result = function(*args, **kwargs)
        finally:
            self._op = None
        flops = contracts.OPS[name].flops
        shapes = [a.shape for a in (args[0], result) if isinstance(a, np.ndarray)]
        text = " → ".join("×".join(map(str, shape)) for shape in shapes)
        cost = 0 if flops is None else flops(*args, **kwargs)
        self.calls.append(Call(name, layer, text, cost, first, len(self.entries)))
        self.seal(result)
        return watch(result) if self.watching else result

    def tell(self, reason: str) -> None:
        """Take note of why the calls may not be made again."""
        self.reason = self.reason or reason

    def agree(self, other: Notes) -> bool:
        """Return whether other notes, of the same step, are of the same calls and constants.

        A number that Python reads from an array goes into these.
        """
        entries = [[entry[: crew.ARRAYS] for entry in notes.entries] for notes in (self, other)]
        pairs = [(self._ints, other._ints), (self.arena.constants, other.arena.constants)]
        return entries[0] == entries[1] and all(
            len(one) == len(two) and all(map(_same_numbers, one, two)) for one, two in pairs
        )

    def finish(self) -> None:
        """Make the notes ready to be played."""
        for sealed in self._sealed:
            array = sealed()
            if array is not None:
                array.flags.writeable = True
        self._sealed = []
        self._table = np.array(self.entries, np.int64)
        self._place = self._table.ctypes.data

    def last_with(self, arrays: Sequence[Array]) -> int:
        """Return the number of the first entry from which on no array is in any of these."""
        places = [memory.place_of(array) for array in arrays if array.size]
        for number in range(len(self.entries), 0, -1):
            entry, reach = self.entries[number - 1], self.reaches[number - 1]
            for start, size in zip(entry[crew.ARRAYS :], reach, strict=False):
                if any(start < stop and first < start + size for first, stop in places):
                    return number
        return 0

    def play(self, first: int = 0, last: int | None = None) -> None:
        """Make all noted calls again, or some entries of them, on what is in the arrays now."""
        last = len(self.entries) if last is None else last
        crew.lead(self._place + first * 8 * crew.WIDTH, last - first, self._rooms)


def _same_numbers(one: Array, other: Array) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def _caller(frame: Any) -> str:
    """Return the name of the layer, loss or optimizer that calls an op; an activation has none."""
    name = None
    for _ in range(4):
        name = getattr(frame.f_locals.get("self"), "name", None)
        if isinstance(name, str) or frame.f_back is None:
            break
        frame = frame.f_back
    return name if isinstance(name, str) else ""


class _Writing(threading.local):
    notes: Notes | None = None


_writing = _Writing()


def writing() -> Notes | None:
    """Return what notes this Python thread's calls, if something does."""
    return _writing.notes


def write(
    step: Callable[..., Any], inputs: Sequence[Array], known: Sequence[Array],
    things: list[Any] | None = None,
) -> tuple[Any, Notes]:  # fmt: skip
    """Call the step; return its result and the notes of the kernel calls it made.

    The memory of results is the notes' own from then on; nobody else is handed it.

    Args:
        step: what to call.
        inputs: what with.
        known: arrays that are there before it and that it reads or writes besides.
        things: objects of a user's own that it depends on; None if there are none, and nobody
            reads numbers.
    """
    known = [*inputs, *known]
    notes = Notes(memory.Arena(known), things is not None)
    outer, listener = _writing.notes, contracts.listening.listener
    try:
        _writing.notes, contracts.listening.listener = notes, notes.listen
        with memory.taken_from(notes.arena):
            if things is None:
                result = step(*inputs)
            else:
                with told(notes.tell, things, known):
                    result = plain(step(*watch(tuple(inputs))))
    finally:  # first of all, without a call, in which a Ctrl-C might come
        _writing.notes, contracts.listening.listener = outer, listener
        notes.finish()
    return result, notes
