"""Adam whose second moment never falls, in a single pass.

Arguments and examples are those of `npcnn.reference.amsgrad`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, step_along

Array = np.ndarray


@Body
def _amsgrad(task, ints, scratch, parameters, gradients, m, v, peaks, step, options):
    alpha, rest_1, rest_2, epsilon = step[0], options[0], options[1], options[2]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        gradient = gradients[i]
        m_i = m[i] + (gradient - m[i]) * rest_1
        v_i = v[i] + (gradient * gradient - v[i]) * rest_2
        m[i] = m_i
        v[i] = v_i
        peak = peaks[i]
        if not v_i <= peak:  # NaN becomes the peak
            peak = v_i
        peaks[i] = peak
        parameters[i] -= alpha * m_i / (math.sqrt(peak) + epsilon)


@op
def amsgrad(
    parameters: Array, gradients: Array, m: Array, v: Array, peaks: Array, step: Array,
    beta_1: float, beta_2: float, epsilon: float,
) -> None:  # fmt: skip
    """Update the moments as `adam` does, and divide the step by the largest v there was.

    m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), w = max(w, v), p −= α·m / (√w + ε); `step` holds α.
    """
    step_along(
        _amsgrad, parameters, gradients, (m, v, peaks), step, 1 - beta_1, 1 - beta_2, epsilon
    )
