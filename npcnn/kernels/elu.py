"""The exponential linear unit, with its backward directly under it.

Arguments and examples are those of `npcnn.reference.elu`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, each_element

Array = np.ndarray


@Body
def _elu(task, ints, scratch, out, x, options):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = x[i] if x[i] > 0 else options[0] * math.expm1(x[i])


@Body
def _elu_backward(task, ints, scratch, out, grad_y, x, options):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = grad_y[i] if x[i] > 0 else grad_y[i] * (options[0] * math.exp(x[i]))


@op
def elu(x: Array, alpha: float) -> Array:
    """Return x above 0, and alpha · (exp(x) − 1) below."""
    return each_element(_elu, [x], alpha)


@op
def elu_backward(grad_y: Array, x: Array, alpha: float) -> Array:
    """Return grad_y above 0, and grad_y · alpha · exp(x) below."""
    return each_element(_elu_backward, [grad_y, x], alpha)
