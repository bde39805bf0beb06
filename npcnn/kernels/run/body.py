"""How work is written, and how it reaches the threads: one way for all ops.

An op's work is cut into tasks that can run in any order, and written as a *body*:

    body(task, ints, scratch, a0, a1, …)

ints says all that is no array (sizes, offsets, options), scratch is the thread's own working
memory, a0, a1, … are flat float arrays of one dtype, seven at most. Bodies are compiled on their
own, into functions with C's calling convention, and called by address: nothing that shares out work
carries a copy of them. All are called alike, with seven arrays; by that convention who calls also
clears away, so that a body names only those it has.
In compiled code the arrays are bare pointers: indexing never wraps or checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from npcnn.kernels.run import compile as compiling
from npcnn.kernels.run import crew, memory, notes
from npcnn.kernels.run.compile import JIT, kernel, native_function

Array = np.ndarray
_BYTE = np.dtype(np.uint8)
MOST_ARRAYS = crew.SCRATCH - crew.ARRAYS


@kernel
def _write_entry(entry, body, tasks, parallel, pitch, arrays, scratch, ints):
    """Fill a call's entry; return where it lies."""
    entry[crew.BODY], entry[crew.TASKS], entry[crew.PARALLEL] = body, tasks, parallel
    a, b, c, d, e, f, g = arrays  # not in a loop: those that may not be written have another type
    entry[crew.ARRAYS], entry[crew.ARRAYS + 1] = a.ctypes.data, b.ctypes.data
    entry[crew.ARRAYS + 2], entry[crew.ARRAYS + 3] = c.ctypes.data, d.ctypes.data
    entry[crew.ARRAYS + 4], entry[crew.ARRAYS + 5] = e.ctypes.data, f.ctypes.data
    entry[crew.ARRAYS + 6] = g.ctypes.data
    entry[crew.SCRATCH], entry[crew.PITCH] = scratch.ctypes.data, pitch
    entry[crew.INTS] = ints.ctypes.data
    return entry.ctypes.data


class Body:
    """A task's code: Python, and compiled at the first call with a dtype.

    With `mixed`, each array is of a dtype of its own.
    """

    def __init__(self, function: Callable, mixed: bool = False) -> None:
        self.function, self.mixed = function, mixed
        self.addresses: dict[Any, int] = {}
        self.__doc__ = function.__doc__

    def _address(self, kind: Any, flat: list[Array]) -> int:
        arrays = [types.CPointer(numba_type(array.dtype)) for array in (flat[0], *flat)]
        signature = types.void(types.int64, types.CPointer(types.int64), *arrays)
        address = self.addresses[kind] = native_function(signature, self.function)
        return address

    def __call__(
        self, tasks: int, parallel: bool, arrays: list[Array], ints: Array, scratch: int = 0
    ) -> None:
        """Run all tasks; `arrays` are C-contiguous, `scratch` is what one needs, in elements."""
        dtype = arrays[0].dtype
        room = memory.scratch(scratch, dtype)
        flat = [array.ravel() for array in arrays]  # views: a third of what reshape(-1) takes
        writing = notes.writing()
        if writing is not None:
            flat = [writing.opened(array) for array in flat]
        if not JIT:
            for task in range(tasks):
                self.function(task, ints, room[0], *flat)
            return
        kind: Any = tuple([array.dtype for array in flat]) if self.mixed else dtype
        body = self.addresses.get(kind) or self._address(kind, flat)
        if compiling.planned is not None:
            return
        # As bytes, arrays of all dtypes have one type: `_write_entry` is compiled once.
        data = [array.view(_BYTE) for array in flat]
        data += data[:1] * (MOST_ARRAYS - len(data))
        entry = np.empty(crew.WIDTH, np.int64)  # the call's own: a signal handler may call ops too
        pitch, shared = room.shape[1] * room.itemsize, int(parallel and tasks > 1)
        scratch_bytes = room.view(_BYTE)
        place = _write_entry(
            entry, body, int(tasks), shared, pitch, tuple(data), scratch_bytes, ints
        )
        if writing is not None:
            writing.note(entry, room, ints, [array.nbytes for array in flat])
        crew.lead(place, 1, len(room) if shared else 1)  # for one thread nobody is woken


def numba_type(dtype: np.dtype) -> Any:
    """Return Numba's type for numbers of a dtype."""
    from numba.np.numpy_support import from_dtype

    return from_dtype(dtype)
