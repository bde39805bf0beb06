"""Dropout that keeps mean and variance, for networks of SELUs."""

from __future__ import annotations

from npcnn.activations.elu import ALPHA, SCALE
from npcnn.backend import ops
from npcnn.layers.base import Array
from npcnn.layers.dropout import Dropout


class AlphaDropout(Dropout):
    """In training, a share `rate` of the inputs becomes −1.7581; then all are scaled and shifted.

    y = a · (x, or p where dropped) + b, with p = −ALPHA · SCALE, what SELU comes near to far below
    0, a = 1 / √((1 − rate) · (1 + rate · p²)) and b = −a · rate · p, so that inputs of mean 0 and
    variance 1 keep both. Source: Klambauer et al., "Self-normalizing neural networks", 2017.

    Args:
        rate: the share to drop, 0 ≤ rate < 1.
        noise_shape: the mask's shape, as for Dropout.
        seed: of this layer; None takes the model's.

    >>> layer = AlphaDropout(0.5, seed=0)
    >>> layer.build((None, 3))
    >>> import numpy as np
    >>> layer.forward(np.ones((1, 3), "float32"))
    array([[1., 1., 1.]], dtype=float32)
    """

    def _scale(self) -> float:
        """Return a."""
        low = ALPHA * SCALE
        return float(((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, with elements dropped if training.

        Dropout makes 0 of what it drops: so x − p goes through it, and p is added again.
        """
        if not training or self.rate == 0:
            return super().forward(x, training, step, keep)
        low, a = -ALPHA * SCALE, self._scale()
        raised = ops.rescale(x, 1.0, -low, x.dtype)
        dropped = super().forward(raised, training, step, keep)
        return ops.rescale(dropped, a * (1 - self.rate), a * low * (1 - self.rate), x.dtype)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: the same elements dropped."""
        grad = super().backward(grad_y, need_grad_x)
        if grad is None or self.saved() == (None,):
            return grad
        return ops.rescale(grad, self._scale() * (1 - self.rate), 0.0, grad.dtype)
