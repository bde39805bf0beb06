"""Two arrays of one shape, element by element; what needs a backward has it directly under it.

Both may lie in memory as they like; the result lies as x1 does. If x2 lies in another order it is
copied first, by NumPy, and the step is not replayed: that is so only if one of them is no op's.

Arguments and examples are those of `npcnn.reference.arithmetic`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, each_element

Array = np.ndarray


@Body
def _add(task, ints, scratch, out, x1, x2):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = x1[i] + x2[i]


@Body
def _subtract(task, ints, scratch, out, x1, x2):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = x1[i] - x2[i]


@Body
def _multiply(task, ints, scratch, out, x1, x2):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = x1[i] * x2[i]


@Body
def _larger(task, ints, scratch, out, x1, x2, options):
    """With options[0] = -1, the smaller."""
    sign = options[0]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        first = sign * x1[i] > sign * x2[i] or math.isnan(x1[i])
        out[i] = x1[i] if first else x2[i]


@Body
def _larger_backward(task, ints, scratch, out, grad_y, x1, x2, options):
    """Fill the gradient by x1."""
    sign = options[0]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        half = grad_y[i] / 2 if x1[i] == x2[i] else grad_y[i]
        out[i] = half * 0 if sign * x1[i] < sign * x2[i] else half


@op
def add(x1: Array, x2: Array) -> Array:
    """Return x1 + x2."""
    return each_element(_add, [x1, x2])


@op
def subtract(x1: Array, x2: Array) -> Array:
    """Return x1 − x2."""
    return each_element(_subtract, [x1, x2])


@op
def multiply(x1: Array, x2: Array) -> Array:
    """Return x1 · x2."""
    return each_element(_multiply, [x1, x2])


@op
def maximum(x1: Array, x2: Array) -> Array:
    """Return the larger of the two; NaN where either is."""
    return each_element(_larger, [x1, x2], 1.0)


@op
def maximum_backward(grad_y: Array, x1: Array, x2: Array) -> tuple[Array, Array]:
    """Return grad_y for the larger and 0 for the other; half to each where they are equal."""
    by_x1 = each_element(_larger_backward, [grad_y, x1, x2], 1.0)
    return by_x1, each_element(_larger_backward, [grad_y, x2, x1], 1.0)


@op
def minimum(x1: Array, x2: Array) -> Array:
    """Return the smaller of the two; NaN where either is."""
    return each_element(_larger, [x1, x2], -1.0)


@op
def minimum_backward(grad_y: Array, x1: Array, x2: Array) -> tuple[Array, Array]:
    """Return grad_y for the smaller and 0 for the other; half to each where they are equal."""
    by_x1 = each_element(_larger_backward, [grad_y, x1, x2], -1.0)
    return by_x1, each_element(_larger_backward, [grad_y, x2, x1], -1.0)
