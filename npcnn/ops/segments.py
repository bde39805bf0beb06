"""Rows that belong together by a number that each has: their sums, products, largest ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npcnn.checks import whole
from npcnn.ops.entry import op, plain
from npcnn.ops.pointwise import Made
from npcnn.ops.tape import require

Array = np.ndarray


def _segments(data: Any, ids: Any, num_segments: int | None) -> tuple[Array, Array, Array, Any]:
    """Return rows, their segments, which rows count, and the shape of the result."""
    x, segment = np.asarray(data), np.asarray(plain(ids))
    fits = segment.dtype.kind in "iu" and segment.ndim == 1 and x.ndim > 0
    fits = fits and len(segment) == len(x)
    require(fits, "ops.segment_sum(segment_ids)", "a whole number a row", ids, "give (n,)")
    count = (
        int(segment.max(initial=-1)) + 1
        if num_segments is None
        else whole(num_segments, "ops.segment_sum")
    )
    require(count < 1 << 31, "ops.segment_sum", "fewer than 2**31 segments", count, "count from 0")
    return x, segment, (segment >= 0) & (segment < count), (count, *x.shape[1:])


@op(1)
def segment_sum(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Made:
    """Return the sums of the rows of each segment.

    >>> segment_sum([1, 2, 4], [0, 0, 1]).tolist()
    [3, 4]
    """
    x, segment, known, whole = _segments(data, segment_ids, num_segments)
    y = np.zeros(whole, x.dtype)
    np.add.at(y, segment[known], x[known])

    def back(g: Array) -> Any:
        found = np.zeros(x.shape, g.dtype)
        found[known] = g[segment[known]]
        return (found,)

    return y, back


@op(1)
def segment_prod(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Made:
    """Return the products of the rows of each segment; 1 of one without rows.

    >>> segment_prod([2, 3, 4], [0, 0, 1]).tolist()
    [6, 4]
    """
    x, segment, known, whole = _segments(data, segment_ids, num_segments)
    y = np.ones(whole, x.dtype)
    np.multiply.at(y, segment[known], x[known])

    def back(g: Array) -> Any:
        zeros, others = np.zeros(whole, int), np.ones(whole, x.dtype)
        np.add.at(zeros, segment[known], x[known] == 0)
        np.multiply.at(others, segment[known], np.where(x[known] == 0, 1, x[known]))
        own, none = x[known], zeros[segment[known]]
        rest = others[segment[known]] / np.where(own == 0, 1, own)
        found = np.zeros(x.shape, g.dtype)
        found[known] = g[segment[known]] * rest * (none == (own == 0))
        return (found,)

    return y, back


def _extreme(data: Any, ids: Any, count: int | None, function: Any, low: bool) -> Made:
    x, segment, known, whole = _segments(data, ids, count)
    least = -math.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    most = math.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).max
    y = np.full(whole, least if low else most, x.dtype)
    function.at(y, segment[known], x[known])

    def back(g: Array) -> Any:
        best = np.zeros(x.shape, bool)
        best[known] = x[known] == y[segment[known]]
        shares = np.zeros(whole, g.dtype)
        np.add.at(shares, segment[known], best[known].astype(g.dtype))
        found = np.zeros(x.shape, g.dtype)
        found[known] = g[segment[known]] / np.maximum(shares[segment[known]], 1)
        return (np.where(best, found, 0),)

    return y, back


@op(1)
def segment_max(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Made:
    """Return the largest of the rows of each segment; the least number there is without rows.

    >>> segment_max([1, 2, 4], [0, 0, 1]).tolist()
    [2, 4]
    """
    return _extreme(data, segment_ids, num_segments, np.maximum, True)


@op(1)
def segment_min(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Made:
    """Return the smallest of the rows of each segment; the largest number there is without rows.

    >>> segment_min([1, 2, 4], [0, 0, 1]).tolist()
    [1, 4]
    """
    return _extreme(data, segment_ids, num_segments, np.minimum, False)
