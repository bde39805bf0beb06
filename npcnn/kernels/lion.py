"""Lion in a single pass.

Arguments and examples are those of `npcnn.reference.lion`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, step_along

Array = np.ndarray


@Body
def _lion(task, ints, scratch, parameters, gradients, m, step, options):
    rate, beta_1, rest_1, beta_2, rest_2 = step[0], options[0], options[1], options[2], options[3]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        gradient, m_i = gradients[i], m[i]
        way = m_i * beta_1 + gradient * rest_1
        if way > 0:
            parameters[i] -= rate
        elif way < 0:
            parameters[i] += rate
        else:
            parameters[i] -= way  # 0, or NaN
        m[i] = m_i * beta_2 + gradient * rest_2


@op
def lion(
    parameters: Array, gradients: Array, m: Array, step: Array, beta_1: float, beta_2: float
) -> None:
    """Take Lion's step and update the running mean, in Keras's arithmetic.

    p −= lr · sign(β₁m + (1 − β₁)g), m = β₂m + (1 − β₂)g; `step` holds lr.
    """
    step_along(_lion, parameters, gradients, (m,), step, beta_1, 1 - beta_1, beta_2, 1 - beta_2)
