"""Averages, quantiles, counts; sums that pass over what is no number; differences along an axis."""

from __future__ import annotations

import builtins
import math
import warnings
from typing import Any

import numpy as np

from npcnn.arguments import Listed
from npcnn.checks import whole
from npcnn.ops.dtypes import dtype_of, floats, numbers
from npcnn.ops.entry import Places, Scalar, formula, listed_in, op, plain, strong
from npcnn.ops.making import shape, sort
from npcnn.ops.pointwise import Made, clip, isnan, multiply, sqrt, where
from npcnn.ops.reductions import cumsum, max, mean, min, prod, sum
from npcnn.ops.shaping import (
    expand_dims,
    matmul,
    moveaxis,
    reshape,
    swapaxes,
    take,
    transpose,
)  # fmt: skip
from npcnn.ops.tape import require

Array = np.ndarray
METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@formula()
def amax(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return the largest number, or those along axes."""
    return max(x, axis=axis, keepdims=keepdims)


@formula()
def amin(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return the smallest number, or those along axes."""
    return min(x, axis=axis, keepdims=keepdims)


@formula()
def ptp(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return how far the largest number is from the smallest."""
    return max(x, axis=axis, keepdims=keepdims) - min(x, axis=axis, keepdims=keepdims)


@listed_in("statistics")
def average(x: Any, axis: Places | None = None, weights: Any = None) -> Any:
    """Return the mean, or Σ w x / Σ w; weights are like x, or one for each place along an axis."""
    if weights is None:
        return mean(x, axis=axis)
    one, two = shape(x), shape(weights)
    if one != two:
        fits = axis is not None and np.ndim(axis) == 0 and len(two) == 1
        require(fits, "ops.average(weights)", f"{one}, or one a place", two, "name the axis")
        own: Any = np.ones(len(one), int)
        own[axis] = -1
        weights = reshape(weights, own)
        weights = multiply(weights, np.ones(one, floats(plain(weights)).dtype)) if axis else weights
    total = sum(multiply(multiply(x, 1.0), weights), axis=axis)
    counts = multiply(multiply(weights, 1.0), np.ones(one, "float32"))
    return total / sum(counts, axis=axis)


@formula(taken=floats)
def quantile(
    x: Any, q: Any, axis: Places | None = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """Return the numbers below which a share q of the others lies; q's axes come first."""
    require(method in METHODS, "ops.quantile(method)", "one of " + ", ".join(METHODS), method,
            "linear is usual")  # fmt: skip
    share = np.asarray(plain(q), float)
    fits = share.size and (share >= 0).all() and (share <= 1).all()
    require(fits, "ops.quantile(q)", "shares from 0 to 1", q, "0.5 is the median")
    n = x.ndim
    axes = (
        [*range(n)]
        if axis is None
        else [whole(a, "ops.quantile(axis)") % n for a in np.atleast_1d(axis)]
    )
    rest = [a for a in range(n) if a not in axes]
    count = math.prod(x.shape[a] for a in axes)
    rows = reshape(transpose(x, [*rest, *axes]), [x.shape[a] for a in rest] + [count])
    rows = sort(rows, axis=-1)
    place = share * (count - 1)
    low = np.floor(place).astype(int)
    part = place - low
    if method != "linear":
        part = {"lower": part * 0, "higher": np.ceil(part), "nearest": np.rint(place) - low,
                "midpoint": np.where(part > 0, 0.5, 0.0)}[method]  # fmt: skip
    high = np.minimum(low + 1, count - 1)
    part = part.astype(x.dtype)
    y = take(rows, low, axis=-1) * (1 - part) + take(rows, high, axis=-1) * part
    for k in range(share.ndim):  # q's axes come first
        y = moveaxis(y, len(rest) + k, k)
    if keepdims:
        y = reshape(y, [*share.shape, *(1 if a in axes else x.shape[a] for a in range(n))])
    return y


@formula(taken=floats)
def percentile(
    x: Any, q: Any, axis: Places | None = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """Return the numbers below which q percent of the others lie."""
    return quantile(x, np.asarray(plain(q), float) / 100, axis, method, keepdims)


@formula(taken=floats)
def median(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return the number in the middle; between two of them their mean."""
    return quantile(x, 0.5, axis=axis, keepdims=keepdims)


# What passes over NaN ---------------------------------------------------------------------------


@formula()
def nansum(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return the sum of what is a number."""
    return sum(where(isnan(x), 0, x), axis=axis, keepdims=keepdims)


@formula()
def nanprod(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return the product of what is a number."""
    return prod(where(isnan(x), 1, x), axis=axis, keepdims=keepdims)


@formula(taken=floats)
def nanmean(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return the mean of what is a number."""
    known = ~np.isnan(x.value)
    count = np.sum(known, axis=_axes(axis), keepdims=keepdims).astype(x.dtype)
    return sum(where(known, x, 0), axis=axis, keepdims=keepdims) / count


@formula(taken=floats)
def nanvar(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return the mean square distance from the mean, of what is a number."""
    middle = nanmean(x, axis=axis, keepdims=True)
    known = ~np.isnan(x.value)
    off = where(known, x, middle) - middle
    count = np.sum(known, axis=_axes(axis), keepdims=keepdims).astype(x.dtype)
    return sum(off * off, axis=axis, keepdims=keepdims) / count


@formula(taken=floats)
def nanstd(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return the standard deviation of what is a number."""
    return sqrt(nanvar(x, axis=axis, keepdims=keepdims))


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis


def _extreme(x: Any, axis: Any, keepdims: bool, find: Any, worst: float) -> Any:
    if x.dtype.kind != "f":
        return find(x, axis=axis, keepdims=keepdims)
    unknown = np.isnan(x.value)
    none = np.all(unknown, axis=_axes(axis), keepdims=keepdims)
    return where(none, np.nan, find(where(unknown, worst, x), axis=axis, keepdims=keepdims))


@formula()
def nanmax(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return the largest of what is a number."""
    return _extreme(x, axis, keepdims, max, -math.inf)


@formula()
def nanmin(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return the smallest of what is a number."""
    return _extreme(x, axis, keepdims, min, math.inf)


def _place(x: Any, axis: Any, keepdims: bool, find: Any, worst: float) -> Made:
    x = np.asarray(x)
    unknown = np.isnan(x)
    none = np.all(unknown, axis=axis, keepdims=keepdims)
    found = find(np.where(unknown, worst, x), axis=axis, keepdims=keepdims)
    return np.where(none, -1, found).astype("int32"), None


@op(1)
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Made:
    """Return the place of the largest of what is a number; −1 where nothing is."""
    return _place(x, axis, keepdims, np.argmax, -math.inf)


@op(1)
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Made:
    """Return the place of the smallest of what is a number; −1 where nothing is."""
    return _place(x, axis, keepdims, np.argmin, math.inf)


@op(1)
def nanquantile(
    x: Any, q: Any, axis: Places | None = None, method: str = "linear", keepdims: bool = False
) -> Made:
    """Return quantiles of what is a number; there is no way back."""
    x, share = floats(x), np.asarray(plain(q), float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of rows without a number
        y = np.nanquantile(x, share, _axes(axis), method=method, keepdims=keepdims)  # type: ignore[call-overload]
    return np.asarray(y, x.dtype), None


@listed_in("statistics")
def nanpercentile(
    x: Any, q: Any, axis: Places | None = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """Return percentiles of what is a number; there is no way back."""
    return nanquantile(x, np.asarray(plain(q), float) / 100, axis, method, keepdims)


@listed_in("statistics")
def nanmedian(x: Any, axis: Places | None = None, keepdims: bool = False) -> Any:
    """Return the median of what is a number; there is no way back."""
    return nanquantile(x, 0.5, axis=axis, keepdims=keepdims)


# Along an axis ----------------------------------------------------------------------------------


@op(1)
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Made:
    """Return the products up to each place along an axis."""
    x = numbers(x)
    kind = x.dtype if dtype is None else dtype_of(dtype)
    flat = x.ravel() if axis is None else x
    place = 0 if axis is None else axis
    y = np.cumprod(flat, place, kind)

    def back(g: Array) -> Any:
        rows, grads = np.moveaxis(flat, place, 0), np.moveaxis(g, place, 0)
        found = np.empty(rows.shape, g.dtype)
        for k in range(len(rows)):  # with 1 in its place, what each is multiplied by
            others = np.concatenate([rows[:k], np.ones_like(rows[:1]), rows[k + 1 :]])
            found[k] = (np.cumprod(others, 0)[k:] * grads[k:]).sum(axis=0)
        return (np.moveaxis(found, 0, place).reshape(x.shape),)

    return y, back


@formula()
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Return the sums up to each place, of what is a number."""
    return cumsum(where(isnan(x), 0, x), axis=axis, dtype=dtype)


@formula()
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Return the products up to each place, of what is a number."""
    return cumprod(where(isnan(x), 1, x), axis=axis, dtype=dtype)


@formula()
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Return the differences of neighbours along an axis, taken n times."""
    require(0 <= n <= a.shape[axis], "ops.diff(n)", "at most the axis's length", n, "give less")
    for _ in range(n):
        rows = moveaxis(a, axis, 0)
        a = moveaxis(rows[1:] - rows[:-1], 0, axis)
    return a


@listed_in("statistics")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return the area under points joined by lines, along an axis."""
    rows = moveaxis(y, axis, -1)
    width = multiply(dx, 1.0) if x is None else diff(moveaxis(x, axis, -1) if np.ndim(x) > 1 else x)
    return sum((rows[..., 1:] + rows[..., :-1]) / 2.0 * width, axis=-1)


@formula(taken=floats)
def corrcoef(x: Any) -> Any:
    """Return how rows go with each other, from −1 to 1."""
    rows = reshape(x, (1, -1)) if x.ndim < 2 else x
    off = rows - mean(rows, axis=1, keepdims=True)
    products = matmul(off, swapaxes(off, 0, 1))
    lengths = sqrt(sum(off * off, axis=1))
    found = clip(products / (expand_dims(lengths, 1) * expand_dims(lengths, 0)), -1, 1)
    return reshape(found, ()) if x.ndim < 2 else found


# Counts -----------------------------------------------------------------------------------------


@op(2, meet=False)
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Made:
    """Return how often each whole number is in a row, or the sum of the weights of each.

    >>> bincount([0, 2, 2]).tolist()
    [1, 0, 2]
    """
    require(not sparse, "ops.bincount(sparse)", "False", sparse, "arrays here are dense")
    x = np.asarray(x)
    fits = x.dtype.kind in "iu" and x.ndim in (1, 2) and (not x.size or x.min() >= 0)
    require(fits, "ops.bincount(x)", "whole numbers from 0 on, (n,) or (rows, n)", x, "cast them")
    length = builtins.max(whole(minlength, "ops.bincount(minlength)"), int(x.max(initial=-1)) + 1)
    require(length <= 1 << 27, "ops.bincount(x)", "numbers below 2**27", length, "sort them first")
    every = np.arange(len(x))[:, np.newaxis] if x.ndim == 2 else 0
    rows = len(x) if x.ndim == 2 else 1
    own = None if weights is None else np.broadcast_to(weights, x.shape).ravel()
    y = np.bincount((x + every * length).ravel(), own, rows * length)
    y = y.reshape(rows, length) if x.ndim == 2 else y
    kind = "int32" if weights is None else np.asarray(weights).dtype
    back = (lambda g: (None, g[every, x] if x.ndim == 2 else g[x])) if weights is not None else None
    return y.astype(kind), back


@listed_in("statistics")
def histogram(x: Any, bins: Any = 10, range: Listed | None = None) -> tuple[Array, Array]:
    """Return how many numbers lie between edges, and the edges.

    >>> histogram([1.0, 2.0, 2.0, 4.0], bins=3)[0].tolist()
    [1.0, 2.0, 1.0]
    """
    numbers_ = np.asarray(plain(x))
    counts, edges = np.histogram(numbers_, plain(bins) if np.ndim(bins) else bins, range)
    kind = floats(numbers_).dtype  # of both, as in Keras
    return counts.astype(kind), edges.astype(kind)


@listed_in("statistics")
def digitize(x: Any, bins: Any) -> Array:
    """Return between which of the rising numbers `bins` each lies.

    >>> digitize([0.5, 1.5], [0.0, 1.0, 2.0]).tolist()
    [1, 2]
    """
    return np.digitize(strong(x), strong(bins)).astype("int32")


@listed_in("statistics")
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Array:
    """Return where values would go among rising numbers.

    >>> searchsorted([1, 3, 5], [3, 4]).tolist()
    [1, 2]
    """
    where_to = strong(sorted_sequence)
    return np.searchsorted(where_to, strong(values), side).astype("int32")  # type: ignore[call-overload]


@op(1)
def argpartition(x: Any, kth: int, axis: int = -1) -> Made:
    """Return the places of the numbers in an order in which the k-th is at its place."""
    return np.argpartition(x, kth, axis).astype("int32"), None


@op(2)
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Made:
    """Return which of x1 are among x2."""
    return np.isin(x1, x2, assume_unique, invert), None


@listed_in("statistics")
def nonzero(x: Any) -> tuple[Array, ...]:
    """Return the places of what is not 0, an array for each axis."""
    return tuple(one.astype("int32") for one in np.nonzero(np.atleast_1d(strong(x))))


@listed_in("statistics")
def unique(
    x: Any, sorted: bool = True, return_index: bool = False, return_inverse: bool = False,
    return_counts: bool = False, axis: int | None = None, size: int | None = None,
    fill_value: Scalar | None = None,
) -> Any:  # fmt: skip
    """Return each number once, and on request places of the first, of each, and how often."""
    flags: Any = return_index, return_inverse, return_counts
    of_numpy: Any = np.unique
    parts: Any = of_numpy(strong(x), *flags, axis=axis)
    whole = [*parts] if isinstance(parts, tuple) else [parts]
    found = [whole[0], *(one.astype("int32") for one in whole[1:])]
    if size is not None:
        place = 0 if axis is None else axis
        filling = [fill_value if fill_value is not None else found[0].min()]
        filling += [0] * (len(found) - 1)
        for k, one in enumerate(found):
            if not (return_inverse and k == 1 + return_index):
                found[k] = _of_length(one, size, place if k == 0 else 0, filling[k])
    return tuple(found) if len(found) > 1 else found[0]


def _of_length(x: Array, size: int, axis: int, value: Any) -> Array:
    """Return an axis cut to a length, or filled up to it."""
    lead = (np.s_[:],) * (axis % x.ndim)
    cut = x[(*lead, np.s_[:size])]
    widths = [(0, 0)] * x.ndim
    widths[axis] = (0, size - cut.shape[axis])
    return np.pad(cut, widths, constant_values=value)
