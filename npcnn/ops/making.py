"""Arrays from nothing, and what is asked of arrays: shapes, types, copies."""

from __future__ import annotations

import itertools
from typing import Any, Literal

import numpy as np

from npcnn import config
from npcnn.ops.tape import FUNCTIONS, Tensor, listed_in, plain
from npcnn.symbolic import KerasTensor

Array = np.ndarray


def _type(dtype: Any) -> Any:
    return config.floatx() if dtype is None else dtype


@listed_in("making")
def shape(x: Any) -> tuple[Any, ...]:
    """Return x's shape."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(plain(x))


@listed_in("making")
def ndim(x: Any) -> int:
    """Return how many axes x has."""
    return len(shape(x))


@listed_in("making")
def size(x: Any) -> int:
    """Return how many numbers x has."""
    return int(np.prod(shape(x)))


@listed_in("making")
def dtype(x: Any) -> str:
    """Return the name of x's dtype."""
    return str(x.dtype)


@listed_in("making")
def zeros(shape: Any, dtype: Any = None) -> Array:
    """Return zeros."""
    return np.zeros(shape, _type(dtype))


@listed_in("making")
def ones(shape: Any, dtype: Any = None) -> Array:
    """Return ones."""
    return np.ones(shape, _type(dtype))


@listed_in("making")
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Array:
    """Return an array of one number."""
    return np.full(shape, plain(fill_value), _type(dtype))


def _like(x: Any, value: Any, dtype: Any) -> Any:
    if isinstance(x, KerasTensor):
        return FUNCTIONS["add"](FUNCTIONS["multiply"](x, 0.0), value)
    return np.full_like(np.asarray(plain(x)), plain(value), dtype=dtype)


@listed_in("making")
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Return zeros in x's shape and dtype."""
    return _like(x, 0, dtype)


@listed_in("making")
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Return ones in x's shape and dtype."""
    return _like(x, 1, dtype)


@listed_in("making")
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Return one number in x's shape and dtype."""
    return _like(x, fill_value, dtype)


@listed_in("making")
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Array:
    """Return numbers from start to before stop; int32 if they are whole."""
    if stop is None:
        start, stop = 0, start
    found = np.arange(start, stop, step)
    return found.astype(dtype or ("int32" if found.dtype.kind == "i" else config.floatx()))


@listed_in("making")
def linspace(start: Any, stop: Any, num: int = 50, dtype: Any = None) -> Array:
    """Return so many numbers from start to stop."""
    return np.linspace(start, stop, num).astype(_type(dtype))


@listed_in("making")
def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """Return the unit matrix."""
    return np.eye(N, M, k, _type(dtype))


@listed_in("making")
def identity(n: int, dtype: Any = None) -> Array:
    """Return the square unit matrix."""
    return np.eye(n, dtype=_type(dtype))


@listed_in("making")
def convert_to_tensor(x: Any, dtype: Any = None) -> Any:
    """Return numbers as an array; what can be gone back through stays so."""
    if isinstance(x, (Tensor, KerasTensor)):
        return x if dtype is None else FUNCTIONS["cast"](x, dtype)
    found = np.asarray(plain(x))
    if isinstance(x, float) and dtype is None:
        dtype = config.floatx()
    return found if dtype is None else found.astype(dtype)


array = convert_to_tensor


@listed_in("making")
def convert_to_numpy(x: Any) -> Array:
    """Return a copy as a plain array."""
    return np.array(plain(x))


@listed_in("making")
def is_tensor(x: Any) -> bool:
    """Return whether x is an array."""
    return isinstance(x, (Tensor, np.ndarray))


@listed_in("making")
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """Return the parts along an axis."""
    lead = (slice(None),) * (axis % ndim(x))
    return [x[(*lead, k)] for k in range(shape(x)[axis])]


@listed_in("making")
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Return equal parts along an axis, or those between places."""
    length = shape(x)[axis]
    places = indices_or_sections
    if not isinstance(places, (list, tuple, np.ndarray)):
        places = [length // places * k for k in range(1, places)]
    lead = (slice(None),) * (axis % ndim(x))
    ends = [0, *map(int, places), length]
    return [x[(*lead, slice(a, b))] for a, b in itertools.pairwise(ends)]


@listed_in("making")
def meshgrid(*x: Any, indexing: Literal["xy", "ij"] = "xy") -> list[Array]:
    """Return the coordinates of a grid."""
    arrays: Any = [plain(one) for one in x]
    return list(np.meshgrid(*arrays, indexing=indexing))


@listed_in("making")
def sort(x: Any, axis: int = -1) -> Any:
    """Return the numbers in order along an axis."""
    return FUNCTIONS["take_along_axis"](x, np.argsort(plain(x), axis, kind="stable"), axis=axis)


@listed_in("making")
def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Any, Array]:
    """Return the k largest of the last axis, and their places."""
    places = np.argsort(-np.asarray(plain(x)), axis=-1, kind="stable")[..., :k]
    return FUNCTIONS["take_along_axis"](x, places, axis=-1), places.astype("int32")


@listed_in("making")
def in_top_k(targets: Any, predictions: Any, k: int) -> Array:
    """Return for each row whether its class is among the k likeliest."""
    p, t = np.asarray(plain(predictions)), np.asarray(plain(targets)).astype(int)
    own = np.take_along_axis(p, t[:, np.newaxis], axis=1)
    return (p > own).sum(axis=1) < k


@listed_in("making")
def unravel_index(indices: Any, shape: Any) -> tuple[Array, ...]:
    """Return places in a row as places in a shape."""
    return np.unravel_index(plain(indices), tuple(shape))
