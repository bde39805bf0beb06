"""Batch normalisation by the statistics of a whole batch of which each shard has a part.

A shard's stand-in brings what it found of its part (`prepare`, `prepare_back`) to a meeting with
the others' (`meet`, npcnn/distribution/together.py), and goes on from what all have brought.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.backend import ops
from npcnn.layers.axes import together
from npcnn.layers.base import Array, Layer


class Synchronized(Layer):
    """Base of BatchNormalization: what its stand-ins do where shards meet in it."""

    axis: int
    epsilon: float
    momentum: float
    gamma: Array | None = None
    beta: Array | None = None
    grad_gamma: Array | None = None
    grad_beta: Array | None = None
    moving_mean: Array
    moving_variance: Array

    def prepare(self, x: Array) -> None:
        """Bring the mean and variance of a part."""
        x = together(x, [self.axis])
        self.share = np.zeros((2, x.shape[-1]), x.dtype)
        ops.batch_normalization(x, None, None, *self.share, 0.0, self.epsilon, True)

    def prepare_back(self, grad_y: Array) -> None:
        """Bring the gradients by gamma and beta of a part."""
        x, center, rate, _ = self.saved()
        self.share = self.own = np.zeros((2, x.shape[-1]), x.dtype)
        self.scaled = ops.batch_normalization_backward(
            together(grad_y, [self.axis]), x, self.gamma, center, rate, *self.own, False
        )

    def meet(self, shares: Array, parts: Array) -> None:
        """Keep the parts' means in float64: by parts' sizes, in the order of the parts."""
        self.means, self.between = np.zeros((2, 2, shares.shape[-1]))
        for part, share in zip(parts, shares, strict=True):
            self.means += part * share
        for part, share in zip(parts, shares, strict=True):
            self.between += part * (share - self.means) ** 2

    def _forward_together(self, x: Array) -> tuple[Array, Array, Array]:
        """Return what comes out, center and rate, by the batch's mean and variance.

        Its variance is the parts' mean one, and that of their means.
        """
        mean = self.means[0].astype(x.dtype)
        variance = (self.means[1] + self.between[0]).astype(x.dtype)
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving[...] = self.momentum * moving + (1 - self.momentum) * now
        arrays = [x, self.gamma, self.beta, mean, variance]
        return ops.batch_normalization(*arrays, 0.0, self.epsilon, False)

    def _backward_together(self, saved: Any) -> Array:
        """Return γ · rate · (grad_y − (Σ grad_y + x̂ · Σ grad_y · x̂) / n), the sums the batch's.

        Gradients are by a part's own mean loss: so n is how many numbers a channel has in it.
        """
        x, center, rate, _ = saved
        for held, found in zip((self.grad_gamma, self.grad_beta), self.own, strict=True):
            if held is not None:
                held[...] = found
        factor = rate if self.gamma is None else rate * self.gamma
        by_normal, by_one = (self.means * -factor * x.shape[-1] / x.size).astype(x.dtype)
        ones = np.ones_like(rate)
        arrays = [x, by_normal * rate, by_one, center, ones]
        rest, _, _ = ops.batch_normalization(*arrays, 0.0, 0.0, False)
        return ops.add(self.scaled, rest)
