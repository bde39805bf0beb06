"""Settings of the process: the float type new models get."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn import names
from npcnn.arguments import checked
from npcnn.checks import DtypeError, message, shown

__all__ = ["floatx", "set_floatx"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)

_floatx = "float32"
_TYPES = (float, np.float32, np.float64)


def floatx() -> str:
    """Return the float type of models that name none: 'float32' unless set otherwise.

    >>> floatx()
    'float32'
    """
    return _floatx


def named_dtype(value: Any, where: str) -> np.dtype:
    """Return a dtype given by name, as a type or as itself, or raise DtypeError."""
    dtype = None
    if isinstance(value, (str, np.dtype)) or any(value is t for t in _TYPES):
        with contextlib.suppress(TypeError, ValueError, SyntaxError):  # no such name
            dtype = np.dtype(value)
    # NumPy takes None for float64 in a comparison.
    if dtype is None or dtype not in (np.dtype("float32"), np.dtype("float64")):
        fix = "use float32 for speed or float64 for checking gradients"
        raise DtypeError(message(where, "'float32' or 'float64'", shown(value), fix))
    return dtype


@checked
def set_floatx(value: Annotated[Any, named_dtype]) -> None:
    """Make 'float32' or 'float64' the float type of models built from now on."""
    global _floatx
    _floatx = value.name


def float_dtype(value: Any, where: str) -> np.dtype:
    """Return value (None: the process's float type) as a dtype, or raise DtypeError.

    >>> float_dtype("float64", "Sequential(dtype)")
    dtype('float64')
    """
    return named_dtype(_floatx if value is None else value, where)


FloatType = Annotated[Any, float_dtype]  # out: a dtype
