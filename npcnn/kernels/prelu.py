"""The rectifier with a learnt slope, with its backward directly under it.

Arguments and examples are those of `npcnn.reference.prelu`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, each_element

Array = np.ndarray


@Body
def _prelu(task, ints, scratch, out, x, alpha):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = x[i] if x[i] > 0 else alpha[i] * x[i]


@Body
def _by_x(task, ints, scratch, out, grad_y, x, alpha):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        if x[i] > 0:
            out[i] = grad_y[i]
        else:
            out[i] = grad_y[i] * 0 if x[i] == 0 else alpha[i] * grad_y[i]


@Body
def _by_alpha(task, ints, scratch, out, grad_y, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = grad_y[i] * 0 if x[i] > 0 else grad_y[i] * x[i]


@op
def prelu(x: Array, alpha: Array) -> Array:
    """Return x above 0, and alpha · x below; an alpha for each x."""
    return each_element(_prelu, [x, alpha])


@op
def prelu_backward(grad_y: Array, x: Array, alpha: Array) -> tuple[Array, Array]:
    """Return the gradients by x, 0 at 0, and by alpha: grad_y · x below 0."""
    return each_element(_by_x, [grad_y, x, alpha]), each_element(_by_alpha, [grad_y, x])
