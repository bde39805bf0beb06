"""Smooth activations besides the common ones, with each backward directly under it.

Any rank, element by element; log_softmax runs over the last axis.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.reference.activations import sigmoid

Array = np.ndarray


@op
def softplus(x: Array) -> Array:
    """Return log(1 + exp(x)), without overflow. Its gradient is grad_y · sigmoid(x).

    >>> softplus(np.array([-1e4, 0.0, 200.0])).round(4)
    array([  0.    ,   0.6931, 200.    ])
    """
    above = np.where(x.real > 0, x, 0)
    return above + np.log1p(np.exp(np.where(x.real > 0, -x, x)))


@op
def softsign(x: Array) -> Array:
    """Return x / (1 + |x|).

    >>> softsign(np.array([-3.0, 1.0]))
    array([-0.75,  0.5 ])
    """
    return x / (1 + np.where(x.real < 0, -x, x))


@op
def softsign_backward(grad_y: Array, x: Array) -> Array:
    """Return grad_y / (1 + |x|)².

    >>> softsign_backward(np.ones(2), np.array([0.0, 1.0]))
    array([1.  , 0.25])
    """
    return grad_y / (1 + np.abs(x)) / (1 + np.abs(x))


@op
def exponential(x: Array) -> Array:
    """Return exp(x). Its gradient is grad_y · y.

    >>> exponential(np.array([0.0]))
    array([1.])
    """
    with np.errstate(over="ignore"):  # infinity, as on the other backend
        return np.exp(x)


@op
def mish(x: Array) -> Array:
    """Return x · tanh(log(1 + exp(x))). Source: Misra, arXiv 1908.08681.

    >>> mish(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.8651])
    """
    return x * np.tanh(softplus(x))


@op
def mish_backward(grad_y: Array, x: Array) -> Array:
    """Return grad_y · (t + x · (1 − t²) · sigmoid(x)), t the hyperbolic tangent above.

    >>> mish_backward(np.ones(2), np.array([0.0, 2.0])).round(4)
    array([0.6   , 1.0693])
    """
    t = np.tanh(softplus(x))
    return grad_y * (t + x * (1 - t * t) * sigmoid(x))


@op
def squareplus(x: Array, b: float) -> Array:
    """Return (x + √(x² + b)) / 2. Source: Barron, arXiv 2112.11687.

    >>> squareplus(np.array([0.0]), 4.0)
    array([1.])
    """
    return (x + np.sqrt(x * x + b)) / 2


@op
def squareplus_backward(grad_y: Array, x: Array, b: float) -> Array:
    """Return grad_y · (1 + x / √(x² + b)) / 2.

    >>> squareplus_backward(np.ones(2), np.array([0.0, 1.5]), 4.0)
    array([0.5, 0.8])
    """
    return grad_y * (1 + x / np.sqrt(x * x + b)) / 2


@op
def log_softmax(x: Array) -> Array:
    """Return the logarithm of softmax over the last axis, without overflow.

    >>> log_softmax(np.array([[1e4, 1e4]])).round(4)
    array([[-0.6931, -0.6931]])
    """
    if not x.shape[-1]:
        return x.copy()
    low = x - x.real.max(axis=-1, keepdims=True, initial=-np.inf)
    return low - np.log(np.exp(low).sum(axis=-1, keepdims=True))


@op
def log_softmax_backward(grad_y: Array, y: Array) -> Array:
    """Return grad_y − exp(y) · Σ grad_y, the sum over the last axis.

    >>> log_softmax_backward(np.array([1.0, 0.0]), np.log([0.25, 0.75]))
    array([ 0.75, -0.75])
    """
    return grad_y - np.exp(y) * grad_y.sum(axis=-1, keepdims=True)
