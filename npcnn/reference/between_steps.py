"""What optimizers of all kinds do beside their steps: decay, running means, summed gradients."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def weight_decay(parameters: Array, share: Array) -> None:
    """Let parameters shrink: p −= p · share, where `share` holds lr · weight decay.

    Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.

    >>> p = np.ones(1)
    >>> weight_decay(p, np.array([0.25]))
    >>> p
    array([0.75])
    """
    parameters -= parameters * share


@op
def moving_average(parameters: Array, averages: Array, step: Array) -> None:
    """Move running means towards the parameters: a = ρa + (1 − ρ)p; where told to, then p = a.

    `step` holds ρ, and 1 if the parameters are to be overwritten, else 0. Source: Polyak, Juditsky,
    "Acceleration of Stochastic Approximation by Averaging", 1992; Keras ``base_optimizer.py``.

    >>> p, a = np.array([4.0]), np.zeros(1)
    >>> moving_average(p, a, np.array([0.75, 1.0]))
    >>> p, a
    (array([1.]), array([1.]))
    """
    averages[...] = step[0] * averages + (1 - step[0]) * parameters
    if step[1] != 0:
        parameters[...] = averages


@op
def accumulate(sums: Array, gradients: Array) -> None:
    """Add gradients up: s += g.

    >>> s = np.ones(1)
    >>> accumulate(s, np.ones(1))
    >>> s
    array([2.])
    """
    sums += gradients


@op
def accumulated_mean(sums: Array, gradients: Array, steps: int) -> Array:
    """Return (g + s) / steps, and set the sums to 0.

    >>> s = np.array([3.0])
    >>> accumulated_mean(s, np.ones(1), 2), s
    (array([2.]), array([0.]))
    """
    mean = (gradients + sums) / gradients.dtype.type(steps)
    sums[...] = 0
    return mean
