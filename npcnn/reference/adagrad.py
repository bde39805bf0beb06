"""Steps divided by the root of the sum of all squared gradients."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def adagrad(
    parameters: Array, gradients: Array, squares: Array, step: Array, epsilon: float,
) -> None:  # fmt: skip
    """Sum up the squares and take Adagrad's step, in Keras's arithmetic.

    v += g², p −= lr·g / √(v + ε), where v are the squares; `step` holds lr.
    Source: Duchi, Hazan, Singer, "Adaptive Subgradient Methods", JMLR 12, 2011; Keras
    ``adagrad.py``.

    >>> p = np.ones(1)
    >>> adagrad(p, np.ones(1), np.full(1, 3.0), np.ones(1), 0.0)
    >>> p
    array([0.5])
    """
    squares += gradients * gradients
    parameters -= step[0] * gradients / np.sqrt(squares + epsilon)
