"""Arrays from nothing, and what is asked of arrays: shapes, types, copies."""

from __future__ import annotations

import itertools
from typing import Any, Literal

import numpy as np

from npcnn.checks import is_whole, positive_int, whole
from npcnn.ops.dtypes import dtype_of, result_type, single
from npcnn.ops.entry import MANY, Places, listed_in, plain, strong
from npcnn.ops.tape import FUNCTIONS, Tensor, require
from npcnn.symbolic import KerasTensor

Array = np.ndarray


@listed_in("making")
def shape(x: Any) -> tuple[Any, ...]:
    """Return x's shape.

    >>> shape(np.ones((2, 3)))
    (2, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(plain(x))


@listed_in("making")
def ndim(x: Any) -> int:
    """Return how many axes x has.

    >>> ndim(np.ones((2, 3)))
    2
    """
    return len(shape(x))


@listed_in("making")
def size(x: Any) -> int:
    """Return how many numbers x has.

    >>> size(np.ones((2, 3)))
    6
    """
    return int(np.prod(shape(x)))


@listed_in("making")
def dtype(x: Any) -> str:
    """Return the name of x's dtype.

    >>> dtype(np.ones(2, "float32"))
    'float32'
    """
    return str(x.dtype)


def sizes(shape: Any) -> tuple[int, ...]:
    """Return a shape: of one number, that of a row.

    >>> sizes([2, 3]), sizes(4)
    ((2, 3), (4,))
    """
    listed = isinstance(shape, (list, tuple, range)) or np.ndim(shape) == 1
    return tuple(whole(n, "a shape") for n in (shape if listed else [shape]))


@listed_in("making")
def zeros(shape: Any, dtype: Any = None) -> Array:
    """Return zeros.

    >>> zeros((2,)).tolist()
    [0.0, 0.0]
    """
    return np.zeros(sizes(shape), dtype_of(dtype))


@listed_in("making")
def ones(shape: Any, dtype: Any = None) -> Array:
    """Return ones.

    >>> ones((2,)).tolist()
    [1.0, 1.0]
    """
    return np.ones(sizes(shape), dtype_of(dtype))


@listed_in("making")
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Array:
    """Return an array of one number.

    >>> full((2,), 7).tolist()
    [7.0, 7.0]
    """
    return np.full(sizes(shape), plain(fill_value), dtype_of(dtype))


def _like(x: Any, value: Any, dtype: Any) -> Any:
    if isinstance(x, KerasTensor):
        return FUNCTIONS["add"](FUNCTIONS["multiply"](x, 0.0), value)
    return np.full_like(strong(x), plain(value), dtype=None if dtype is None else dtype_of(dtype))


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
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Array:
    """Return numbers from start to before stop; int32 if they are whole.

    >>> arange(1, 7, 2).tolist()
    [1, 3, 5]
    """
    require(start is not None, "ops.arange(start)", "a number", start, "arange(5) starts at 0")
    ends = [plain(one) for one in (start, stop, step) if one is not None]
    if dtype is None:
        kinds = {one.dtype for one in ends if isinstance(one, np.ndarray)}
        dtype = result_type(kinds, {type(one) for one in ends} | {int})
    ends = ends if stop is not None else [0, *ends]
    return np.arange(*ends).astype(dtype_of(dtype))


@listed_in("making")
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    """Return so many numbers from start to stop.

    >>> linspace(0.0, 1.0, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    one, two = plain(start), plain(stop)
    found, step = np.linspace(one, two, num, endpoint=endpoint, retstep=True, axis=axis)
    kind = dtype_of(dtype, single(np.asarray(found), [one, two]).dtype)
    return (found.astype(kind), step) if retstep else found.astype(kind)


@listed_in("making")
def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """Return the unit matrix.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return np.eye(N, M, k, dtype_of(dtype))


@listed_in("making")
def identity(n: int, dtype: Any = None) -> Array:
    """Return the square unit matrix."""
    return np.eye(n, dtype=dtype_of(dtype))


@listed_in("making")
def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Any:
    """Return numbers as an array; what can be gone back through stays so.

    >>> convert_to_tensor([1, 2], "float32")
    array([1., 2.], dtype=float32)
    """
    for kind, value in (("sparse", sparse), ("ragged", ragged)):
        known = value is None or (isinstance(value, (bool, int)) and not value)
        where = f"ops.convert_to_tensor({kind})"
        require(known, where, "False", value, "arrays here are dense")
    if isinstance(x, (Tensor, KerasTensor)):
        return x if dtype is None else FUNCTIONS["cast"](x, dtype)
    return FUNCTIONS["cast"](x, strong(x).dtype if dtype is None else dtype)


array = convert_to_tensor


@listed_in("making")
def convert_to_numpy(x: Any) -> Array:
    """Return a copy as a plain array.

    >>> convert_to_numpy([1, 2]).tolist()
    [1, 2]
    """
    return np.array(strong(x))


@listed_in("making")
def is_tensor(x: Any) -> bool:
    """Return whether x is an array."""
    return isinstance(x, (Tensor, np.ndarray))


def _place(axis: Any, x: Any) -> int:
    """Return an axis as a number from 0 on."""
    axes = ndim(x)
    require(is_whole(axis) and -axes <= axis < axes, "axis", f"one of {axes}", axis, "-1 is last")
    return int(axis) % axes


MOST_PARTS = 1 << 16  # each is an array of its own
_ELSE = "reshape, and compute with them together"


@listed_in("making")
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """Return the parts along an axis.

    >>> [part.tolist() for part in unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    lead = (slice(None),) * _place(axis, x)
    count = shape(x)[axis]
    require(count <= MOST_PARTS, "ops.unstack", f"at most {MOST_PARTS} parts", count, _ELSE)
    return [FUNCTIONS["get_item"](x, (*lead, k)) for k in range(count)]


@listed_in("making")
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Return equal parts along an axis, or those between places.

    >>> [part.tolist() for part in split([1, 2, 3, 4], 2)]
    [[1, 2], [3, 4]]
    """
    place = _place(axis, x)
    length, places = shape(x)[place], indices_or_sections
    if not isinstance(places, (list, tuple, np.ndarray)):
        count = positive_int(places, "ops.split")
        require(count <= MOST_PARTS, "ops.split", f"at most {MOST_PARTS} parts", count, _ELSE)
        require(length % count == 0, "ops.split", f"a divisor of {length}", count, "give places")
        places = [length // count * k for k in range(1, count)]
    count = len(places) + 1
    require(count <= MOST_PARTS, "ops.split", f"at most {MOST_PARTS} parts", count, _ELSE)
    lead = (slice(None),) * place
    require(len(places) <= MANY, "ops.split", f"at most {MANY} places", len(places), "make fewer")
    ends = [0, *(whole(one, "ops.split") for one in places), length]
    return [FUNCTIONS["get_item"](x, (*lead, slice(a, b))) for a, b in itertools.pairwise(ends)]


@listed_in("making")
def meshgrid(*x: Any, indexing: Literal["xy", "ij"] = "xy") -> list[Array]:
    """Return the coordinates of a grid.

    >>> [part.tolist() for part in meshgrid([1, 2], [3, 4])]
    [[[1, 2], [1, 2]], [[3, 3], [4, 4]]]
    """
    arrays: Any = [plain(one) for one in x]
    return list(np.meshgrid(*arrays, indexing=indexing))


@listed_in("making")
def sort(x: Any, axis: int | None = -1) -> Any:
    """Return the numbers in order along an axis.

    >>> sort([3, 1, 2]).tolist()
    [1, 2, 3]
    """
    places = np.argsort(np.asarray(plain(x)), axis, kind="stable")
    return FUNCTIONS["take_along_axis"](x, places, axis=axis)


@listed_in("making")
def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Any, Array]:
    """Return the k largest of the last axis, and their places.

    >>> [part.tolist() for part in top_k([3, 1, 2], 2)]
    [[3, 2], [0, 2]]
    """
    numbers = np.flip(np.asarray(plain(x)), -1)
    places = numbers.shape[-1] - 1 - np.flip(np.argsort(numbers, axis=-1, kind="stable"), -1)
    require(0 <= k <= numbers.shape[-1], "ops.top_k(k)", "at most the last axis", k, "give fewer")
    places = places[..., :k]
    return FUNCTIONS["take_along_axis"](x, places, axis=-1), places.astype("int32")


@listed_in("making")
def in_top_k(targets: Any, predictions: Any, k: int) -> Array:
    """Return for each row whether its class is among the k likeliest.

    >>> in_top_k([2], [[0.1, 0.6, 0.3]], 2).tolist()
    [True]
    """
    p, t = np.asarray(plain(predictions)), np.asarray(plain(targets)).astype(int)
    own = np.take_along_axis(p, t[:, np.newaxis], axis=1)
    return (p > own).sum(axis=1) < whole(k, "ops.in_top_k(k)")


@listed_in("making")
def unravel_index(indices: Any, shape: Places) -> tuple[Array, ...]:
    """Return places in a row as places in a shape.

    >>> [int(part) for part in unravel_index(5, (2, 3))]
    [1, 2]
    """
    return tuple(one.astype("int32") for one in np.unravel_index(plain(indices), tuple(shape)))
