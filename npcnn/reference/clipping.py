"""Gradients made shorter: by their norm, or number by number."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def square_sums(gradients: Array, sums: Array, stops: tuple[int, ...]) -> None:
    """Write Σ g² of each variable into `sums`, added up in float64.

    Variable k lies in gradients[stops[k − 1] : stops[k]], the first from 0 on.

    >>> sums = np.zeros(2)
    >>> square_sums(np.array([3.0, 4.0, 1.0]), sums, (2, 3))
    >>> sums
    array([25.,  1.])
    """
    for k, stop in enumerate(stops):
        part = gradients[stops[k - 1] if k else 0 : stop]
        sums[k] = (part * part).sum(dtype=np.float64)


@op
def clip_by_norm(gradients: Array, sums: Array, stops: tuple[int, ...], limit: float) -> Array:
    """Return each variable's gradient, shortened to a norm of at most `limit`: g·c / max(‖g‖, c).

    `sums` holds ‖g‖², as `square_sums` has it. Source: Pascanu, Mikolov, Bengio, "On the difficulty
    of training recurrent neural networks", ICML 2013; Keras ``base_optimizer.py``.

    >>> clip_by_norm(np.array([3.0, 4.0, 0.5]), np.array([25.0, 0.25]), (2, 3), 1.0)
    array([0.6, 0.8, 0.5])
    """
    clipped = np.empty_like(gradients)
    for k, stop in enumerate(stops):
        place = slice(stops[k - 1] if k else 0, stop)
        clipped[place] = gradients[place] * limit / np.maximum(np.sqrt(sums[k]), limit)
    return clipped


@op
def clip_by_global_norm(gradients: Array, sums: Array, limit: float) -> Array:
    """Return gradients times c · min(1/n, 1/c) + (n − n), where n² = Σ sums: NaN if n is infinite.

    >>> clip_by_global_norm(np.array([3.0, 4.0]), np.array([9.0, 16.0]), 1.0)
    array([0.6, 0.8])
    """
    norm = np.sqrt(sums.sum(dtype=np.float64)).astype(gradients.dtype)
    shortest = max(norm, np.finfo(gradients.dtype).tiny)  # 1/0 is never the smaller one
    scale = limit * np.minimum(1 / shortest, 1 / limit) + (norm - norm)
    return gradients * gradients.dtype.type(scale)


@op
def clip_by_value(gradients: Array, limit: float) -> Array:
    """Return gradients within −limit and limit; NaN stays NaN.

    >>> clip_by_value(np.array([-3.0, 0.5]), 1.0)
    array([-1. ,  0.5])
    """
    return np.clip(gradients, -limit, limit)
