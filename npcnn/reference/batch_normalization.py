"""Batch normalisation, with its backward directly under it.

Source: Ioffe, Szegedy, "Batch Normalization", ICML 2015; the running statistics are Keras's.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def batch_normalization(
    x: Array, gamma: Array | None, beta: Array | None, mean: Array, variance: Array,
    momentum: float, epsilon: float, training: bool,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Return y = gamma · (x − center) · rate + beta for each channel, and center and rate.

    In training, center is the batch's mean and rate = 1 / √(its variance + ε), and the running
    statistics move: mean = momentum · mean + (1 − momentum) · center, variance likewise. Else
    center and rate come from the running statistics.

    Args:
        x: (N, …, C).
        gamma: (C,), or None for ones.
        beta: (C,), or None for zeros.
        mean: (C,), the running mean, changed in place in training.
        variance: (C,), the running variance, likewise.
        momentum: the share of a running statistic that stays.
        epsilon: as above.
        training: which of the two.

    Returns:
        y like x; center (C,); rate (C,).

    >>> mean, variance = np.zeros(1), np.ones(1)
    >>> batch_normalization(np.array([[0.0], [2.0]]), None, None, mean, variance, 0.9, 0.0, True)[0]
    array([[-1.],
           [ 1.]])
    >>> mean, variance
    (array([0.1]), array([1.]))
    """
    center, spread = mean.copy(), variance
    if training and x.size:
        axes = tuple(range(x.ndim - 1))
        center = x.mean(axis=axes)
        center = center + (x - center).mean(axis=axes)  # what rounding took from large numbers
        spread = ((x - center) ** 2).mean(axis=axes)
        mean[...] = momentum * mean + (1 - momentum) * center
        variance[...] = momentum * variance + (1 - momentum) * spread
    rate = 1 / np.sqrt(spread + epsilon)
    y = (x - center) * rate
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta, center, rate


@op
def batch_normalization_backward(
    grad_y: Array, x: Array, gamma: Array | None, center: Array, rate: Array,
    grad_gamma: Array | None, grad_beta: Array | None, training: bool,
) -> Array:  # fmt: skip
    """Write the gradients by gamma and beta, and return the one by x.

    With x̂ = (x − center) · rate: grad_gamma = Σ grad_y · x̂, grad_beta = Σ grad_y, and in training
    grad_x = gamma · rate · (grad_y − grad_beta / n − x̂ · grad_gamma / n), n numbers a channel;
    else gamma · rate · grad_y.

    >>> x, grads = np.array([[1.0], [3.0]]), (np.empty(1), np.empty(1))
    >>> grad_x = batch_normalization_backward(x, x, None, np.array([2.0]), np.ones(1), *grads, True)
    >>> grads
    (array([2.]), array([4.]))
    """
    axes = tuple(range(x.ndim - 1))
    normal = (x - center) * rate
    by_gamma, by_beta = (grad_y * normal).sum(axis=axes), grad_y.sum(axis=axes)
    for held, found in ((grad_gamma, by_gamma), (grad_beta, by_beta)):
        if held is not None:
            held[...] = found
    if training and x.size:
        n = x.size // x.shape[-1]
        grad_y = grad_y - (by_beta + normal * by_gamma) / n
    return grad_y * (rate if gamma is None else rate * gamma)
