"""The layer that only charges for what passes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn.arguments import checked
from npcnn.layers.base import Array, Layer
from npcnn.regularizers import L1L2, Factor

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class ActivityRegularization(Layer):
    """y = x; l1 Σ|x| + l2 Σ x², divided by the batch's size, is added to the loss.

    Args:
        l1, l2: as above.

    Shapes: x (N, …) → y like x.

    >>> ActivityRegularization(l2=0.5).activity_regularizer.l2
    0.5
    """

    @classmethod
    def regulations(cls) -> list[str]:
        """Return none: what it charges is l1 and l2."""
        return []

    @checked
    def __init__(self, l1: Factor = 0.0, l2: Factor = 0.0, **kwargs: Unpack[LayerKeywords]) -> None:
        super().__init__(**kwargs)
        self.l1, self.l2 = l1, l2
        self.activity_regularizer = L1L2(l1, l2)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x."""
        return x

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return grad_y; the penalty's gradient is in it."""
        return grad_y
