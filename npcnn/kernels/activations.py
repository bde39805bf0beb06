"""Activation functions, each with its backward directly under it.

Any rank, element by element; softmax runs over the last axis.

The formulas, arguments and examples are those of `npcnn.reference.activations`.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np
from numba import prange

from npcnn.kernels import layout, memory
from npcnn.kernels.compile import both, kernel
from npcnn.kernels.elementwise import each_element

Array = np.ndarray


def _relu(out, x, negative_slope, max_value, threshold):
    for i in prange(out.size):
        value = x[i]
        if value > threshold:
            out[i] = min(value, max_value)
        elif negative_slope != 0:
            out[i] = negative_slope * (value - threshold)
        else:
            out[i] = value * 0  # NaN stays NaN


def _relu_backward(out, grad_y, x, negative_slope, max_value, threshold):
    for i in prange(out.size):
        if x[i] > threshold:
            out[i] = grad_y[i] if x[i] < max_value else grad_y[i] * 0
        else:
            out[i] = negative_slope * grad_y[i]


def _sigmoid(out, x):
    for i in prange(out.size):
        power = math.exp(-abs(x[i]))
        out[i] = (1 if x[i] >= 0 else power) / (1 + power)


def _sigmoid_backward(out, grad_y, y):
    for i in prange(out.size):
        out[i] = grad_y[i] * y[i] * (1 - y[i])


def _tanh(out, x):
    for i in prange(out.size):
        out[i] = math.tanh(x[i])


def _tanh_backward(out, grad_y, y):
    for i in prange(out.size):
        out[i] = grad_y[i] * (1 - y[i] * y[i])


def relu(x: Array, negative_slope: float, max_value: float | None, threshold: float) -> Array:
    """Return x above the threshold, at most max_value; below it negative_slope·(x − threshold).

    Source of the formula: Keras's ReLU layer. NaN stays NaN.

    >>> relu(np.array([-2.0, 1.0, 9.0]), 0.5, 6.0, 0.0)
    array([-1.,  1.,  6.])
    """
    return each_element(_RELU, [x], *_relu_options(x, negative_slope, max_value, threshold))


def relu_backward(
    grad_y: Array, x: Array, negative_slope: float, max_value: float | None, threshold: float
) -> Array:
    """Return grad_y where x passed, 0 where it was capped, negative_slope of it below."""
    options = _relu_options(x, negative_slope, max_value, threshold)
    return each_element(_RELU_BACKWARD, [grad_y, x], *options)


def _relu_options(
    x: Array, negative_slope: float, max_value: float | None, threshold: float
) -> tuple[float, float, float]:
    """Return the options in x's own dtype, no cap as infinity."""
    real = x.dtype.type
    cap = math.inf if max_value is None else max_value
    return real(negative_slope), real(cap), real(threshold)


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(−x)), without overflow on either side.

    >>> sigmoid(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    return each_element(_SIGMOID, [x])


def sigmoid_backward(grad_y: Array, y: Array) -> Array:
    """Return grad_y · y · (1 − y)."""
    return each_element(_SIGMOID_BACKWARD, [grad_y, y])


def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent of each element.

    >>> tanh(np.array([0.0]))
    array([0.])
    """
    return each_element(_TANH, [x])


def tanh_backward(grad_y: Array, y: Array) -> Array:
    """Return grad_y · (1 − y²)."""
    return each_element(_TANH_BACKWARD, [grad_y, y])


@kernel
def _softmax(out, x):
    """Fill out (classes, rows): each column is a softmax of its own."""
    classes, rows = x.shape
    for n in range(rows):
        largest = x[0, n]
        for c in range(1, classes):
            if x[c, n] > largest or math.isnan(x[c, n]):
                largest = x[c, n]
        total = x[0, n] * 0
        for c in range(classes):
            out[c, n] = math.exp(x[c, n] - largest)
            total += out[c, n]
        for c in range(classes):
            out[c, n] /= total


@kernel
def _softmax_backward(out, grad_y, y):
    classes, rows = y.shape
    for n in range(rows):
        total = y[0, n] * 0
        for c in range(classes):
            total += grad_y[c, n] * y[c, n]
        for c in range(classes):
            out[c, n] = y[c, n] * (grad_y[c, n] - total)


def softmax(x: Array) -> Array:
    """Return exp(x) / Σ exp(x) over the last axis, shifted by the maximum so nothing overflows.

    >>> softmax(np.array([[1e4, 1e4]]))
    array([[0.5, 0.5]])
    """
    block = layout.batch_innermost(x)
    out = memory.empty(block.shape, block.dtype)
    if out.size:
        _softmax(out.reshape(len(out), -1), block.reshape(len(block), -1))
    return layout.batch_outermost(out)


def softmax_backward(grad_y: Array, y: Array) -> Array:
    """Return y · (grad_y − Σ grad_y · y), the sum over the last axis."""
    block = layout.batch_innermost(y)
    out, grad = memory.empty(block.shape, block.dtype), layout.batch_innermost(grad_y)
    if out.size:
        _softmax_backward(*(each.reshape(len(each), -1) for each in (out, grad, block)))
    return layout.batch_outermost(out)


_RELU, _RELU_BACKWARD = both(_relu), both(_relu_backward)
_SIGMOID, _SIGMOID_BACKWARD = both(_sigmoid), both(_sigmoid_backward)
_TANH, _TANH_BACKWARD = both(_tanh), both(_tanh_backward)
