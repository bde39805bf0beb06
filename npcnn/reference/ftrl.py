"""Steps of the leader that follows all gradients so far, pulled towards 0."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def ftrl(
    parameters: Array, gradients: Array, squares: Array, linears: Array, step: Array,
    power: float, l1: float, l2: float, shrinkage: float, beta: float,
) -> None:  # fmt: skip
    """Add gradients up and take FTRL's step, in Keras's arithmetic; nothing for lr = 0.

    n' = n + g², z += g + 2 s p − (n'^−q − n^−q) / lr · p and
    p = (clip(z, −λ₁, λ₁) − z) / (n'^−q / lr + 2 λ₂ + β / lr), where n are the squares, z the
    linears, q is `power`, λ₁ and λ₂ `l1` and `l2`, s `shrinkage`; `step` holds lr.
    Source: McMahan et al., "Ad Click Prediction: a View from the Trenches", 2013; Keras
    ``ftrl.py``.

    >>> p = np.zeros(1)
    >>> ftrl(p, np.ones(1), np.full(1, 3.0), np.zeros(1), np.ones(1), -0.5, 0.0, 0.0, 0.0, 0.0)
    >>> p
    array([-0.5])
    """
    rate = step[0]
    if not rate:
        return
    grown = squares + gradients * gradients
    powered = grown**-power
    moved = (powered - squares**-power) / rate * parameters
    linears += gradients + 2 * shrinkage * parameters - moved
    quadratic = powered / rate + 2 * (l2 + beta / (2 * rate))
    parameters[...] = (np.clip(linears, -l1, l1) - linears) / quadratic
    squares[...] = grown
