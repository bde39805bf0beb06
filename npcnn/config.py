"""Settings of the process: the float type new models get, and what Keras has beside it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import numpy as np

from npcnn import names
from npcnn.arguments import checked
from npcnn.checks import ArgumentError, DtypeError, StateError, message, number, one_of, shown
from npcnn.streams import say

__all__ = [
    "backend", "epsilon", "floatx", "image_data_format", "set_epsilon", "set_floatx",
    "set_image_data_format",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)

Backend = Literal["numba", "numpy"]
chosen: Backend | None = None  # the backend in use, once it was asked for
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
    """Make 'float32' or 'float64' the float type of models built from now on.

    >>> set_floatx("float64")
    >>> floatx()
    'float64'
    >>> set_floatx("float32")
    """
    global _floatx
    _floatx = value.name


def get_backend() -> Backend:
    """Return the name of the backend in use: 'numba' or 'numpy'.

    >>> get_backend() in ("numba", "numpy")
    True
    """
    global chosen
    if chosen is None:
        wanted = os.environ.get("NPCNN_BACKEND")
        if wanted is None and not has_numba():
            say("npcnn: without numba the fast kernels are missing: pip install numba", "stderr")
            chosen = "numpy"
        else:
            where = "environment variable NPCNN_BACKEND"
            chosen = installed(one_of(wanted or "numba", get_args(Backend), where), where)
    return chosen


def has_numba() -> bool:
    """Return whether Numba is installed; it is not loaded for that."""
    return importlib.util.find_spec("numba") is not None


def installed(name: Any, where: str) -> Backend:
    """Return the backend's name, or raise StateError without the library that it needs."""
    if name == "numba" and not has_numba():
        fix = "pip install numba, or use 'numpy'"
        raise StateError(message(where, "numba to be installed", "none", fix))
    return name


def backend() -> str:
    """Return the name of the backend in use, as `npcnn.get_backend` does.

    >>> backend() in ("numba", "numpy")
    True
    """
    return get_backend()


def image_data_format() -> str:
    """Return 'channels_last': pictures are (N, H, W, C) here, always.

    >>> image_data_format()
    'channels_last'
    """
    return "channels_last"


@checked
def set_image_data_format(data_format: Literal["channels_last"]) -> None:
    """Take 'channels_last', the order of axes that there is; ArgumentError for another."""


def epsilon() -> float:
    """Return 1e-7, which losses and metrics keep off the edges by.

    >>> epsilon()
    1e-07
    """
    return 1e-7


def _epsilon(value: Any, where: str) -> float:
    if number(value, where) != epsilon():
        fix = "leave it; optimizers and layers take an epsilon each"
        raise ArgumentError(message(where, "1e-07, as the kernels have it", shown(value), fix))
    return epsilon()


@checked
def set_epsilon(value: Annotated[float, _epsilon]) -> None:
    """Take 1e-7, the epsilon that there is; ArgumentError for another."""


def float_dtype(value: Any, where: str) -> np.dtype:
    """Return value (None: the process's float type) as a dtype, or raise DtypeError.

    >>> float_dtype("float64", "Sequential(dtype)")
    dtype('float64')
    """
    return named_dtype(_floatx if value is None else value, where)


FloatType = Annotated[Any, float_dtype]  # out: a dtype
