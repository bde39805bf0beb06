"""The exponential linear unit as a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.layers.base import Array, Layer
from npcnn.layers.relu import Bend

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class Saved(NamedTuple):
    """What backward needs: the input."""

    x: Array


class ELU(Layer):
    """y = x above 0, and alpha · (exp(x) − 1) below.

    Source: Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by
    exponential linear units (ELUs)", arXiv 1511.07289.

    Args:
        alpha: what y comes near to, with a minus, for x far below 0.

    >>> import numpy as np
    >>> ELU()(np.array([[-100.0, 3.0]], "float32"))
    array([[-1.,  3.]], dtype=float32)
    """

    op, bends = "elu", True

    @checked
    def __init__(self, alpha: Bend = 1.0, **kwargs: Unpack[LayerKeywords]) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return y."""
        if keep:
            self._saved = Saved(x)
        return ops.elu(x, self.alpha)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        (x,) = self.saved()
        return ops.elu_backward(grad_y, x, self.alpha)

    def kinks(self, x: Array) -> int:
        """Return how many inputs are exactly 0, where slopes 1 and alpha meet."""
        return 0 if self.alpha == 1 else int((x == 0).sum())
