"""RMSprop: steps divided by a running root mean square of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn.arguments import Fraction, checked
from npcnn.backend import ops
from npcnn.optimizers.base import Array, Epsilon, LearningRate, Optimizer
from npcnn.optimizers.options import Momentum

if TYPE_CHECKING:
    from npcnn.keywords import OptimizerKeywords, Unpack


class RMSprop(Optimizer):
    """RMSprop in Keras's arithmetic.

    v = ρv + (1 − ρ)g², u = lr·g / √(v + ε), p −= u; with momentum b = momentum·b + u, p −= b.
    Source: Hinton, "Neural Networks for Machine Learning", lecture 6e, 2012; Keras ``rmsprop.py``.

    Args:
        learning_rate, rho, epsilon: as above.
        momentum: as above, in [0, 1].
        centered: whether to divide by the gradient's standard deviation: v − a² instead of v,
            a = ρa + (1 − ρ)g, and never less than 0, to which rounding may bring it in Keras.
        **options: name, weight_decay, clipnorm and so on, as in `Optimizer`.

    >>> RMSprop().rho
    0.9
    """

    reads_rate = False
    in_turns = 1

    @checked
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: Fraction = 0.9,
        momentum: Momentum = 0.0,
        epsilon: Epsilon = 1e-7,
        centered: bool = False,
        **options: Unpack[OptimizerKeywords],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho, self.momentum, self.epsilon = rho, momentum, epsilon
        self.centered = centered

    @property
    def slot_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The state, by Keras's names: only what the options need."""
        rest = {"momentum": self.momentum > 0, "average_gradient": self.centered}
        return ("velocity", *(name for name, needed in rest.items() if needed))

    def update(self, parameters: Array, gradients: Array, *slots: Array) -> None:
        """Take the step on one stretch of parameters."""
        found = dict(zip(self.slot_names, slots, strict=True))
        every = [found.get(name) for name in ("velocity", "momentum", "average_gradient")]
        options = self.rho, self.momentum, self.epsilon
        ops.rmsprop(parameters, gradients, *every, self.now, *options)
