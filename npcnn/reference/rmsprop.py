"""Steps divided by a running root mean square of the gradient."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def rmsprop(
    parameters: Array, gradients: Array, velocity: Array, momenta: Array | None,
    means: Array | None, step: Array, rho: float, momentum: float, epsilon: float,
) -> None:  # fmt: skip
    """Update the running means and take RMSprop's step, in Keras's arithmetic.

    v = ρv + (1 − ρ)g², u = lr·g / √(v + ε), p −= u. With means, a = ρa + (1 − ρ)g and v − a²
    stands for v below the root, or 0 where rounding makes it less; with momenta, b = momentum·b + u
    and p −= b. `step` holds lr. Source: Hinton, "Neural Networks for Machine Learning", lecture 6e,
    2012; Keras ``rmsprop.py``.

    >>> p = np.ones(1)
    >>> rmsprop(p, np.ones(1), np.zeros(1), None, None, np.array([0.25]), 0.75, 0.0, 0.0)
    >>> p
    array([0.5])
    """
    velocity[...] = rho * velocity + (1 - rho) * (gradients * gradients)
    spread = velocity
    if means is not None:
        means[...] = rho * means + (1 - rho) * gradients
        spread = np.maximum(velocity - means * means, 0)
    move = step[0] * gradients / np.sqrt(spread + epsilon)
    if momenta is not None:
        momenta[...] = momentum * momenta + move
        move = momenta
    parameters -= move
