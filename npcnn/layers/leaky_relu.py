"""The leaky rectifier as a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.layers.base import Array, Layer
from npcnn.layers.relu import Bend

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class Saved(NamedTuple):
    """What backward needs: the input."""

    x: Array


class LeakyReLU(Layer):
    """y = x above 0, and negative_slope · x below.

    Source: Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models",
    ICML 2013.

    Args:
        negative_slope: slope below 0.
        alpha: what Keras 2 calls negative_slope, and its files with it; goes first if given.

    >>> import numpy as np
    >>> LeakyReLU(0.5)(np.array([[-1.0, 3.0]], "float32"))
    array([[-0.5,  3. ]], dtype=float32)
    """

    bends = True
    kept_as: ClassVar = {"alpha": None}

    @checked
    def __init__(
        self,
        negative_slope: Bend = 0.3,
        alpha: Bend | None = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.negative_slope = negative_slope if alpha is None else alpha

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return y."""
        if keep:
            self._saved = Saved(x)
        return ops.relu(x, self.negative_slope, None, 0.0)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        (x,) = self.saved()
        return ops.relu_backward(grad_y, x, self.negative_slope, None, 0.0)

    def kinks(self, x: Array) -> int:
        """Return how many inputs are exactly 0."""
        return int((x == 0).sum())
