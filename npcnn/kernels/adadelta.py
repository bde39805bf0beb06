"""Steps as long as earlier steps were, for a gradient as large as earlier ones.

Arguments and examples are those of `npcnn.reference.adadelta`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, step_along

Array = np.ndarray


@Body
def _adadelta(task, ints, scratch, parameters, gradients, squares, moves, step, options):
    rate, rho, rest, epsilon = step[0], options[0], options[1], options[2]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        gradient = gradients[i]
        square = rho * squares[i] + rest * (gradient * gradient)
        squares[i] = square
        move = math.sqrt(moves[i] + epsilon) * gradient / math.sqrt(square + epsilon)
        moves[i] = rho * moves[i] + rest * (move * move)
        parameters[i] -= rate * move


@op
def adadelta(
    parameters: Array, gradients: Array, squares: Array, moves: Array, step: Array, rho: float,
    epsilon: float,
) -> None:  # fmt: skip
    """Update the running means and take Adadelta's step, in Keras's arithmetic.

    v = ρv + (1 − ρ)g², d = g·√(w + ε) / √(v + ε), w = ρw + (1 − ρ)d², p −= lr·d, where v are the
    squares and w the moves; `step` holds lr.
    """
    step_along(_adadelta, parameters, gradients, (squares, moves), step, rho, 1 - rho, epsilon)
