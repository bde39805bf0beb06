"""Numbers brought to mean 0, variance 1 by given statistics, with the backward under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def normalize(x: Array, mean: Array, variance: Array, epsilon: float, invert: bool) -> Array:
    """Return (x − mean) / max(√variance, ε); if invert, undo it: mean + x · max(√variance, ε).

    Args:
        x: (N, …).
        mean: (1, …), the same for all samples.
        variance: (1, …).
        epsilon: as above.
        invert: which of the two.

    >>> two, four = np.array([[2.0]]), np.array([[4.0]])
    >>> normalize(np.array([[2.0], [6.0]]), two, four, 1e-7, False)
    array([[0.],
           [2.]])
    """
    spread = np.maximum(np.sqrt(variance), epsilon)
    return mean + x * spread if invert else (x - mean) / spread


@op
def normalize_backward(grad_y: Array, variance: Array, epsilon: float, invert: bool) -> Array:
    """Return the gradient by x: grad_y divided by max(√variance, ε), or times it if inverted.

    >>> normalize_backward(np.ones((1, 2)), np.array([[4.0, 1.0]]), 1e-7, False)
    array([[0.5, 1. ]])
    """
    spread = np.maximum(np.sqrt(variance), epsilon)
    return grad_y * spread if invert else grad_y / spread
