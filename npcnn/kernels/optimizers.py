"""One update of all parameters, in place, in a single pass over flat vectors."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np
from numba import prange

from npcnn.kernels.compile import both
from npcnn.kernels.elementwise import SMALL

Array = np.ndarray

# 'contract' lets a·b + c round once where the reference rounds twice.
CONTRACT = frozenset({"contract"})


def _adam(parameters, gradients, m, v, alpha, rest_1, rest_2, epsilon):
    for i in prange(parameters.size):
        gradient = gradients[i]
        m_i = m[i] + (gradient - m[i]) * rest_1
        v_i = v[i] + (gradient * gradient - v[i]) * rest_2
        m[i], v[i] = m_i, v_i
        parameters[i] -= alpha * m_i / (math.sqrt(v_i) + epsilon)


def _sgd(parameters, gradients, velocity, learning_rate, momentum, nesterov):
    for i in prange(parameters.size):
        step = learning_rate * gradients[i]
        velocity_i = momentum * velocity[i] - step
        velocity[i] = velocity_i
        parameters[i] += momentum * velocity_i - step if nesterov else velocity_i


def _descend(parameters, gradients, learning_rate):
    for i in prange(parameters.size):
        parameters[i] -= learning_rate * gradients[i]


def adam(
    parameters: Array, gradients: Array, m: Array, v: Array, alpha: float, beta_1: float,
    beta_2: float, epsilon: float,
) -> None:  # fmt: skip
    """Update the moments and take Adam's step, in Keras's arithmetic.

    m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), p −= α·m / (√v + ε), where the caller hands
    α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ). All four arrays are flat, of one length and dtype.

    >>> p = np.zeros(1)
    >>> adam(p, np.ones(1), np.zeros(1), np.zeros(1), 0.1, 0.9, 0.999, 0.0)
    >>> p.round(4)
    array([-0.3162])
    """
    real = parameters.dtype.type
    options = real(alpha), real(1 - beta_1), real(1 - beta_2), real(epsilon)
    _ADAM[parameters.size >= SMALL](parameters, gradients, m, v, *options)


def sgd(
    parameters: Array, gradients: Array, velocity: Array, learning_rate: float, momentum: float,
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
    real, wide = parameters.dtype.type, parameters.size >= SMALL
    rate = real(learning_rate)
    if momentum == 0:
        _DESCEND[wide](parameters, gradients, rate)
        return
    _SGD[wide](parameters, gradients, velocity, rate, real(momentum), bool(nesterov))


_ADAM, _SGD = both(_adam, fastmath=CONTRACT), both(_sgd, fastmath=CONTRACT)
_DESCEND = both(_descend, fastmath=CONTRACT)
