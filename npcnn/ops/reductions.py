"""What makes fewer numbers of many: sums, means, largest ones, norms; and goes along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import config
from npcnn.ops.dtypes import dtype_of, floats, numbers, wide
from npcnn.ops.entry import Places, Scalar, listed_in, op
from npcnn.ops.pointwise import Made

Array = np.ndarray


def _axes(axis: Any) -> Any:
    return tuple(int(a) for a in axis) if isinstance(axis, (list, tuple)) else axis


def spread(g: Array, x: Array, axis: Places | None, keepdims: bool) -> Array:
    """Return a reduction's gradient, repeated in the shape of what was reduced."""
    g = np.asarray(g)
    if axis is None:
        g = g.reshape((1,) * x.ndim)
    elif not keepdims:
        g = np.expand_dims(g, _axes(axis))
    return np.broadcast_to(g, x.shape)


def _count(x: Array, axis: Any) -> int:
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    return int(np.prod([x.shape[a] for a in axes], dtype=int))


@op(1)
def sum(x: Any, axis: Places | None = None, keepdims: bool = False) -> Made:
    """Return the sum over all numbers, or along axes.

    >>> sum([[1, 2], [3, 4]], axis=0).tolist()
    [4, 6]
    """
    x = numbers(x)
    y = np.sum(x, axis=_axes(axis), keepdims=keepdims, dtype=wide(x.dtype))
    return y, lambda g: (spread(g, x, axis, keepdims),)


def _mean(x: Array, axis: Any, keepdims: bool) -> Array:
    """Return the mean; of float16 added up in float32, of nothing NaN without a warning."""
    added = "float32" if x.dtype == "float16" else x.dtype
    total = np.sum(x, axis=_axes(axis), keepdims=keepdims, dtype=added)
    return np.asarray(total / total.dtype.type(_count(x, axis)), x.dtype)


def _over(g: Array, length: Array) -> Array:
    """Return a gradient divided by a length, 0 where there is none: no way is the steepest."""
    return np.where(length == 0, 0, g / np.where(length == 0, 1, length))


@op(1)
def mean(x: Any, axis: Places | None = None, keepdims: bool = False) -> Made:
    """Return the mean over all numbers, or along axes.

    >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
    [2.0, 3.0]
    """
    x = floats(x)
    n = _count(x, axis)
    y = _mean(x, axis, keepdims)
    return y, lambda g: (spread(g, x, axis, keepdims) / x.dtype.type(n),)


@op(1)
def var(x: Any, axis: Places | None = None, keepdims: bool = False) -> Made:
    """Return the mean square distance from the mean.

    >>> float(var([1.0, 3.0]))
    1.0
    """
    x = floats(x)
    off = x - _mean(x, axis, True)
    n = _count(x, axis)
    y = _mean(off * off, axis, keepdims)
    return y, lambda g: (spread(g, x, axis, keepdims) * off * x.dtype.type(2 / (n or 1)),)


@op(1)
def std(x: Any, axis: Places | None = None, keepdims: bool = False) -> Made:
    """Return the standard deviation.

    >>> float(std([1.0, 3.0]))
    1.0
    """
    x = floats(x)
    off = x - _mean(x, axis, True)
    n = _count(x, axis)
    y = np.sqrt(_mean(off * off, axis, keepdims))
    return y, lambda g: (spread(_over(g, y), x, axis, keepdims) * off * x.dtype.type(1 / (n or 1)),)


@op(1)
def prod(x: Any, axis: Places | None = None, keepdims: bool = False, dtype: Any = None) -> Made:
    """Return the product of all numbers, or along axes.

    >>> int(prod([2, 3]))
    6
    """
    x = numbers(x)
    x = x.astype(wide(x.dtype) if dtype is None else dtype_of(dtype), copy=False)
    y = np.prod(x, axis=_axes(axis), keepdims=keepdims, dtype=x.dtype)

    def back(g: Array) -> Any:
        zeros = (x == 0).sum(axis=_axes(axis), keepdims=True)
        others = np.prod(np.where(x == 0, 1, x), axis=_axes(axis), keepdims=True)
        slope = np.where(x == 0, others * (zeros == 1), others * (zeros == 0) / np.where(x, x, 1))
        return (spread(g, x, axis, keepdims) * slope.astype(g.dtype),)

    return y, back


def _extreme(x: Array, y: Array, axis: Any, keepdims: bool, slope: Any = 1) -> Any:
    """Return the way back from the largest, or smallest: equal ones share it."""

    def back(g: Array) -> Any:
        where = x == spread(y, x, axis, keepdims)
        shares = np.maximum(where.sum(axis=_axes(axis), keepdims=True), 1)
        return (spread(g, x, axis, keepdims) * (where / shares * slope).astype(x.dtype),)

    return back


def _found(of: Any, x: Any, axis: Any, keepdims: bool, initial: Any) -> Made:
    """Return what np.max or np.min finds, and the way back."""
    x = np.asarray(x)
    how = {} if initial is None else {"initial": initial}
    y = of(x, axis=_axes(axis), keepdims=keepdims, **how)
    return y, _extreme(x, y, axis, keepdims)


@op(1)
def max(x: Any, axis: Places | None = None, keepdims: bool = False, initial: Any = None) -> Made:
    """Return the largest number, or those along axes; `initial` is one of them.

    >>> max([[1, 2], [3, 4]], axis=1).tolist()
    [2, 4]
    """
    return _found(np.max, x, axis, keepdims, initial)


@op(1)
def min(x: Any, axis: Places | None = None, keepdims: bool = False, initial: Any = None) -> Made:
    """Return the smallest number, or those along axes; `initial` is one of them.

    >>> min([[1, 2], [3, 4]], axis=1).tolist()
    [1, 3]
    """
    return _found(np.min, x, axis, keepdims, initial)


@op(1)
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Made:
    """Return the place of the largest number.

    >>> int(argmax([1, 5, 2]))
    1
    """
    return np.argmax(x, axis=axis, keepdims=keepdims).astype("int32"), None


@op(1)
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Made:
    """Return the place of the smallest number.

    >>> int(argmin([1, 5, 2]))
    0
    """
    return np.argmin(x, axis=axis, keepdims=keepdims).astype("int32"), None


@op(1)
def argsort(x: Any, axis: int | None = -1) -> Made:
    """Return the places of the numbers in order.

    >>> argsort([3, 1, 2]).tolist()
    [1, 2, 0]
    """
    return np.argsort(x, axis=axis, kind="stable").astype("int32"), None


@op(1)
def all(x: Any, axis: Places | None = None, keepdims: bool = False) -> Made:
    """Return whether all are true.

    >>> bool(all([True, False]))
    False
    """
    return np.all(x, axis=_axes(axis), keepdims=keepdims), None


@op(1)
def any(x: Any, axis: Places | None = None, keepdims: bool = False) -> Made:
    """Return whether one is true.

    >>> bool(any([True, False]))
    True
    """
    return np.any(x, axis=_axes(axis), keepdims=keepdims), None


@op(1)
def count_nonzero(x: Any, axis: Places | None = None) -> Made:
    """Return how many numbers are not 0.

    >>> int(count_nonzero([0, 3, 4]))
    2
    """
    return np.asarray(np.count_nonzero(x, axis=_axes(axis))).astype("int32"), None


@op(1)
def norm(x: Any, ord: Any = None, axis: Places | None = None, keepdims: bool = False) -> Made:
    """Return the length, √Σx²; with ord=p of vectors (Σ|x|ᵖ)^(1/p).

    >>> float(norm([3.0, 4.0]))
    5.0
    """
    x = floats(x)
    y = np.asarray(np.linalg.norm(x, ord, _axes(axis), keepdims), x.dtype)
    matrix = x.ndim == 2 if axis is None else np.ndim(axis) and len(axis) == 2
    if ord in (None, "fro") or (ord == 2 and not matrix):
        return y, lambda g: (spread(_over(g, y), x, axis, keepdims) * x,)
    if matrix or not isinstance(ord, (int, float)) or ord == 0:
        return y, None
    if np.isinf(ord):
        return y, _extreme(np.abs(x), y, axis, keepdims, np.sign(x))

    def back(g: Array) -> Any:
        part = _over(np.abs(x), spread(y, x, axis, keepdims))
        slope = np.sign(x) * np.where(x == 0, 0 if ord > 1 else 1, part) ** x.dtype.type(ord - 1)
        return (spread(g, x, axis, keepdims) * slope,)

    return y, back


@op(1)
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Made:
    """Return the sums up to each place along an axis.

    >>> cumsum([1, 2, 3]).tolist()
    [1, 3, 6]
    """
    x = numbers(x)
    place = -1 if axis is None else axis

    def back(g: Array) -> Any:
        return (np.flip(np.cumsum(np.flip(g, place), place), place).reshape(x.shape),)

    return np.cumsum(x, axis, x.dtype if dtype is None else dtype_of(dtype)), back


@op(1)
def logsumexp(x: Any, axis: Places | None = None, keepdims: bool = False) -> Made:
    """Return ln Σ eˣ.

    >>> round(float(logsumexp([0.0, 0.0])), 4)
    0.6931
    """
    x = floats(x)
    top = np.max(x, axis=_axes(axis), keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    total = np.exp(x - top).sum(axis=_axes(axis), keepdims=True)
    y = np.log(total) + top
    weights = np.exp(x - y)
    found = y if keepdims else np.squeeze(y, tuple(range(x.ndim)) if axis is None else _axes(axis))
    return found, lambda g: (spread(g, x, axis, keepdims) * weights,)


@op(1)
def softmax(x: Any, axis: Places | None = -1) -> Made:
    """Return eˣ / Σ eˣ along an axis.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    x = floats(x)
    e = np.exp(x - x.max(axis=_axes(axis), keepdims=True))
    y = e / e.sum(axis=_axes(axis), keepdims=True)
    return y, lambda g: (y * (g - (g * y).sum(axis=_axes(axis), keepdims=True)),)


@op(1)
def log_softmax(x: Any, axis: Places | None = -1) -> Made:
    """Return x − ln Σ eˣ along an axis.

    >>> log_softmax([0.0, 0.0]).round(4)
    array([-0.6931, -0.6931], dtype=float32)
    """
    x = floats(x)
    off = x - x.max(axis=_axes(axis), keepdims=True)
    y = off - np.log(np.exp(off).sum(axis=_axes(axis), keepdims=True))
    return y, lambda g: (g - np.exp(y) * g.sum(axis=_axes(axis), keepdims=True),)


@op(1)
def normalize(x: Any, axis: int = -1, order: Scalar = 2, epsilon: Scalar | None = None) -> Made:
    """Return x divided by its length along an axis.

    >>> normalize([3.0, 4.0]).round(4)
    array([0.6, 0.8], dtype=float32)
    """
    x = floats(x)
    small = x.dtype.type(config.epsilon() if epsilon is None else epsilon)
    own = np.linalg.norm(x, order, axis, True).astype(x.dtype)
    length = np.maximum(own, small)
    y = x / length

    def back(g: Array) -> Any:
        part = np.sign(x) * (np.abs(x) / length) ** x.dtype.type(order - 1)
        moved = np.where(own > small, part * (g * y).sum(axis=axis, keepdims=True), 0)
        return ((g - moved) / length,)

    return y, back


@listed_in("reductions")
def moments(x: Any, axes: Places | None, keepdims: bool = False, synchronized: bool = False) -> Any:
    """Return mean and variance.

    >>> [float(part) for part in moments([1.0, 3.0], 0)]
    [2.0, 1.0]
    """
    return mean(x, axis=axes, keepdims=keepdims), var(x, axis=axes, keepdims=keepdims)
