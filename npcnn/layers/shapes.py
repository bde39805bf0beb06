"""Shapes as users say them: of one sample, and of a batch."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from npcnn.checks import ArgumentError, check_name, is_whole, message, shown
from npcnn.initializers.base import check_shape

Shape = tuple[Any, ...]  # the batch axis is None
MAX_AXES = 31  # of one sample: NumPy 1 has 32, batch included


def check_sample_shape(value: Any, where: str, least: int = 1) -> tuple[int, ...]:
    """Return one sample's shape as a tuple of positive integers, or raise ArgumentError.

    `least` is how many axes it has at least; with 0, samples may be single numbers.
    """
    fix = "give one sample's shape, such as (28, 28, 1)"
    return _sizes(value, where, least, "positive integers, one an axis, without the batch", fix)


def check_weight_shape(value: Any, where: str) -> tuple[int, ...]:
    """Return a weight's shape as a tuple of positive integers, or raise ArgumentError."""
    fix = "give the weight's shape, such as (3, 4), or () for one number"
    return _sizes(value, where, 0, "positive integers, one an axis", fix)


def _sizes(value: Any, where: str, least: int, expected: str, fix: str) -> tuple[int, ...]:
    shape = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(shape) > MAX_AXES:
        raise ArgumentError(message(where, f"{MAX_AXES} axes at most", str(len(shape)), fix))
    if len(shape) < least or not all(is_whole(v) and v >= 1 for v in shape):
        raise ArgumentError(message(where, expected, shown(value), fix))
    return check_shape(shape, where)


def check_batch_shape(value: Any, where: str) -> Shape:
    """Return (None, …) for a shape with the batch axis, None or a number, in front.

    For the shapes of several inputs, in a list, return a tuple of such.
    """
    if isinstance(value, (tuple, list)) and value and isinstance(value[0], (tuple, list)):
        return tuple(_batch_shape(one, where) for one in value)
    return _batch_shape(value, where)


def _batch_shape(value: Any, where: str) -> Shape:
    shaped = isinstance(value, (tuple, list)) and len(value) > 0
    batch = shaped and (value[0] is None or (is_whole(value[0]) and value[0] >= 0))
    if not batch or (len(value) == 1 and value[0] is not None):
        fix = "put None for the batch in front, as in (None, 28, 28, 1)"
        raise ArgumentError(message(where, "a shape with the batch axis", shown(value), fix))
    return (None, *check_sample_shape(tuple(value[1:]), where, least=0))


def shapes_of(x: Any) -> Any:
    """Return (None, …) for a batch of samples; for several inputs a list or dict of such.

    >>> import numpy as np
    >>> shapes_of(np.zeros((5, 3))), shapes_of({"a": np.zeros((5, 2))})
    ((None, 3), {'a': (None, 2)})
    """
    if isinstance(x, dict):
        return {key: shapes_of(one) for key, one in x.items()}
    if isinstance(x, list):
        return [shapes_of(one) for one in x] if len(x) > 1 else shapes_of(x[0])
    return (None, *x.shape[1:])


def check_output_shape(value: Any, where: str) -> Shape:
    """Return the shape that a layer says its output has, with None in front, or raise an error."""
    if isinstance(value, (tuple, list)) and len(value) and not isinstance(value[0], (tuple, list)):
        return _batch_shape(value, where)
    fix = "return a tuple such as (None, 28, 28, 1), None for the batch"
    raise ArgumentError(message(where, "a shape with the batch axis", shown(value), fix))


Name = Annotated[str, check_name]
SampleShape = Annotated[Any, check_sample_shape]
AnyShape = Annotated[Any, partial(check_sample_shape, least=0)]
WeightShape = Annotated[Any, check_weight_shape]
BatchShape = Annotated[Any, check_batch_shape]
OneBatchShape = Annotated[Any, _batch_shape]
