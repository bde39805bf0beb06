"""The Gaussian error linear unit, with its backward directly under it.

Arguments and examples are those of `npcnn.reference.gelu`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, each_element

Array = np.ndarray

ROOT_2, DENSITY = math.sqrt(2), 1 / math.sqrt(2 * math.pi)


@Body
def _gelu(task, ints, scratch, out, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = x[i] * (0.5 * math.erfc(-x[i] / ROOT_2))


@Body
def _gelu_backward(task, ints, scratch, out, grad_y, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        share = 0.5 * math.erfc(-x[i] / ROOT_2)
        out[i] = grad_y[i] * (share + x[i] * math.exp(-0.5 * x[i] * x[i]) * DENSITY)


@op
def gelu(x: Array) -> Array:
    """Return x · Φ(x), Φ(x) = (1 + erf(x / √2)) / 2 the normal distribution function."""
    return each_element(_gelu, [x])


@op
def gelu_backward(grad_y: Array, x: Array) -> Array:
    """Return grad_y · (Φ(x) + x · φ(x)), φ the normal density."""
    return each_element(_gelu_backward, [grad_y, x])
