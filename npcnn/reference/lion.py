"""Steps of one length, by the sign of a running mean of gradients."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def lion(
    parameters: Array, gradients: Array, m: Array, step: Array, beta_1: float, beta_2: float
) -> None:
    """Take Lion's step and update the running mean, in Keras's arithmetic.

    p −= lr · sign(β₁m + (1 − β₁)g), m = β₂m + (1 − β₂)g; `step` holds lr. Source: Chen et al.,
    "Symbolic Discovery of Optimization Algorithms", 2023; Keras ``lion.py``.

    >>> p, m = np.ones(1), np.zeros(1)
    >>> lion(p, np.full(1, 4.0), m, np.array([0.25]), 0.5, 0.75)
    >>> p, m
    (array([0.75]), array([1.]))
    """
    parameters -= step * np.sign(m * beta_1 + gradients * (1 - beta_1))
    m[...] = m * beta_2 + gradients * (1 - beta_2)
