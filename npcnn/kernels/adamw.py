"""Adam with decoupled weight decay, in a single pass.

Arguments and examples are those of `npcnn.reference.adamw`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, step_along

Array = np.ndarray


@Body
def _adamw(task, ints, scratch, parameters, gradients, m, v, step, options):
    alpha, decay = step[0], step[1]
    rest_1, rest_2, epsilon = options[0], options[1], options[2]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        gradient = gradients[i]
        m_i = m[i] + (gradient - m[i]) * rest_1
        v_i = v[i] + (gradient * gradient - v[i]) * rest_2
        m[i] = m_i
        v[i] = v_i
        kept = parameters[i] - parameters[i] * decay
        parameters[i] = kept - alpha * m_i / (math.sqrt(v_i) + epsilon)


@op
def adamw(
    parameters: Array, gradients: Array, m: Array, v: Array, step: Array, beta_1: float,
    beta_2: float, epsilon: float,
) -> None:  # fmt: skip
    """Let the parameters decay, then take Adam's step, in Keras's arithmetic.

    p −= p · d, then as `adam`: m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), p −= α·m / (√v + ε).
    `step` holds α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ) and d = lr · weight decay.
    """
    step_along(_adamw, parameters, gradients, (m, v), step, 1 - beta_1, 1 - beta_2, epsilon)
