"""Each sample's matrix of products of rows."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def batch_dot(x1: Array, x2: Array) -> Array:
    """Return y (N, P, Q): y[n, p, q] = Σₖ x1[n, p, k] · x2[n, q, k].

    Its gradients are this op again: by x1 of grad_y and x2, by x2 of grad_y and x1, their last two
    axes exchanged as needed.

    >>> batch_dot(np.array([[[1.0, 2.0]]]), np.array([[[3.0, 4.0], [1.0, 0.0]]]))
    array([[[11.,  1.]]])
    """
    return x1 @ x2.transpose(0, 2, 1)
