"""Adam with decoupled weight decay."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def adamw(
    parameters: Array, gradients: Array, m: Array, v: Array, step: Array, beta_1: float,
    beta_2: float, epsilon: float,
) -> None:  # fmt: skip
    """Let the parameters decay, then take Adam's step, in Keras's arithmetic.

    p −= p · d, then as `adam`: m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), p −= α·m / (√v + ε).
    `step` holds α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ) and d = lr · weight decay. Source: Loshchilov,
    Hutter, "Decoupled Weight Decay Regularization", ICLR 2019; Keras ``adamw.py``.

    >>> p, step = np.ones(1), np.array([0.0, 0.25])
    >>> adamw(p, np.ones(1), np.zeros(1), np.zeros(1), step, 0.9, 0.999, 1e-7)
    >>> p
    array([0.75])
    """
    parameters -= parameters * step[1]
    m += (gradients - m) * (1 - beta_1)
    v += (gradients * gradients - v) * (1 - beta_2)
    parameters -= step[0] * m / (np.sqrt(v) + epsilon)
