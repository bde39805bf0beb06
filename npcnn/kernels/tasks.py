"""How work reaches the threads: one parallel loop for all ops.

An op's work is cut into tasks that can run in any order, and written as a *body*:

    body(task, a0, a1, a2, a3, a4, a5, a6, scratch, ints)

a0 … a6 are flat float arrays of one dtype, scratch is the thread's own working memory, ints says
all the rest (sizes, offsets, options). Bodies are compiled on their own, into functions with C's
calling convention; the parallel loop calls whichever it is handed. Numba's parallel loops are slow
to compile, and carry a copy of all they call: 4.5 s for the convolution alone, against 0.5 s for
this one loop. In compiled code the arrays are bare pointers: indexing never wraps or checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import get_thread_id, prange, types

from npcnn.kernels import memory, simd, tape
from npcnn.kernels.compile import JIT, both, native_function

Array = np.ndarray


def _emit_call(builder: Any, address: Any, task: Any, *values: Any) -> None:
    *arrays, scratch, offset, ints = values
    simd.call(builder, address, [task, *arrays, simd.at(builder, scratch, offset), ints])


@simd.native(_emit_call)
def _call(address: int, task: int, a0: Any, a1: Any, a2: Any, a3: Any, a4: Any, a5: Any, a6: Any,
          scratch: Any, offset: int, ints: Any) -> None:  # fmt: skip
    """Call the body at that address."""


def _each_task(address, tasks, a0, a1, a2, a3, a4, a5, a6, scratch, ints):  # type: ignore[no-untyped-def]
    # A thread gets the same share of every op, so a layer's rows are still in its core's cache when
    # the next layer asks for them. Tasks handed out one by one to whoever is free, which bears
    # with a busy neighbour better, made a step take 1.8 ms at best instead of 1.45.
    for task in prange(tasks):
        offset = get_thread_id() * scratch.shape[1]
        _call(address, task, a0, a1, a2, a3, a4, a5, a6, scratch, offset, ints)


_serial, _parallel = both(_each_task)


class Body:
    """A task's code: Python, and compiled at the first call with a dtype."""

    def __init__(self, function: Callable) -> None:
        self.function = function
        self.addresses: dict[np.dtype, int] = {}
        self.__doc__ = function.__doc__

    def _address(self, dtype: np.dtype) -> int:
        real = types.CPointer(types.float32 if dtype.itemsize == 4 else types.float64)
        ints = types.CPointer(types.int64)
        signature = types.void(types.int64, *[real] * 8, ints)
        self.addresses[dtype] = native_function(signature, self.function)
        return self.addresses[dtype]

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
        address = self.addresses.get(dtype) or self._address(dtype)
        running = tape.running()
        if running is not None:
            running.add(address, tasks, parallel, flat, room, ints)
        (_parallel if parallel and tasks > 1 else _serial)(address, tasks, *flat, room, ints)
