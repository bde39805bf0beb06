"""Settings of the process: the float type new models get."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.checks import DtypeError, message

_floatx = "float32"


def floatx() -> str:
    """Return the float type of models that name none: 'float32' unless set otherwise.

    >>> floatx()
    'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Make 'float32' or 'float64' the float type of models built from now on."""
    global _floatx
    _floatx = float_dtype(value, "set_floatx(value)").name


def float_dtype(value: Any, where: str) -> np.dtype:
    """Return value (None: the process's float type) as a dtype, or raise DtypeError.

    >>> float_dtype("float64", "Sequential(dtype)")
    dtype('float64')
    """
    try:
        dtype = np.dtype(_floatx if value is None else value)
    except TypeError:
        dtype = None
    # NumPy takes None for float64 in a comparison.
    if dtype is None or dtype not in (np.dtype("float32"), np.dtype("float64")):
        fix = "use float32 for speed or float64 for checking gradients"
        raise DtypeError(message(where, "'float32' or 'float64'", repr(value), fix))
    return dtype
