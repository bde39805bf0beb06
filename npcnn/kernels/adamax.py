"""Adam whose second moment is a running maximum.

Arguments and examples are those of `npcnn.reference.adamax`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, step_along

Array = np.ndarray


@Body
def _adamax(task, ints, scratch, parameters, gradients, m, u, step, options):
    alpha, rest_1, beta_2, epsilon = step[0], options[0], options[1], options[2]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        gradient = gradients[i]
        m_i = m[i] + (gradient - m[i]) * rest_1
        m[i] = m_i
        u_i = beta_2 * u[i]
        size = abs(gradient)
        if not size <= u_i:  # NaN is not, and stays
            u_i = size
        u[i] = u_i
        parameters[i] -= alpha * m_i / (u_i + epsilon)


@op
def adamax(
    parameters: Array, gradients: Array, m: Array, u: Array, step: Array, beta_1: float,
    beta_2: float, epsilon: float,
) -> None:  # fmt: skip
    """Update the moment and the norm and take Adamax's step, in Keras's arithmetic.

    m += (g − m)(1 − β₁), u = max(β₂u, |g|), p −= α·m / (u + ε); `step` holds
    α = lr / (1 − β₁ᵗ).
    """
    step_along(_adamax, parameters, gradients, (m, u), step, 1 - beta_1, beta_2, epsilon)
