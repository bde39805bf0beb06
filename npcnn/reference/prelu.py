"""The rectifier with a learnt slope, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def prelu(x: Array, alpha: Array) -> Array:
    """Return x above 0, and alpha · x below; an alpha for each x.

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015.

    >>> prelu(np.array([-2.0, 3.0]), np.array([0.5, 0.5]))
    array([-1.,  3.])
    """
    return np.where(x.real > 0, x, alpha * x)


@op
def prelu_backward(grad_y: Array, x: Array, alpha: Array) -> tuple[Array, Array]:
    """Return the gradients by x, 0 at 0, and by alpha: grad_y · x below 0.

    >>> x, alpha = np.array([[-2.0, 3.0]]), np.full((1, 2), 0.5)
    >>> prelu_backward(np.ones((1, 2)), x, alpha)
    (array([[0.5, 1. ]]), array([[-2.,  0.]]))
    """
    grad_x = np.where(x > 0, grad_y, np.where(x == 0, 0, alpha * grad_y))
    return grad_x, np.where(x > 0, 0, grad_y * x)
