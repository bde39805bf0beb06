"""Adam whose second moment is a running maximum."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def adamax(
    parameters: Array, gradients: Array, m: Array, u: Array, step: Array, beta_1: float,
    beta_2: float, epsilon: float,
) -> None:  # fmt: skip
    """Update the moment and the norm and take Adamax's step, in Keras's arithmetic.

    m += (g − m)(1 − β₁), u = max(β₂u, |g|), p −= α·m / (u + ε); `step` holds
    α = lr / (1 − β₁ᵗ).
    Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", 2014, section 7.1;
    Keras ``adamax.py``.

    >>> p = np.ones(1)
    >>> adamax(p, np.full(1, 2.0), np.zeros(1), np.zeros(1), np.ones(1), 0.5, 0.5, 0.0)
    >>> p
    array([0.5])
    """
    m += (gradients - m) * (1 - beta_1)
    np.maximum(beta_2 * u, np.abs(gradients), out=u)
    parameters -= step[0] * m / (u + epsilon)
