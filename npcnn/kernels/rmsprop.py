"""RMSprop in a single pass.

Arguments and examples are those of `npcnn.reference.rmsprop`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, in_place

Array = np.ndarray


@Body
def _rmsprop(task, ints, scratch, parameters, gradients, velocity, momenta, means, step, options):
    rate, rho, rest, momentum, epsilon = step[0], options[0], options[1], options[2], options[3]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        gradient = gradients[i]
        spread = rho * velocity[i] + rest * (gradient * gradient)
        velocity[i] = spread
        if ints[2]:
            mean = rho * means[i] + rest * gradient
            means[i] = mean
            spread -= mean * mean
            if spread < 0:
                spread = epsilon - epsilon  # 0 of its own kind
        move = rate * gradient / math.sqrt(spread + epsilon)
        if ints[1]:
            move += momentum * momenta[i]
            momenta[i] = move
        parameters[i] -= move


@op
def rmsprop(
    parameters: Array, gradients: Array, velocity: Array, momenta: Array | None,
    means: Array | None, step: Array, rho: float, momentum: float, epsilon: float,
) -> None:  # fmt: skip
    """Update the running means and take RMSprop's step, in Keras's arithmetic.

    v = ρv + (1 − ρ)g², u = lr·g / √(v + ε), p −= u. With means, a = ρa + (1 − ρ)g and v − a²
    stands for v below the root, or 0 where rounding makes it less; with momenta, b = momentum·b + u
    and p −= b. `step` holds lr.
    """
    options = memory.constant([rho, 1 - rho, momentum, epsilon], parameters.dtype)
    slots = [velocity if slot is None else slot for slot in (velocity, momenta, means)]
    arrays = [parameters, layout.contiguous(gradients), *slots, layout.contiguous(step), options]
    in_place(_rmsprop, arrays, momenta is not None, means is not None)
