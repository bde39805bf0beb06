"""Adam with Nesterov's look-ahead."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def nadam(
    parameters: Array, gradients: Array, m: Array, v: Array, step: Array, beta_1: float,
    beta_2: float, epsilon: float,
) -> None:  # fmt: skip
    """Update the moments and take Nadam's step, in Keras's arithmetic.

    m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), p −= (a·m + b·g) / (√(c·v) + ε); `step` holds
    a, b and c, as `optimizers.Nadam` has them.
    Source: Dozat, "Incorporating Nesterov Momentum into Adam", 2015; Keras ``nadam.py``.

    >>> p, step = np.ones(1), np.array([0.25, 0.125, 4.0])
    >>> nadam(p, np.ones(1), np.zeros(1), np.zeros(1), step, 0.0, 0.0, 0.0)
    >>> p
    array([0.8125])
    """
    m += (gradients - m) * (1 - beta_1)
    v += (gradients * gradients - v) * (1 - beta_2)
    ahead = step[0] * m + step[1] * gradients
    parameters -= ahead / (np.sqrt(step[2] * v) + epsilon)
