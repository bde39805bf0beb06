"""What the pictures are given, checked: images and labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.checks import ArgumentError, DtypeError, as_numbers, is_number, is_whole, message, shown

Array = np.ndarray


def as_images(images: Any, where: str) -> Array:
    """Return grey images as (n, rows, columns), or raise an error.

    Args:
        images: numbers (n, rows, columns) or (n, rows, columns, 1).
        where: the call and argument, for the message.

    >>> as_images(np.zeros((2, 28, 28, 1)), "sample_sheet(images)").shape
    (2, 28, 28)
    """
    array = np.asarray(images)
    if array.dtype.kind not in "fiub":
        fix = "give numbers, such as bytes from 0 to 255"
        raise DtypeError(message(where, "an array of numbers", f"dtype {array.dtype}", fix))
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3 or 0 in array.shape:
        fix = "put several images along a first axis"
        expected = "grey images (n, rows, columns), n ≥ 1"
        raise ArgumentError(message(where, expected, str(np.shape(images)), fix))
    return array


def as_labels(labels: Any, n: int | None, where: str) -> Array:
    """Return class numbers (n,): of one-hot rows or probabilities (n, classes) the largest.

    Args:
        labels: integers (n,), or numbers (n, classes).
        n: how many there must be; None for any number but 0.
        where: the call and argument, for the message.

    >>> as_labels([[0.1, 0.9], [1, 0]], 2, "confusion_matrix(y_pred)").tolist()
    [1, 0]
    """
    array = np.asarray(labels)
    if array.ndim == 2 and array.dtype.kind in "fiub" and array.shape[1]:
        array = array.argmax(axis=1)
    if array.ndim != 1 or array.dtype.kind not in "iu" or len(array) == 0:
        expected = "integer labels (n,) or one row of class scores a sample (n, classes)"
        got = f"{array.dtype} {array.shape}"
        raise ArgumentError(message(where, expected, got, "give a label for each sample"))
    if array.min() < 0:
        expected, got = "labels from 0 on", str(array.min())
        raise ArgumentError(message(where, expected, got, "mend that label"))
    if n is not None and len(array) != n:
        fix = "give a label for each sample"
        raise ArgumentError(message(where, f"{n} labels", str(len(array)), fix))
    return array.astype(np.int64)


def as_places(given: Any, count: int, most: int, where: str) -> list[int]:
    """Return which of `count` things are drawn: those given, or the first `most`.

    >>> as_places(None, 100, 3, "filters(filters)"), as_places([7, -1], 100, 3, "filters(filters)")
    ([0, 1, 2], [7, 99])
    """
    if given is None:
        return list(range(min(count, most)))
    fix = "give a list of such numbers"
    listed = [given] if is_whole(given) else given
    texts = isinstance(listed, (list, tuple)) and not all(is_number(item) for item in listed)
    array = np.zeros(0) if texts else as_numbers(listed, where)
    known = array.dtype.kind in "iu" and array.ndim == 1 and len(array) > 0
    if not known or array.min() < -count or array.max() >= count:
        raise ArgumentError(message(where, f"numbers from 0 to {count - 1}", shown(given), fix))
    if len(array) > count:
        got = f"{len(array)} of them"
        raise ArgumentError(message(where, f"{count} numbers at most", got, fix))
    return [int(k) % count for k in array]
