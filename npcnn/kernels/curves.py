"""Smooth activations besides the common ones, with each backward directly under it.

The formulas, arguments and examples are those of `npcnn.reference.curves`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.kernels.run.elementwise import PARTS, each_element, over_last_axis

Array = np.ndarray


@Body
def _softplus(task, ints, scratch, out, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = (x[i] if x[i] > 0 else x[i] * 0) + math.log1p(math.exp(-abs(x[i])))


@Body
def _softsign(task, ints, scratch, out, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = x[i] / (1 + abs(x[i]))


@Body
def _softsign_backward(task, ints, scratch, out, grad_y, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = grad_y[i] / (1 + abs(x[i])) / (1 + abs(x[i]))


@Body
def _exponential(task, ints, scratch, out, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = math.exp(x[i])


@helper
def _inner(value):
    """Return tanh(log(1 + e^x)) = (e² + 2e) / (e² + 2e + 2), e = e^x, from powers that are small.

    Above 0, numerator and denominator are divided by e².
    """
    power = math.exp(-abs(value))
    if value >= 0:
        return (1 + 2 * power) / (1 + 2 * power + 2 * power * power)
    return power * (power + 2) / (power * (power + 2) + 2)


@Body
def _mish(task, ints, scratch, out, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = x[i] * _inner(x[i])


@Body
def _mish_backward(task, ints, scratch, out, grad_y, x):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        power = math.exp(-abs(x[i]))
        share = (1 if x[i] >= 0 else power) / (1 + power)
        t = _inner(x[i])
        out[i] = grad_y[i] * (t + x[i] * (1 - t * t) * share)


@Body
def _squareplus(task, ints, scratch, out, x, options):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = (x[i] + math.sqrt(x[i] * x[i] + options[0])) / 2


@Body
def _squareplus_backward(task, ints, scratch, out, grad_y, x, options):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = grad_y[i] * (1 + x[i] / math.sqrt(x[i] * x[i] + options[0])) / 2


@op
def softplus(x: Array) -> Array:
    """Return log(1 + exp(x)), without overflow. Its gradient is grad_y · sigmoid(x)."""
    return each_element(_softplus, [x])


@op
def softsign(x: Array) -> Array:
    """Return x / (1 + |x|)."""
    return each_element(_softsign, [x])


@op
def softsign_backward(grad_y: Array, x: Array) -> Array:
    """Return grad_y / (1 + |x|)²."""
    return each_element(_softsign_backward, [grad_y, x])


@op
def exponential(x: Array) -> Array:
    """Return exp(x). Its gradient is grad_y · y."""
    return each_element(_exponential, [x])


@op
def mish(x: Array) -> Array:
    """Return x · tanh(log(1 + exp(x)))."""
    return each_element(_mish, [x])


@op
def mish_backward(grad_y: Array, x: Array) -> Array:
    """Return grad_y · (t + x · (1 − t²) · sigmoid(x)), t the hyperbolic tangent above."""
    return each_element(_mish_backward, [grad_y, x])


@op
def squareplus(x: Array, b: float) -> Array:
    """Return (x + √(x² + b)) / 2."""
    return each_element(_squareplus, [x], b)


@op
def squareplus_backward(grad_y: Array, x: Array, b: float) -> Array:
    """Return grad_y · (1 + x / √(x² + b)) / 2."""
    return each_element(_squareplus_backward, [grad_y, x], b)


@Body
def _log_softmax(task, ints, scratch, out, x):
    """Fill some columns of out (classes, columns): each is a log-softmax of its own."""
    classes, columns = ints[0], ints[1]
    for n in range(columns * task // ints[2], columns * (task + 1) // ints[2]):
        largest = x[n]
        for c in range(1, classes):
            value = x[c * columns + n]
            if value > largest or math.isnan(value):
                largest = value
        total = x[n] * 0
        for c in range(classes):
            total += math.exp(x[c * columns + n] - largest)
        total = math.log(total)
        for c in range(classes):
            out[c * columns + n] = x[c * columns + n] - largest - total


@Body
def _log_softmax_backward(task, ints, scratch, out, grad_y, y):
    classes, columns = ints[0], ints[1]
    for n in range(columns * task // ints[2], columns * (task + 1) // ints[2]):
        total = y[n] * 0
        for c in range(classes):
            total += grad_y[c * columns + n]
        for c in range(classes):
            place = c * columns + n
            out[place] = grad_y[place] - math.exp(y[place]) * total


@op
def log_softmax(x: Array) -> Array:
    """Return the logarithm of softmax over the last axis, without overflow."""
    return over_last_axis(_log_softmax, x)


@op
def log_softmax_backward(grad_y: Array, y: Array) -> Array:
    """Return grad_y − exp(y) · Σ grad_y, the sum over the last axis."""
    return over_last_axis(_log_softmax_backward, grad_y, y)
