"""Nadam: Adam with Nesterov's look-ahead."""

from __future__ import annotations

import functools

from npcnn.backend import ops
from npcnn.optimizers.base import Array
from npcnn.optimizers.moments import Moments

SETTLED = 1000  # steps, after which 1 − 0.5·0.96ᵗ is 1 in float64


class Nadam(Moments):
    """Adam with Nesterov's look-ahead, in Keras's arithmetic.

    m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), uₜ = β₁(1 − 0.5·0.96ᵗ), Pₜ = u₁·…·uₜ,
    p −= lr·(uₜ₊₁m / (1 − Pₜ₊₁) + (1 − uₜ)g / (1 − Pₜ)) / (√(v / (1 − β₂ᵗ)) + ε).
    Source: Dozat, "Incorporating Nesterov Momentum into Adam", 2015; Keras ``nadam.py``.

    Args:
        learning_rate, beta_1, beta_2, epsilon: as in Adam.
        **options: name, weight_decay, clipnorm and so on, as in `Optimizer`.

    >>> Nadam().beta_1
    0.9
    """

    @property
    def keras_numbers(self) -> tuple[float, ...]:  # type: ignore[override]
        """Pₜ, which Keras keeps."""
        return (self._product(self.iterations),)

    def numbers(self, step: int) -> tuple[float, ...]:
        """Return by what m, the gradient and v are multiplied."""
        now, ahead = (self.beta_1 * (1 - 0.5 * 0.96**t) for t in (step, step + 1))
        of_mean = ahead / (1 - self._product(step + 1))
        of_gradient = (1 - now) / (1 - self._product(step))
        rate = self.learning_rate
        return rate * of_mean, rate * of_gradient, 1 / (1 - self.beta_2**step)

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        betas = self.beta_1, self.beta_2
        ops.nadam(parameters, gradients, *slots, self.now, *betas, self.epsilon)

    def _product(self, step: int) -> float:
        """Return Pₜ."""
        return self.beta_1**step * _share(min(step, SETTLED))


@functools.cache
def _share(steps: int) -> float:
    product = 1.0
    for t in range(1, steps + 1):
        product *= 1 - 0.5 * 0.96**t
    return product
