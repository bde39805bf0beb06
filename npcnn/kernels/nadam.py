"""Adam with Nesterov's look-ahead.

Arguments and examples are those of `npcnn.reference.nadam`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, step_along

Array = np.ndarray


@Body
def _nadam(task, ints, scratch, parameters, gradients, m, v, step, options):
    of_mean, of_gradient, of_square = step[0], step[1], step[2]
    rest_1, rest_2, epsilon = options[0], options[1], options[2]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        gradient = gradients[i]
        m_i = m[i] + (gradient - m[i]) * rest_1
        v_i = v[i] + (gradient * gradient - v[i]) * rest_2
        m[i] = m_i
        v[i] = v_i
        ahead = of_mean * m_i + of_gradient * gradient
        parameters[i] -= ahead / (math.sqrt(of_square * v_i) + epsilon)


@op
def nadam(
    parameters: Array, gradients: Array, m: Array, v: Array, step: Array, beta_1: float,
    beta_2: float, epsilon: float,
) -> None:  # fmt: skip
    """Update the moments and take Nadam's step, in Keras's arithmetic.

    m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), p −= (a·m + b·g) / (√(c·v) + ε); `step` holds
    a, b and c, as `optimizers.Nadam` has them.
    """
    step_along(_nadam, parameters, gradients, (m, v), step, 1 - beta_1, 1 - beta_2, epsilon)
