"""Batch renormalisation: what BatchNormalization does in training when its `renorm` is set.

There x̂ = (x − mean) / √(variance + ε) becomes x̂ · r + d, which with r = σ / σ_moving and
d = (mean − mean_moving) / σ_moving, both held within bounds and not gone back through, is what
inference makes of x. Source: Ioffe, "Batch Renormalization", NeurIPS 2017; arithmetic as in Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np

from npcnn import initializers
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, message, shown

if TYPE_CHECKING:
    from npcnn.layers.batch_normalization import BatchNormalization

Array = np.ndarray
BOUNDS = ("rmax", "rmin", "dmax")


def _clipping(value: Any, where: str) -> dict[str, Any] | None:
    """Return the bounds of r and d, None for one that is not there."""
    if value is None:
        return None
    fits = isinstance(value, dict) and all(
        key in BOUNDS and (bound is None or is_number(bound)) for key, bound in value.items()
    )
    if not fits:
        expected, fix = "None, or a dict of numbers rmin, rmax, dmax", "leave out other keys"
        raise ArgumentError(message(where, expected, shown(value), fix))
    low, high, most = (value.get(key) for key in ("rmin", "rmax", "dmax"))
    if (low is not None and high is not None and high < low) or (most is not None and most < 0):
        fix = "such as {'rmin': 0.3, 'rmax': 3, 'dmax': 5}"
        raise ArgumentError(message(where, "rmin up to rmax, and dmax ≥ 0", shown(value), fix))
    return dict(value)


Clipping = Annotated[Any, _clipping]


class Saved(NamedTuple):
    """What backward needs: the input, its center and rate, the corrections, gamma times r."""

    x: Array
    center: Array
    rate: Array
    r: Array
    d: Array
    gamma: Array


def add_statistics(layer: BatchNormalization, shape: tuple[int, ...]) -> None:
    """Create what renormalisation keeps beside the running mean and variance."""

    def spread(shape: tuple[int, ...], dtype: Any = None) -> Array:
        found = initializers.get(layer.moving_variance_initializer)(shape, dtype)
        return np.sqrt(np.asarray(found))

    mean = layer.moving_mean_initializer
    for name, initializer in (
        ("moving_stddev", spread), ("renorm_mean", mean), ("renorm_stddev", spread),
    ):  # fmt: skip
        layer.add_parameter(name, shape, initializer, trainable=False)


def renormalized(layer: BatchNormalization, x: Array) -> tuple[Array, Saved]:
    """Return gamma · (x̂ · r + d) + beta, and what backward needs; the statistics move."""
    own: Any = layer
    mean, variance = np.zeros((2, x.shape[-1]), x.dtype)
    ops.batch_normalization(x, None, None, mean, variance, 0.0, layer.epsilon, True)
    stddev = np.sqrt(variance + layer.epsilon)
    at_least = np.maximum(own.renorm_stddev, np.sqrt(np.asarray(layer.epsilon, x.dtype)))
    bounds = layer.renorm_clipping or {}
    low, high, most = (bounds.get(key) for key in ("rmin", "rmax", "dmax"))
    r, d = stddev / at_least, (mean - own.renorm_mean) / at_least
    r = r if low is None else np.maximum(r, x.dtype.type(low))
    r = r if high is None else np.minimum(r, x.dtype.type(high))
    d = d if most is None else np.clip(d, x.dtype.type(-most), x.dtype.type(most))
    gamma = r if layer.gamma is None else r * layer.gamma
    beta = d if layer.gamma is None else d * layer.gamma
    beta = beta if layer.beta is None else beta + layer.beta
    y, center, rate = ops.batch_normalization(
        x, gamma, beta, mean, variance, 0.0, layer.epsilon, False
    )
    for name, now, momentum in (
        ("renorm_mean", mean, layer.renorm_momentum),
        ("renorm_stddev", stddev, layer.renorm_momentum),
        ("moving_mean", mean, layer.momentum), ("moving_stddev", stddev, layer.momentum),
    ):  # fmt: skip
        moving = vars(layer)[name]
        moving[...] = moving * momentum + now * (1 - momentum)
    layer.moving_variance[...] = np.maximum(own.moving_stddev**2 - layer.epsilon, 0)
    return y, Saved(x, center, rate, r, d, gamma)


def renormalized_backward(layer: BatchNormalization, grad_y: Array, saved: Saved) -> Array:
    """Write the gradients by gamma and beta, and return the one by x."""
    by_gamma, by_beta = np.zeros((2, *saved.r.shape), grad_y.dtype)
    grad_x = ops.batch_normalization_backward(
        grad_y, saved.x, saved.gamma, saved.center, saved.rate, by_gamma, by_beta, True
    )
    if layer.grad_gamma is not None:
        layer.grad_gamma[...] = saved.r * by_gamma + saved.d * by_beta
    if layer.grad_beta is not None:
        layer.grad_beta[...] = by_beta
    return grad_x
