"""Layer normalisation, with its backward directly under it: what lies over a place is a column.

A block (K, …, N) is (K, columns) then, with all its places and samples side by side.

Arguments and examples are those of `npcnn.reference.layer_normalization`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.group_normalization import flat, gradients, normalized
from npcnn.kernels.run import layout

Array = np.ndarray


@op
def layer_normalization(
    x: Array, gamma: Array | None, beta: Array | None, epsilon: float
) -> tuple[Array, Array, Array]:
    """Return y = gamma · (x − center) · rate + beta, and center and rate, over the last axis.

    center is the mean over the last axis, rate = 1 / √(the variance + ε).

    Returns:
        y like x, the batch innermost in memory; center (N, …, 1); rate (N, …, 1).
    """
    block = layout.batch_innermost(x)
    y, found = normalized(flat(block), gamma, beta, epsilon)
    center, rate = (layout.batch_outermost(one.reshape(1, *block.shape[1:])) for one in found)
    return layout.batch_outermost(y.reshape(block.shape)), center, rate


@op
def layer_normalization_backward(
    grad_y: Array, x: Array, gamma: Array | None, center: Array, rate: Array,
    grad_gamma: Array | None, grad_beta: Array | None,
) -> Array:  # fmt: skip
    """Write the gradients by gamma and beta, and return the one by x.

    With x̂ = (x − center) · rate and g = grad_y · gamma: grad_gamma = Σ grad_y · x̂, grad_beta =
    Σ grad_y, grad_x = rate · (g − mean of g − x̂ · mean of g · x̂), means over the last axis.
    """
    block, grads = layout.batch_innermost(x), layout.batch_innermost(grad_y)
    center, rate = layout.batch_innermost(center), layout.batch_innermost(rate)
    grad_x = gradients(flat(grads), flat(block), gamma, center, rate, (grad_gamma, grad_beta))
    return layout.batch_outermost(grad_x.reshape(block.shape))
