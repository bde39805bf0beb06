"""The sigmoid linear unit, with its backward directly under it.

Arguments and examples are those of `npcnn.reference.silu`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, each_element

Array = np.ndarray


@Body
def _silu(task, ints, scratch, out, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        power = math.exp(-abs(x[i]))
        out[i] = x[i] * ((1 if x[i] >= 0 else power) / (1 + power))


@Body
def _silu_backward(task, ints, scratch, out, grad_y, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        power = math.exp(-abs(x[i]))
        share = (1 if x[i] >= 0 else power) / (1 + power)
        rest = (power if x[i] >= 0 else 1) / (1 + power)
        out[i] = grad_y[i] * (share * (1 + x[i] * rest))


@op
def silu(x: Array) -> Array:
    """Return x · sigmoid(x)."""
    return each_element(_silu, [x])


@op
def silu_backward(grad_y: Array, x: Array) -> Array:
    """Return grad_y · s · (1 + x · (1 − s)), s = sigmoid(x)."""
    return each_element(_silu_backward, [grad_y, x])
