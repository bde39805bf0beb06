"""One update of all parameters, in place, in a single pass over flat vectors.

Arguments and examples are those of `npcnn.reference.optimizers`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, in_place

Array = np.ndarray
Number = float | np.ndarray


@Body
def _adam(task, ints, scratch, parameters, gradients, m, v, step, options):
    alpha, rest_1, rest_2, epsilon = step[0], options[0], options[1], options[2]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        gradient = gradients[i]
        m_i = m[i] + (gradient - m[i]) * rest_1
        v_i = v[i] + (gradient * gradient - v[i]) * rest_2
        m[i] = m_i
        v[i] = v_i
        parameters[i] -= alpha * m_i / (math.sqrt(v_i) + epsilon)


@Body
def _sgd(task, ints, scratch, parameters, gradients, velocity, step, options):
    rate, momentum = step[0], options[0]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        step = rate * gradients[i]
        if momentum == 0:
            parameters[i] -= step
            continue
        velocity_i = momentum * velocity[i] - step
        velocity[i] = velocity_i
        parameters[i] += momentum * velocity_i - step if ints[1] else velocity_i


@op
def adam(
    parameters: Array, gradients: Array, m: Array, v: Array, alpha: Number, beta_1: float,
    beta_2: float, epsilon: float,
) -> None:  # fmt: skip
    """Update the moments and take Adam's step, in Keras's arithmetic.

    m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), p −= α·m / (√v + ε), where the caller hands
    α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ), a number or an array of one. All four arrays are flat, of one
    length and dtype.
    """
    dtype, gradients = parameters.dtype, layout.contiguous(gradients)
    options = memory.constant([1 - beta_1, 1 - beta_2, epsilon], dtype)
    in_place(_adam, [parameters, gradients, m, v, memory.number(alpha, dtype), options])


@op
def sgd(
    parameters: Array, gradients: Array, velocity: Array, learning_rate: Number, momentum: float,
    nesterov: bool,
) -> None:  # fmt: skip
    """Take a gradient step; with momentum, in Keras's arithmetic.

    u = momentum·u − lr·g; p += u, or with Nesterov's look-ahead p += momentum·u − lr·g. Without
    momentum p −= lr·g and the velocity is not touched.
    """
    dtype = parameters.dtype
    if momentum == 0:
        velocity = parameters  # not read
    step, options = memory.number(learning_rate, dtype), memory.constant([momentum], dtype)
    arrays = [parameters, layout.contiguous(gradients), velocity, step, options]
    in_place(_sgd, arrays, bool(nesterov))


@Body
def _count(task, ints, scratch, counter):
    counter[0] += 1


@op
def count(counter: Array) -> None:
    """Add 1 to an array of one int64, without axes: a step is done."""
    _count(1, False, [counter], memory.NO_INTS)
