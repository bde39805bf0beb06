"""Parts of arrays: stacked, split, on and off a diagonal, cut out, put in."""

from __future__ import annotations

import builtins
import itertools
from typing import Any

import numpy as np

from npcnn.checks import positive_int, whole
from npcnn.ops.dtypes import dtype_of
from npcnn.ops.entry import MANY, Places, formula, listed_in, op, plain
from npcnn.ops.making import ndim, shape
from npcnn.ops.pointwise import Made, where
from npcnn.ops.reductions import sum
from npcnn.ops.shaping import concatenate, get_item, ravel, reshape, tensordot, transpose
from npcnn.ops.tape import require

Array = np.ndarray

# Stacked and split ------------------------------------------------------------------------------


@formula(listed=True)
def hstack(xs: Any) -> Any:
    """Return arrays joined along the second axis; those of one axis along it."""
    flat = [reshape(x, (1,)) if x.ndim == 0 else x for x in xs]
    return concatenate(flat, axis=0 if flat[0].ndim == 1 else 1)


@formula(listed=True)
def vstack(xs: Any) -> Any:
    """Return arrays joined along the first axis; those of one axis are rows."""
    return concatenate([reshape(x, (1, -1)) if x.ndim < 2 else x for x in xs], axis=0)


@formula(listed=True)
def dstack(xs: Any) -> Any:
    """Return arrays joined along the third axis."""
    deep = [reshape(x, (1, -1, 1)) if x.ndim < 2 else x for x in xs]
    return concatenate([reshape(x, (*x.shape, 1)) if x.ndim < 3 else x for x in deep], axis=2)


@formula(2)
def append(x1: Any, x2: Any, axis: int | None = None) -> Any:
    """Return x2 behind x1 along an axis, or both in a row."""
    return concatenate(
        [ravel(x1), ravel(x2)] if axis is None else [x1, x2], axis=0 if axis is None else axis
    )


@listed_in("pieces")
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Return parts along an axis: so many, the first longer by one, or those between places."""
    length, places = shape(x)[axis], indices_or_sections
    if not isinstance(places, (list, tuple, np.ndarray)):
        count = positive_int(places, "ops.array_split")
        require(count <= MANY, "ops.array_split", f"at most {MANY} parts", count, "make fewer")
        small, more = divmod(length, count)
        places = [k * small + builtins.min(k, more) for k in range(1, count)]
    require(len(places) <= MANY, "ops.array_split", f"at most {MANY} places", len(places), "fewer")
    ends = [0, *(whole(one, "ops.array_split") for one in places), length]
    lead = (np.s_[:],) * (axis % ndim(x))
    return [get_item(x, (*lead, np.s_[a:b])) for a, b in itertools.pairwise(ends)]


def _split_along(x: Any, places: Any, axis: int, where: str) -> list[Any]:
    whole = isinstance(places, (list, tuple, np.ndarray)) or shape(x)[axis] % places == 0
    require(whole, where, f"a divisor of {shape(x)[axis]}", places, "give places, or array_split")
    return array_split(x, places, axis)


@listed_in("pieces")
def hsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """Return parts along the second axis; of an array of one axis along it."""
    return _split_along(x, indices_or_sections, 1 if ndim(x) > 1 else 0, "ops.hsplit")


@listed_in("pieces")
def vsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """Return parts along the first axis."""
    return _split_along(x, indices_or_sections, 0, "ops.vsplit")


@listed_in("pieces")
def dsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """Return parts along the third axis."""
    return _split_along(x, indices_or_sections, 2, "ops.dsplit")


# Places moved, or left out ----------------------------------------------------------------------


def _moved(function: Any, x: Any, *how: Any) -> Made:
    """Return what a function that only moves numbers gives; 0 is where none has come to."""
    x = np.asarray(x)
    places = function(np.arange(1, x.size + 1).reshape(x.shape), *how)

    def back(g: Array) -> Any:
        found = np.bincount(places.ravel(), g.ravel(), x.size + 1)[1:]
        return (found.astype(g.dtype).reshape(x.shape),)

    return function(x, *how), back


@op(1)
def diag(x: Any, k: int = 0) -> Made:
    """Return a matrix's k-th diagonal, or a matrix with x on it."""
    return _moved(np.diag, x, k)


@op(1)
def diagflat(x: Any, k: int = 0) -> Made:
    """Return a matrix with the numbers of x on its k-th diagonal."""
    return _moved(np.diagflat, x, k)


@op(1)
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Made:
    """Return the diagonals of matrices along two axes."""
    return _moved(np.diagonal, x, offset, axis1, axis2)


@op(1)
def tril(x: Any, k: int = 0) -> Made:
    """Return matrices with zeros above the k-th diagonal."""
    return _moved(np.tril, x, k)


@op(1)
def triu(x: Any, k: int = 0) -> Made:
    """Return matrices with zeros below the k-th diagonal."""
    return _moved(np.triu, x, k)


@op(1)
def rot90(array: Any, k: int = 1, axes: Places = (0, 1)) -> Made:
    """Return x turned by k quarters in the plane of two axes."""
    return _moved(np.rot90, array, k, tuple(axes))


@op(1)
def fliplr(x: Any) -> Made:
    """Return x with its second axis in the opposite order."""
    return _moved(np.fliplr, x)


@op(1)
def flipud(x: Any) -> Made:
    """Return x with its first axis in the opposite order."""
    return _moved(np.flipud, x)


@formula()
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the sums of the diagonals along two axes."""
    return sum(diagonal(x, offset, axis1, axis2), axis=-1)


@listed_in("pieces")
def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """Return ones at and below the k-th diagonal, and zeros."""
    return np.tri(N, M, k, dtype_of(dtype))


# Products of all with all -----------------------------------------------------------------------


@formula(2)
def outer(x1: Any, x2: Any) -> Any:
    """Return the products of each number with each other."""
    return reshape(x1, (-1, 1)) * reshape(x2, (1, -1))


@formula(2)
def inner(x1: Any, x2: Any) -> Any:
    """Return the sums of products over the last axes."""
    return tensordot(x1, x2, [[-1], [-1]]) if x1.ndim and x2.ndim else x1 * x2


@formula(2)
def vdot(x1: Any, x2: Any) -> Any:
    """Return the sum of products of all numbers."""
    return sum(ravel(x1) * ravel(x2))


@formula(2)
def kron(x1: Any, x2: Any) -> Any:
    """Return the blocks that x2 times each number of x1 makes.

    >>> kron([1, 2], [1, 1]).tolist()
    [1, 1, 2, 2]
    """
    n = builtins.max(x1.ndim, x2.ndim)
    one, two = ((1,) * (n - x.ndim) + x.shape for x in (x1, x2))
    left = reshape(x1, [k for size in one for k in (size, 1)])
    right = reshape(x2, [k for size in two for k in (1, size)])
    return reshape(left * right, [a * b for a, b in zip(one, two, strict=True)])


@formula(2)
def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Return the vectors at right angles to two of two or three numbers each.

    >>> cross([1, 0, 0], [0, 1, 0]).tolist()
    [0, 0, 1]
    """
    a, b, c = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    fits = {x1.shape[a], x2.shape[b]} <= {2, 3}
    got = f"{x1.shape}, {x2.shape}"
    require(fits, "ops.cross", "vectors of 2 or 3", got, "name their axis")
    u = [get_item(x1, (np.s_[:],) * (a % x1.ndim) + (k,)) for k in range(x1.shape[a])]
    v = [get_item(x2, (np.s_[:],) * (b % x2.ndim) + (k,)) for k in range(x2.shape[b])]
    if len(u) == len(v) == 2:
        return u[0] * v[1] - u[1] * v[0]
    u, v = (one if len(one) == 3 else [*one, 0 * one[0]] for one in (u, v))
    parts = [u[i] * v[j] - u[j] * v[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    flat = [reshape(one, (*one.shape, 1)) for one in parts]
    found = concatenate(flat, axis=-1)
    order = [*range(found.ndim - 1)]
    order.insert(c % found.ndim, found.ndim - 1)
    return transpose(found, order)


@formula()
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Return the powers of each number in a row, the highest first.

    >>> vander([2, 3], 3).tolist()
    [[4, 2, 1], [9, 3, 1]]
    """
    count = x.shape[0] if N is None else N
    require(count <= MANY, "ops.vander", f"at most {MANY} powers", count, "make fewer")
    powers = np.arange(count)
    return reshape(x, (-1, 1)) ** (powers if increasing else powers[::-1]).astype(x.dtype)


# Cut out and put in -----------------------------------------------------------------------------


def _box(start_indices: Any, sizes: Any, whole: Any, name: str) -> tuple[Any, ...]:
    """Return the slices of a part, which is to lie within the whole."""
    starts = [int(one) for one in np.ravel(plain(start_indices))]
    ends = [a + int(n) for a, n in zip(starts, sizes, strict=True)]
    fits = len(starts) == len(whole)
    fits = fits and all(0 <= a <= b <= n for a, b, n in zip(starts, ends, whole, strict=True))
    require(fits, f"ops.{name}", f"a part of {whole}", f"{starts} to {ends}", "begin within it")
    return tuple(np.s_[a:b] for a, b in zip(starts, ends, strict=True))


@op(1)
def slice(inputs: Any, start_indices: Places, shape: Places) -> Made:
    """Return the part of this shape that begins at these places.

    >>> slice(np.arange(5), (1,), (3,)).tolist()
    [1, 2, 3]
    """
    x = np.asarray(inputs)
    place = _box(start_indices, shape, x.shape, "slice")

    def back(g: Array) -> Any:
        whole = np.zeros(x.shape, g.dtype)
        whole[place] = g
        return (whole,)

    return x[place], back


@listed_in("pieces")
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """Return a copy with other numbers in the part that begins at these places.

    >>> slice_update(np.zeros(4), (1,), np.ones(2)).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    return _put_in(inputs, updates, start_indices)


@op(2)
def _put_in(inputs: Any, updates: Any, start_indices: Any) -> Made:
    x, part = np.array(inputs), np.asarray(updates)
    place = _box(start_indices, part.shape, x.shape, "slice_update")
    return _replaced(x, place, part)


def _replaced(x: Array, place: Any, part: Array) -> Made:
    """Return an array with others put in at some places; it is changed."""
    x[place] = part

    def back(g: Array) -> Any:
        rest = np.array(g)
        rest[place] = 0
        return rest, g[place]

    return x, back


def _places(indices: Any, name: str) -> tuple[Array, ...]:
    """Return rows of places, one a number, as an index."""
    places = np.asarray(plain(indices))
    fits = places.dtype.kind in "iu" and places.ndim > 0
    require(fits, f"ops.{name}(indices)", "rows of whole numbers", indices, "cast them")
    return tuple(np.moveaxis(places, -1, 0))


@listed_in("pieces")
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Return zeros with values added at these places, a row of `indices` for each.

    >>> scatter([[1], [3]], [5.0, 6.0], (4,)).tolist()
    [0.0, 5.0, 0.0, 6.0]
    """
    return _scattered(values, indices, shape)


@op(1)
def _scattered(values: Any, indices: Any, shape: Any) -> Made:
    x, place = np.asarray(values), _places(indices, "scatter")
    whole = np.zeros(tuple(int(n) for n in shape), x.dtype)
    np.add.at(whole, place, x)
    return whole, lambda g: (g[place],)


_REDUCTIONS = {"add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}


@listed_in("pieces")
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """Return a copy with others at these places, or with 'add', 'max', 'min' or 'mul' of both.

    >>> scatter_update(np.zeros(3), [[1]], [5.0]).tolist()
    [0.0, 5.0, 0.0]
    """
    known = reduction is None or reduction in _REDUCTIONS
    names = "None, " + ", ".join(_REDUCTIONS)
    require(known, "ops.scatter_update(reduction)", names, reduction, "None puts them in place")
    return _put_at(inputs, updates, indices, reduction)


@op(2)
def _put_at(inputs: Any, updates: Any, indices: Any, reduction: str | None) -> Made:
    x, part, place = np.array(inputs), np.asarray(updates), _places(indices, "scatter_update")
    if reduction is not None:
        before, part = np.array(x), np.broadcast_to(part, x[place].shape)
        _REDUCTIONS[reduction].at(x, place, part)
        if reduction == "add":
            return x, lambda g: (g, g[place])
        if reduction == "mul":  # each place once; else there is no way back to the parts
            return x, lambda g: (g * np.where(before == 0, 0, x / before), g[place] * before[place])
        return x, lambda g: (np.where(x == before, g, 0), np.where(x[place] == part, g[place], 0))
    return _replaced(x, place, part)


@listed_in("pieces")
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Return from each place's first condition that holds the choice, else the default.

    >>> select([np.array([True, False])], [np.array([1, 2])], 9).tolist()
    [1, 9]
    """
    pairs = list(zip(condlist, choicelist, strict=True))
    require(pairs, "ops.select", "conditions and choices", "none", "give one of each")
    found = default
    for condition, choice in reversed(pairs):
        found = where(condition, choice, found)
    return found
