"""The exponential linear unit, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def elu(x: Array, alpha: float) -> Array:
    """Return x above 0, and alpha · (exp(x) − 1) below.

    Source: Clevert, Unterthiner, Hochreiter, arXiv 1511.07289.

    >>> elu(np.array([-100.0, 3.0]), 0.5)
    array([-0.5,  3. ])
    """
    return np.where(x.real > 0, x, alpha * np.expm1(np.where(x.real > 0, 0, x)))


@op
def elu_backward(grad_y: Array, x: Array, alpha: float) -> Array:
    """Return grad_y above 0, and grad_y · alpha · exp(x) below.

    >>> elu_backward(np.ones(2), np.array([-1.0, 2.0]), 1.0).round(4)
    array([0.3679, 1.    ])
    """
    return np.where(x > 0, grad_y, grad_y * (alpha * np.exp(np.where(x > 0, 0, x))))
