"""Steps divided by the root of the sum of all squared gradients.

Arguments and examples are those of `npcnn.reference.adagrad`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, step_along

Array = np.ndarray


@Body
def _adagrad(task, ints, scratch, parameters, gradients, squares, step, options):
    rate, epsilon = step[0], options[0]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        gradient = gradients[i]
        square = squares[i] + gradient * gradient
        squares[i] = square
        parameters[i] -= rate * gradient / math.sqrt(square + epsilon)


@op
def adagrad(
    parameters: Array, gradients: Array, squares: Array, step: Array, epsilon: float,
) -> None:  # fmt: skip
    """Sum up the squares and take Adagrad's step, in Keras's arithmetic.

    v += g², p −= lr·g / √(v + ε), where v are the squares; `step` holds lr.
    """
    step_along(_adagrad, parameters, gradients, (squares,), step, epsilon)
