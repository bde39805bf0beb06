"""One of several outputs of a user's layer, which a graph has side by side in one array."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.calling import Called


class Part(Layer):
    """y = x[:, first:last], in its own shape.

    Args:
        of: the layer that has several outputs.
        place: which of them.
    """

    kept_as: ClassVar = dict.fromkeys(("of", "place"))
    is_operation, in_layers = True, False
    replays = False

    def __init__(self, of: Any, place: int) -> None:
        super().__init__(f"{of.name}_{place}", of.dtype)
        sizes = [int(np.prod(shape[1:], dtype=int)) for shape in of._form.shapes]
        self.shape, self.first, self.total = (
            of._form.shapes[place],
            sum(sizes[:place]),
            sum(sizes),
        )
        self.last = self.first + sizes[place]
        self.build((None, self.total))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output's own shape."""
        return self.shape

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the output of numbers that can be gone back through."""
        return inputs[:, self.first : self.last].reshape(len(inputs), *self.shape[1:])

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the output."""
        return x[:, self.first : self.last].reshape(len(x), *self.shape[1:])

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by all outputs: 0 by the others."""
        grad_x = np.zeros((len(grad_y), self.total), self.dtype)
        grad_x[:, self.first : self.last] = grad_y.reshape(len(grad_y), self.last - self.first)
        return grad_x


Called.part = Part
