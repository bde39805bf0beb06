"""Steps as long as earlier steps were, for a gradient as large as earlier ones."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def adadelta(
    parameters: Array, gradients: Array, squares: Array, moves: Array, step: Array, rho: float,
    epsilon: float,
) -> None:  # fmt: skip
    """Update the running means and take Adadelta's step, in Keras's arithmetic.

    v = ρv + (1 − ρ)g², d = g·√(w + ε) / √(v + ε), w = ρw + (1 − ρ)d², p −= lr·d, where v are the
    squares and w the moves; `step` holds lr.
    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012; Keras ``adadelta.py``.

    >>> p = np.ones(1)
    >>> adadelta(p, np.ones(1), np.zeros(1), np.ones(1), np.full(1, 0.25), 0.75, 0.0)
    >>> p
    array([0.5])
    """
    squares[...] = rho * squares + (1 - rho) * (gradients * gradients)
    move = np.sqrt(moves + epsilon) * gradients / np.sqrt(squares + epsilon)
    moves[...] = rho * moves + (1 - rho) * (move * move)
    parameters -= step[0] * move
