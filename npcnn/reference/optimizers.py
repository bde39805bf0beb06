"""One update of all parameters, in place, over flat vectors."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray
Number = float | np.ndarray


@op
def adam(
    parameters: Array, gradients: Array, m: Array, v: Array, alpha: Number, beta_1: float,
    beta_2: float, epsilon: float,
) -> None:  # fmt: skip
    """Update the moments and take Adam's step, in Keras's arithmetic.

    m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), p −= α·m / (√v + ε), where the caller hands
    α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ), a number or an array of one. ε is added before the bias
    correction, unlike in the paper (Kingma, Ba, "Adam", 2014) and in PyTorch. All four arrays are
    flat, of one length.

    >>> p = np.zeros(1)
    >>> adam(p, np.ones(1), np.zeros(1), np.zeros(1), 0.1, 0.9, 0.999, 0.0)
    >>> p.round(4)
    array([-0.3162])
    """
    m += (gradients - m) * (1 - beta_1)
    v += (gradients * gradients - v) * (1 - beta_2)
    parameters -= alpha * m / (np.sqrt(v) + epsilon)


@op
def sgd(
    parameters: Array, gradients: Array, velocity: Array, learning_rate: Number, momentum: float,
    nesterov: bool,
) -> None:  # fmt: skip
    """Take a gradient step; with momentum, in Keras's arithmetic.

    u = momentum·u − lr·g; p += u, or with Nesterov's look-ahead p += momentum·u − lr·g. Without
    momentum p −= lr·g and the velocity is not touched.

    >>> p = np.ones(1)
    >>> sgd(p, np.ones(1), np.zeros(1), 0.25, 0.0, False)
    >>> p
    array([0.75])
    """
    if momentum == 0:
        parameters -= learning_rate * gradients
        return
    velocity *= momentum
    velocity -= learning_rate * gradients
    parameters += momentum * velocity - learning_rate * gradients if nesterov else velocity


@op
def count(counter: Array) -> None:
    """Add 1 to an array of one int64, without axes: a step is done.

    >>> steps = np.zeros((), np.int64)
    >>> count(steps)
    >>> steps
    array(1)
    """
    counter[...] += 1
