"""Axes of a sample that belong together: checked, and brought into one, the last, and back."""

from __future__ import annotations

import math
from typing import Annotated, Any

from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.layers.base import MAX_AXES, Array, Layer, Shape


def _axes(value: Any, where: str) -> list[int]:
    given = list(value) if isinstance(value, (list, tuple)) else [value]
    fits = 1 <= len(given) <= MAX_AXES
    if not fits or not all(is_whole(axis) and 0 < abs(axis) <= MAX_AXES for axis in given):
        expected = "axes other than the batch"
        raise ArgumentError(message(where, expected, shown(value), "use -1 for the last"))
    return [int(axis) for axis in given]


def _axis(value: Any, where: str) -> int:
    if not is_whole(value) or value == 0 or abs(value) > MAX_AXES:
        fix = "use -1 for the last axis"
        raise ArgumentError(message(where, "one axis other than the batch", shown(value), fix))
    return int(value)


def _either(value: Any, where: str) -> int | list[int]:
    return _axes(value, where) if isinstance(value, (list, tuple)) else _axis(value, where)


def _only(value: Any, where: str) -> int:
    single = isinstance(value, (list, tuple)) and len(value) == 1
    return _axis(value[0] if single else value, where)


Axes = Annotated[Any, _axes]  # in: an axis or several, out: a list
Axis = Annotated[int, _axis]
AxisOrAxes = Annotated[Any, _either]  # out: as it came in
OnlyAxis = Annotated[int, _only]  # in: an axis, or a list of one, as old files have it


def check_axes(layer: Layer, axes: list[int], input_shape: Shape) -> None:
    """Raise ArgumentError unless an input has the axes, each named once."""
    ndim = len(input_shape)
    counted = [axis + ndim if axis < 0 else axis for axis in axes]
    if not all(0 < axis < ndim for axis in counted) or len(set(counted)) < len(counted):
        got = f"axis {axes if len(axes) > 1 else axes[0]} of an input {input_shape}"
        raise ArgumentError(message(layer.label, "axes of the input", got, "use -1"))


def order_of(axes: list[int], ndim: int) -> tuple[tuple[int, ...], int]:
    """Return an input's axes, these last and in order, and how many others there are."""
    own = sorted(axis + ndim if axis < 0 else axis for axis in axes)
    others = [axis for axis in range(ndim) if axis not in own]
    return (*others, *own), len(others)


def lengths(axes: list[int], input_shape: Shape) -> Shape:
    """Return the lengths of these axes, in order."""
    order, others = order_of(axes, len(input_shape))
    return tuple(input_shape[axis] for axis in order[others:])


def together(x: Array, axes: list[int]) -> Array:
    """Return x with these axes as one, the last."""
    order, others = order_of(axes, x.ndim)
    if order != tuple(range(x.ndim)):
        x = ops.transpose(x, order)
    if x.ndim - others > 1:
        x = ops.flatten_backward(ops.flatten(x), (*x.shape[:others], math.prod(x.shape[others:])))
    return x


def apart(y: Array, axes: list[int], shape: tuple[int, ...]) -> Array:
    """Undo it, for an input of this shape."""
    order, others = order_of(axes, len(shape))
    if len(shape) - others > 1:
        y = ops.flatten_backward(ops.flatten(y), tuple(shape[axis] for axis in order))
    if order != tuple(range(len(shape))):
        y = ops.transpose(y, tuple(order.index(axis) for axis in range(len(shape))))
    return y
