"""What dtype comes out: Keras's rules, by which Python's numbers count less than any array's.

Floats win over whole numbers, the larger of them over the smaller; a float of Python's makes whole
numbers `config.floatx()`, and leaves an array of floats what it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import config
from npcnn.checks import DtypeError, message, shown

Array = np.ndarray
NAMES = (
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16",
    "float32", "float64",
)  # fmt: skip


def dtype_of(dtype: Any, usual: Any = None) -> np.dtype:
    """Return a dtype by its name, class or object; the usual one for None.

    Args:
        dtype: of numbers.
        usual: what None stands for, `config.floatx()` without it.

    Raises:
        DtypeError: it is none of numbers.
    """
    if dtype is None:
        return np.dtype(config.floatx() if usual is None else usual)
    if dtype in (int, float) and isinstance(dtype, type):  # as in Keras
        return np.dtype("int32" if dtype is int else config.floatx())
    try:  # an object with a dtype of its own is none
        found = np.dtype(dtype if isinstance(dtype, (str, type, np.dtype)) else object)
    except Exception:  # whatever an object says when it is asked for its dtype
        found = np.dtype(object)
    if found.name not in NAMES:
        raise DtypeError(message("dtype", "one of " + ", ".join(NAMES), shown(dtype), "name one"))
    return found


def result_type(kinds: set[np.dtype], weak: set[type]) -> np.dtype:
    """Return what arrays of these dtypes and Python's numbers of these types meet in.

    >>> result_type({np.dtype("int64"), np.dtype("float16")}, {int})
    dtype('float16')
    """
    floats = [kind for kind in kinds if kind.kind == "f"]
    if floats:
        return np.result_type(*floats)
    whole = [kind for kind in kinds if kind.kind in "iu"]
    met = np.result_type(*whole) if whole else np.dtype("int32" if int in weak else "bool")
    return np.dtype(config.floatx()) if float in weak or met.kind == "f" else met


def met(values: list[Any]) -> list[Any]:
    """Return arrays and Python's numbers as arrays of one dtype.

    >>> [x.dtype.name for x in met([np.zeros(2, "uint8"), 0.5])]
    ['float32', 'float32']
    """
    kinds = {one.dtype for one in values if isinstance(one, np.ndarray)}
    weak = {type(one) for one in values if not isinstance(one, (np.ndarray, type(None)))}
    if len(kinds) == 1 and not weak:
        return values
    dtype = result_type(kinds, weak)
    return [one if one is None else np.asarray(one, dtype) for one in values]


def floats(x: Any) -> Array:
    """Return numbers as an array of floats."""
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(config.floatx())


def numbers(x: Any) -> Array:
    """Return truth values as int32, other numbers as they are."""
    x = np.asarray(x)
    return x.astype("int32") if x.dtype.kind == "b" else x


def wide(dtype: np.dtype) -> np.dtype:
    """Return what sums of numbers of this dtype are added up in: 32 bits or more of its kind.

    >>> wide(np.dtype("uint8")), wide(np.dtype("float16"))
    (dtype('uint32'), dtype('float16'))
    """
    if dtype.kind == "f" or dtype.itemsize > 4:
        return dtype
    return np.dtype("uint32" if dtype.kind == "u" else "int32")


def single(value: Array, given: list[Any]) -> Array:
    """Return float64 as `config.floatx()` where nobody asked for float64."""
    strong = any(isinstance(one, np.ndarray) and one.dtype == "float64" for one in given)
    return value.astype(config.floatx()) if value.dtype == "float64" and not strong else value
