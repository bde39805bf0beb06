"""Activation functions, each with its backward directly under it.

Any rank, element by element; softmax runs over the last axis.

The formulas, arguments and examples are those of `npcnn.reference.activations`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, each_element, over_last_axis

Array = np.ndarray


@Body
def _relu(task, ints, scratch, out, x, options):
    slope, cap, threshold = options[0], options[1], options[2]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        value = x[i]
        if value > threshold:
            out[i] = min(value, cap)
        elif slope != 0:
            out[i] = slope * (value - threshold)
        else:
            out[i] = value * 0  # NaN stays NaN


@Body
def _relu_backward(task, ints, scratch, out, grad_y, x, options):
    slope, cap, threshold = options[0], options[1], options[2]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        if x[i] > threshold:
            out[i] = grad_y[i] if x[i] < cap else grad_y[i] * 0
        else:
            out[i] = slope * grad_y[i]


@Body
def _sigmoid(task, ints, scratch, out, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        power = math.exp(-abs(x[i]))
        out[i] = (1 if x[i] >= 0 else power) / (1 + power)


@Body
def _sigmoid_backward(task, ints, scratch, out, grad_y, y):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = grad_y[i] * y[i] * (1 - y[i])


_P = (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
_Q = (1.12811678491631932401e2, 2.23548839060100448583e3, 4.84406305325125486048e3)


@Body
def _tanh(task, ints, scratch, out, x):
    """Below 0.625 a rational function (Cephes, tanh.c), beyond it 1 − 2p / (1 + p), p = e^(−2|x|).

    libm's tanh takes five times sigmoid's time, and is off by more units in the last place.
    """
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        size = abs(x[i])
        z = size * size
        above = (_P[0] * z + _P[1]) * z + _P[2]
        below = ((z + _Q[0]) * z + _Q[1]) * z + _Q[2]
        power = math.exp(-2 * size)
        small, large = size + size * z * above / below, 1 - 2 * power / (1 + power)
        out[i] = math.copysign(small if size < 0.625 else large, x[i])


@Body
def _tanh_backward(task, ints, scratch, out, grad_y, y):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = grad_y[i] * (1 - y[i] * y[i])


@op
def relu(x: Array, negative_slope: float, max_value: float | None, threshold: float) -> Array:
    """Return x above the threshold, at most max_value; below it negative_slope·(x − threshold)."""
    return each_element(_relu, [x], *_relu_options(x, negative_slope, max_value, threshold))


@op
def relu_backward(
    grad_y: Array, x: Array, negative_slope: float, max_value: float | None, threshold: float
) -> Array:
    """Return grad_y where x passed, 0 where it was capped, negative_slope of it below."""
    options = _relu_options(x, negative_slope, max_value, threshold)
    return each_element(_relu_backward, [grad_y, x], *options)


def _relu_options(
    x: Array, negative_slope: float, max_value: float | None, threshold: float
) -> tuple[float, float, float]:
    """Return the options in x's own dtype, no cap as infinity."""
    real = x.dtype.type
    cap = math.inf if max_value is None else max_value
    return real(negative_slope), real(cap), real(threshold)


@op
def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(−x)), without overflow on either side."""
    return each_element(_sigmoid, [x])


@op
def sigmoid_backward(grad_y: Array, y: Array) -> Array:
    """Return grad_y · y · (1 − y)."""
    return each_element(_sigmoid_backward, [grad_y, y])


@op
def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent of each element."""
    return each_element(_tanh, [x])


@op
def tanh_backward(grad_y: Array, y: Array) -> Array:
    """Return grad_y · (1 − y²)."""
    return each_element(_tanh_backward, [grad_y, y])


@Body
def _softmax(task, ints, scratch, out, x):
    """Fill some columns of out (classes, columns): each is a softmax of its own."""
    classes, columns = ints[0], ints[1]
    for n in range(columns * task // ints[2], columns * (task + 1) // ints[2]):
        largest = x[n]
        for c in range(1, classes):
            value = x[c * columns + n]
            if value > largest or math.isnan(value):
                largest = value
        total = x[n] * 0
        for c in range(classes):
            power = math.exp(x[c * columns + n] - largest)
            out[c * columns + n] = power
            total += power
        for c in range(classes):
            out[c * columns + n] /= total


@Body
def _softmax_backward(task, ints, scratch, out, grad_y, y):
    classes, columns = ints[0], ints[1]
    for n in range(columns * task // ints[2], columns * (task + 1) // ints[2]):
        total = y[n] * 0
        for c in range(classes):
            total += grad_y[c * columns + n] * y[c * columns + n]
        for c in range(classes):
            place = c * columns + n
            out[place] = y[place] * (grad_y[place] - total)


@op
def softmax(x: Array) -> Array:
    """Return exp(x) / Σ exp(x) over the last axis, shifted by the maximum so nothing overflows."""
    return over_last_axis(_softmax, x)


@op
def softmax_backward(grad_y: Array, y: Array) -> Array:
    """Return y · (grad_y − Σ grad_y · y), the sum over the last axis."""
    return over_last_axis(_softmax_backward, grad_y, y)
