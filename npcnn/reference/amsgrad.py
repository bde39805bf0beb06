"""Adam whose second moment never falls."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def amsgrad(
    parameters: Array, gradients: Array, m: Array, v: Array, peaks: Array, step: Array,
    beta_1: float, beta_2: float, epsilon: float,
) -> None:  # fmt: skip
    """Update the moments as `adam` does, and divide the step by the largest v there was.

    m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), w = max(w, v), p −= α·m / (√w + ε); `step` holds α.
    Source: Reddi, Kale, Kumar, "On the Convergence of Adam and Beyond", ICLR 2018; Keras
    ``adam.py``.

    >>> p = np.ones(1)
    >>> amsgrad(p, np.ones(1), np.zeros(1), np.zeros(1), np.ones(1), np.ones(1), 0.5, 0.5, 0.0)
    >>> p
    array([0.5])
    """
    m += (gradients - m) * (1 - beta_1)
    v += (gradients * gradients - v) * (1 - beta_2)
    np.maximum(peaks, v, out=peaks)
    parameters -= step[0] * m / (np.sqrt(peaks) + epsilon)
