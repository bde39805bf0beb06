"""An activation as a layer of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npcnn.arguments import checked
from npcnn.checks import ArgumentError, message, shown
from npcnn.layers.activated import Activated, Named, Saved
from npcnn.layers.base import Array, Shape
from npcnn.strangers import lent
from npcnn.symbolic import operators

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class Activation(Activated):
    """An activation as a layer of its own.

    Args:
        activation: 'linear', 'relu', 'sigmoid', 'softmax', 'tanh', …, an object, or a layer.

    >>> import numpy as np
    >>> Activation("tanh")(np.zeros((1, 2), "float32"))
    array([[0., 0.]], dtype=float32)
    """

    any_shape = True

    @checked
    def __init__(self, activation: Named, **kwargs: Unpack[LayerKeywords]) -> None:
        super().__init__(**kwargs)
        self.activation = activation

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, or what the activation makes of it."""
        return self.activation.output_shape(input_shape, self.label)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return activation(x)."""
        y = self.activation.forward(lent(self.activation, x))
        if keep:
            self._saved = Saved(x, x, y)
        return y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        x, _, y = self.saved()
        return self.activation.backward(grad_y, x, y)

    def backward_logits(self, grad_z: Array, need_grad_x: bool = True) -> Array | None:
        """Return grad_z: z is x."""
        return grad_z

    def before(self, x: Array) -> Array:
        """Return x: the activation is all there is."""
        return x


# Activations with options on symbolic tensors are the layers that take the same.
_LAYERS = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "elu": "ELU", "softmax": "Softmax"}


def _on_tensor(activation: Any, x: Any, options: dict[str, Any]) -> Any:
    """Return the next symbolic tensor."""
    from npcnn.layers import known

    if not options:
        return Activation(activation)(x)
    if activation not in _LAYERS:
        where, fix = f"activations.{activation} of a symbolic tensor", "leave them out"
        raise ArgumentError(message(where, "no options", shown(options), fix))
    return known()[_LAYERS[activation]](**options)(x)


operators["activation"] = _on_tensor
