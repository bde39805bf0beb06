"""Data in parts: two of a data set, and samples, targets and weights in one tuple."""

from __future__ import annotations

import random
from typing import Annotated, Any

import numpy as np

from npcnn.arguments import Anything, PassedOver, checked
from npcnn.checks import ArgumentError, DtypeError, is_number, is_whole, message, shown

Array = np.ndarray


def _size(value: Any, where: str) -> Any:
    if is_whole(value) and value > 0:
        return int(value)
    if isinstance(value, float) and is_number(value) and 0 < value < 1:
        return float(value)
    fix = "0.8 is four fifths"
    raise ArgumentError(message(where, "a number of samples, or a share", shown(value), fix))


def _arrays(value: Any, where: str) -> Any:
    listed = value if isinstance(value, (list, tuple)) else [value]
    if not listed or not all(isinstance(one, np.ndarray) and one.ndim for one in listed):
        fix = "give an array, or several in a tuple"
        raise DtypeError(message(where, "arrays of samples", shown(value), fix))
    if len({len(one) for one in listed}) > 1:
        got, fix = str([len(one) for one in listed]), "give one entry of each for each sample"
        raise ArgumentError(message(where, "arrays of one length", got, fix))
    return value


Size = Annotated[Any, _size]
Samples = Annotated[Any, _arrays]


@checked
def split_dataset(
    dataset: Samples, left_size: Size | None = None, right_size: Size | None = None,
    shuffle: bool = False, seed: int | None = None, preferred_backend: PassedOver = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Return the first samples of arrays, and the last ones; in the form that came.

    Args:
        dataset: an array, or several of one length in a list or tuple, such as (x, y).
        left_size: how many are the first ones, or which share of all; what is left if None.
        right_size: likewise, of the last ones.
        shuffle: whether to shuffle the samples before.
        seed: of that; the same gives the same order, that of Keras on TensorFlow.
        preferred_backend: passed over; arrays are split into arrays.

    Raises:
        ArgumentError: no size is given, or they come to more than all samples.

    >>> (x, y), (x_rest, y_rest) = split_dataset((np.arange(5), np.arange(5) * 2), left_size=0.6)
    >>> x, y_rest
    (array([0, 1, 2]), array([6, 8]))
    """
    several = isinstance(dataset, (list, tuple))
    arrays: list[Array] = list(dataset) if several else [dataset]
    n = len(arrays[0])
    if left_size is None and right_size is None:
        fix = "left_size=0.8 is usual"
        raise ArgumentError(message("split_dataset", "left_size or right_size", "neither", fix))
    first, last = (round(s * n) if isinstance(s, float) else s for s in (left_size, right_size))
    left = n - (last or 0) if first is None else first
    right = n - left if last is None else last
    if left + right > n or min(left, right) < 1:
        expected, got = f"at least 1 and at most {n} in both", f"{left} and {right}"
        raise ArgumentError(message("split_dataset", expected, got, "give smaller parts"))
    order = list(range(n))
    if shuffle:
        random.Random(seed).shuffle(order)
    kind = type(dataset) if several else list
    parts = [kind(array[chosen] for array in arrays) for chosen in (order[:left], order[-right:])]
    return (parts[0], parts[1]) if several else (parts[0][0], parts[1][0])


@checked
def pack_x_y_sample_weight(x: Anything, y: Anything = None, sample_weight: Anything = None) -> Any:
    """Return a batch as generators yield it: x, (x, y) or (x, y, sample_weight).

    >>> pack_x_y_sample_weight(1, 2)
    (1, 2)
    """
    if y is None:
        return (x,) if isinstance(x, (list, tuple)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


@checked
def unpack_x_y_sample_weight(data: Anything) -> tuple[Any, Any, Any]:
    """Return (x, y, sample_weight) of a batch, None for what it has not.

    Raises:
        ArgumentError: it has more than three parts.

    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    parts = tuple(data) if isinstance(data, (list, tuple)) else (data,)
    if not 1 <= len(parts) <= 3:
        where, fix = "unpack_x_y_sample_weight(data)", "put several inputs into one list"
        raise ArgumentError(message(where, "x, (x, y) or (x, y, w)", f"{len(parts)} parts", fix))
    x, y, weights = (*parts, None, None)[:3]
    return x, y, weights
