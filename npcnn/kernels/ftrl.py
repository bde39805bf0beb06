"""Steps of the leader that follows all gradients so far, pulled towards 0.

Arguments and examples are those of `npcnn.reference.ftrl`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, step_along

Array = np.ndarray


@Body
def _ftrl(task, ints, scratch, parameters, gradients, squares, linears, step, options):
    rate = step[0]
    power, l1, l2, shrinkage, beta = options[0], options[1], options[2], options[3], options[4]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        if rate == 0:
            break
        gradient, p = gradients[i], parameters[i]
        grown = squares[i] + gradient * gradient
        powered = grown**-power
        moved = (powered - squares[i] ** -power) / rate * p
        z = linears[i] + (gradient + 2 * shrinkage * p - moved)
        quadratic = powered / rate + 2 * (l2 + beta / (2 * rate))
        squares[i], linears[i] = grown, z
        parameters[i] = (min(max(z, -l1), l1) - z) / quadratic


@op
def ftrl(
    parameters: Array, gradients: Array, squares: Array, linears: Array, step: Array,
    power: float, l1: float, l2: float, shrinkage: float, beta: float,
) -> None:  # fmt: skip
    """Add gradients up and take FTRL's step, in Keras's arithmetic; nothing for lr = 0.

    n' = n + g², z += g + 2 s p − (n'^−q − n^−q) / lr · p and
    p = (clip(z, −λ₁, λ₁) − z) / (n'^−q / lr + 2 λ₂ + β / lr); `step` holds lr.
    """
    step_along(
        _ftrl, parameters, gradients, (squares, linears), step, power, l1, l2, shrinkage, beta
    )
