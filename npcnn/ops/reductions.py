"""What makes fewer numbers of many: sums, means, largest ones, norms; and goes along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.ops.pointwise import Made
from npcnn.ops.tape import op

Array = np.ndarray


def _axes(axis: Any) -> Any:
    return tuple(int(a) for a in axis) if isinstance(axis, (list, tuple)) else axis


def spread(g: Array, x: Array, axis: Any, keepdims: bool) -> Array:
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


def _floats(x: Any) -> Array:
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype("float32")


def _whole(x: Any) -> Array:
    x = np.asarray(x)
    return x.astype("int32") if x.dtype.kind == "b" else x


@op(1)
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Made:
    """Return the sum over all numbers, or along axes."""
    x = _whole(x)
    y = np.sum(x, axis=_axes(axis), keepdims=keepdims)
    return y, lambda g: (spread(g, x, axis, keepdims),)


@op(1)
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Made:
    """Return the mean over all numbers, or along axes."""
    x = _floats(x)
    y = np.mean(x, axis=_axes(axis), keepdims=keepdims)
    n = _count(x, axis)
    return y, lambda g: (spread(g, x, axis, keepdims) / x.dtype.type(n),)


@op(1)
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Made:
    """Return the mean square distance from the mean."""
    x = _floats(x)
    off = x - x.mean(axis=_axes(axis), keepdims=True)
    n = _count(x, axis)
    y = np.mean(off * off, axis=_axes(axis), keepdims=keepdims)
    return y, lambda g: (spread(g, x, axis, keepdims) * off * x.dtype.type(2 / n),)


@op(1)
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Made:
    """Return the standard deviation."""
    x = _floats(x)
    off = x - x.mean(axis=_axes(axis), keepdims=True)
    n = _count(x, axis)
    y = np.sqrt(np.mean(off * off, axis=_axes(axis), keepdims=keepdims))
    return y, lambda g: (spread(g / y, x, axis, keepdims) * off * x.dtype.type(1 / n),)


@op(1)
def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Made:
    """Return the product of all numbers, or along axes; its gradient where none of them is 0."""
    x = np.asarray(x)
    y = np.prod(x, axis=_axes(axis), keepdims=keepdims)
    return y, lambda g: (spread(g * y, x, axis, keepdims) / x,)


def _extreme(x: Array, y: Array, axis: Any, keepdims: bool) -> Any:
    """Return the way back from the largest, or smallest: equal ones share it."""

    def back(g: Array) -> Any:
        where = x == spread(y, x, axis, keepdims)
        shares = where.sum(axis=_axes(axis), keepdims=True)
        return (spread(g, x, axis, keepdims) * (where / shares).astype(x.dtype),)

    return back


@op(1)
def max(x: Any, axis: Any = None, keepdims: bool = False) -> Made:
    """Return the largest number, or those along axes."""
    x = np.asarray(x)
    y = np.max(x, axis=_axes(axis), keepdims=keepdims)
    return y, _extreme(x, y, axis, keepdims)


@op(1)
def min(x: Any, axis: Any = None, keepdims: bool = False) -> Made:
    """Return the smallest number, or those along axes."""
    x = np.asarray(x)
    y = np.min(x, axis=_axes(axis), keepdims=keepdims)
    return y, _extreme(x, y, axis, keepdims)


@op(1)
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Made:
    """Return the place of the largest number."""
    return np.argmax(x, axis=axis, keepdims=keepdims).astype("int32"), None


@op(1)
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Made:
    """Return the place of the smallest number."""
    return np.argmin(x, axis=axis, keepdims=keepdims).astype("int32"), None


@op(1)
def argsort(x: Any, axis: int = -1) -> Made:
    """Return the places of the numbers in order."""
    return np.argsort(x, axis=axis, kind="stable").astype("int32"), None


@op(1)
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Made:
    """Return whether all are true."""
    return np.all(x, axis=_axes(axis), keepdims=keepdims), None


@op(1)
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Made:
    """Return whether one is true."""
    return np.any(x, axis=_axes(axis), keepdims=keepdims), None


@op(1)
def count_nonzero(x: Any, axis: Any = None) -> Made:
    """Return how many numbers are not 0."""
    return np.asarray(np.count_nonzero(x, axis=_axes(axis))).astype("int32"), None


@op(1)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Made:
    """Return the length, √Σx²; with ord=1 the sum of |x|."""
    x = _floats(x)
    y = np.linalg.norm(x, ord, _axes(axis), keepdims)

    def back(g: Array) -> Made:
        with np.errstate(all="ignore"):
            slope = np.sign(x) if ord == 1 else x / spread(y, x, axis, keepdims)
        return (spread(g, x, axis, keepdims) * slope,)  # type: ignore[return-value]

    return y, back  # type: ignore[return-value]


@op(1)
def cumsum(x: Any, axis: int | None = None) -> Made:
    """Return the sums up to each place along an axis."""
    x = np.asarray(x)
    place = -1 if axis is None else axis

    def back(g: Array) -> Any:
        return (np.flip(np.cumsum(np.flip(g, place), place), place).reshape(x.shape),)

    return np.cumsum(x, axis), back


@op(1)
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Made:
    """Return ln Σ eˣ."""
    x = _floats(x)
    top = x.max(axis=_axes(axis), keepdims=True)
    total = np.exp(x - top).sum(axis=_axes(axis), keepdims=True)
    y = np.log(total) + top
    weights = np.exp(x - y)
    found = y if keepdims else np.squeeze(y, tuple(range(x.ndim)) if axis is None else _axes(axis))
    return found, lambda g: (spread(g, x, axis, keepdims) * weights,)


@op(1)
def softmax(x: Any, axis: Any = -1) -> Made:
    """Return eˣ / Σ eˣ along an axis."""
    x = _floats(x)
    e = np.exp(x - x.max(axis=_axes(axis), keepdims=True))
    y = e / e.sum(axis=_axes(axis), keepdims=True)
    return y, lambda g: (y * (g - (g * y).sum(axis=_axes(axis), keepdims=True)),)


@op(1)
def log_softmax(x: Any, axis: Any = -1) -> Made:
    """Return x − ln Σ eˣ along an axis."""
    x = _floats(x)
    off = x - x.max(axis=_axes(axis), keepdims=True)
    y = off - np.log(np.exp(off).sum(axis=_axes(axis), keepdims=True))
    return y, lambda g: (g - np.exp(y) * g.sum(axis=_axes(axis), keepdims=True),)


@op(1)
def normalize(x: Any, axis: int = -1, order: int = 2, epsilon: float | None = None) -> Made:
    """Return x divided by its length along an axis."""
    x = _floats(x)
    small = 1e-12 if epsilon is None else epsilon
    length = np.maximum(np.linalg.norm(x, order, axis, True), small)
    y = x / length
    slope = np.sign(x) if order == 1 else y
    return y, lambda g: ((g - slope * (g * y).sum(axis=axis, keepdims=True)) / length,)


@op(1)
def moments(x: Any, axes: Any, keepdims: bool = False) -> Made:
    """Return mean and variance, of plain arrays."""
    x = _floats(x)
    where = _axes(axes)
    both = [x.mean(axis=where, keepdims=keepdims), x.var(axis=where, keepdims=keepdims)]
    return np.stack(both), None
