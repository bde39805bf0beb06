"""Activation functions, each with its backward directly under it.

Any rank, element by element; softmax runs over the last axis.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def relu(x: Array, negative_slope: float, max_value: float | None, threshold: float) -> Array:
    """Return x above the threshold, at most max_value; below it negative_slope·(x − threshold).

    Source of the formula: Keras's ReLU layer. NaN stays NaN.

    >>> relu(np.array([-2.0, 1.0, 9.0]), 0.5, 6.0, 0.0)
    array([-1.,  1.,  6.])
    """
    above = x if max_value is None else np.where(x.real > max_value, max_value, x)
    below = negative_slope * (x - threshold) if negative_slope else np.zeros_like(x)
    return np.where(x.real <= threshold, below, above)


@op
def relu_backward(
    grad_y: Array, x: Array, negative_slope: float, max_value: float | None, threshold: float
) -> Array:
    """Return grad_y where x passed, 0 where it was capped, negative_slope of it below.

    >>> relu_backward(np.ones(3), np.array([-2.0, 1.0, 9.0]), 0.5, 6.0, 0.0)
    array([0.5, 1. , 0. ])
    """
    passed = grad_y if max_value is None else np.where(x < max_value, grad_y, 0)
    return np.where(x > threshold, passed, negative_slope * grad_y)


@op
def softmax(x: Array) -> Array:
    """Return exp(x) / Σ exp(x) over the last axis, shifted by the maximum: no overflow.

    >>> softmax(np.array([[1e4, 1e4]]))
    array([[0.5, 0.5]])
    """
    powers = np.exp(x - x.real.max(axis=-1, keepdims=True, initial=-np.inf))
    return powers / powers.sum(axis=-1, keepdims=True)


@op
def softmax_backward(grad_y: Array, y: Array) -> Array:
    """Return y · (grad_y − Σ grad_y · y), the sum over the last axis.

    >>> softmax_backward(np.array([1.0, 0.0]), np.array([0.25, 0.75]))
    array([ 0.1875, -0.1875])
    """
    return y * (grad_y - (grad_y * y).sum(axis=-1, keepdims=True))


@op
def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(−x)), without overflow on either side.

    >>> sigmoid(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    power = np.exp(np.where(x.real >= 0, -x, x))
    return np.where(x.real >= 0, 1 / (1 + power), power / (1 + power))


@op
def sigmoid_backward(grad_y: Array, y: Array) -> Array:
    """Return grad_y · y · (1 − y).

    >>> sigmoid_backward(np.ones(2), np.array([0.5, 0.25]))
    array([0.25  , 0.1875])
    """
    return grad_y * y * (1 - y)


@op
def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent of each element.

    >>> tanh(np.array([0.0]))
    array([0.])
    """
    return np.tanh(x)


@op
def tanh_backward(grad_y: Array, y: Array) -> Array:
    """Return grad_y · (1 − y²).

    >>> tanh_backward(np.ones(2), np.array([0.0, 0.5]))
    array([1.  , 0.75])
    """
    return grad_y * (1 - y * y)
