"""How work is written, and how it reaches the threads: one way for all ops.

An op's work is cut into tasks that can run in any order, and written as a *body*:

    body(task, a0, a1, a2, a3, a4, a5, a6, scratch, ints)

a0 … a6 are flat float arrays of one dtype, scratch is the thread's own working memory, ints says
all the rest (sizes, offsets, options). Bodies are compiled on their own, into functions with C's
calling convention, and called by address: nothing that shares out work carries a copy of them. In
compiled code the arrays are bare pointers: indexing never wraps or checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from npcnn.kernels import crew, memory, simd, tape
from npcnn.kernels.compile import JIT, kernel, native_function
from npcnn.kernels.simd import INT

Array = np.ndarray


def _emit_addresses(builder: Any, row: Any, *arrays: Any) -> None:
    places = [*range(crew.ARRAYS, crew.SCRATCH), crew.SCRATCH, crew.INTS]
    for place, array in zip(places, arrays, strict=True):
        builder.store(builder.ptrtoint(array, INT), simd.at(builder, row, INT(place)))


@simd.native(_emit_addresses)
def _write_addresses(row: Any, a0: Any, a1: Any, a2: Any, a3: Any, a4: Any, a5: Any, a6: Any,
                     scratch: Any, ints: Any) -> None:  # fmt: skip
    """Write where the arrays lie into a row of calls; compiled code only."""


@kernel
def _write_row(row, body, tasks, parallel, pitch, a0, a1, a2, a3, a4, a5, a6, scratch, ints):  # type: ignore[no-untyped-def]
    """Fill a row of calls; return where it lies."""
    row[crew.BODY], row[crew.TASKS], row[crew.PARALLEL] = body, tasks, parallel
    row[crew.PITCH] = pitch
    _write_addresses(row, a0, a1, a2, a3, a4, a5, a6, scratch, ints)
    return row.ctypes.data


class Body:
    """A task's code: Python, and compiled at the first call with a dtype.

    With `mixed`, a1 is of a dtype of its own.
    """

    def __init__(self, function: Callable, mixed: bool = False) -> None:
        self.function, self.mixed = function, mixed
        self.addresses: dict[Any, int] = {}
        self.__doc__ = function.__doc__

    def _address(self, dtype: np.dtype, other: np.dtype) -> int:
        real, second = (types.CPointer(numba_type(d)) for d in (dtype, other))
        ints = types.CPointer(types.int64)
        signature = types.void(types.int64, real, second, *[real] * 6, ints)
        address = native_function(signature, self.function)
        self.addresses[(dtype, other) if self.mixed else dtype] = address
        return address

    def __call__(
        self, tasks: int, parallel: bool, arrays: list[Array], ints: Array, scratch: int = 0
    ) -> None:
        """Run all tasks; `arrays` are C-contiguous, `scratch` is what one needs, in elements."""
        dtype = arrays[0].dtype
        room = memory.scratch(scratch, dtype)
        flat = [array.reshape(-1) for array in arrays]
        flat += [flat[0]] * (7 - len(flat))
        if not JIT:
            for task in range(tasks):
                self.function(task, *flat, room[0], ints)
            return
        other = flat[1].dtype if self.mixed else dtype
        address = self.addresses.get((dtype, other) if self.mixed else dtype)
        address = address or self._address(dtype, other)
        row = np.empty(crew.WIDTH, np.int64)  # the call's own: a signal handler may call ops too
        pitch = room.shape[1] * room.itemsize
        shared = int(parallel and tasks > 1)
        place = _write_row(row, address, int(tasks), shared, pitch, *flat, room, ints)
        running = tape.running()
        if running is not None:
            running.add(row, flat, room, ints)
        crew.lead(place, 1, len(room))


def numba_type(dtype: np.dtype) -> Any:
    """Return Numba's type for numbers of a dtype."""
    from numba.np.numpy_support import from_dtype

    return from_dtype(dtype)
