"""What layers share that end in an activation: y = activation(z)."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from npcnn import activations
from npcnn.activations import ActivationFunction
from npcnn.checks import ArgumentError, message
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.holding import Holding
from npcnn.layers.layer_activation import LayerActivation
from npcnn.strangers import lent
from npcnn.subclasses import missing

Named = Annotated[activations.Given, activations.get]


class Saved(NamedTuple):
    """What such a layer keeps for its backward pass: input, before and after the activation.

    Where the op applied the activation on the way (`fused`), z is y.
    """

    x: Array
    z: Array
    y: Array


class Activated(Holding, Layer):
    """A layer whose last operation is an activation.

    Conv2D and Dense hand 'relu' to their op, which applies it on the way (`fused`); `finish`
    applies any other. A subclass's `backward_logits` goes on from the gradient by z.
    """

    _activation: ActivationFunction = activations.linear
    held = "activation"
    any_shape = False  # whether the activation may change the shape

    @property
    def activation(self) -> ActivationFunction:
        """The activation, which is its name; a name, an object or None may be put in its place."""
        return self._activation

    @activation.setter
    def activation(self, value: Any) -> None:
        where = f"{type(self).__name__}(activation)"
        found = activations.get(value, where)
        if not (found.keeps_shape or self.any_shape):
            fix = f"put layers.Activation({str(found)!r}) behind the layer"
            raise ArgumentError(message(where, "one that keeps the shape", repr(str(found)), fix))
        self._activation = found

    def inner(self) -> Layer | None:
        """Return the layer that the activation is, if it has parameters."""
        given = self._activation
        return given.layer if isinstance(given, LayerActivation) and given.learns else None

    def renew(self, inner: Layer) -> None:
        """Let this be the layer that the activation is."""
        assert isinstance(self._activation, LayerActivation)
        self._activation = self._activation.of(inner)

    def inner_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of what the activation is given."""
        return self.compute_output_shape(input_shape)

    @property
    def fused(self) -> ActivationFunction:
        """The activation that the op itself applies."""
        return self.activation if self.activation.fused else activations.linear

    def finish(self, z: Array) -> Array:
        """Return y for what the op gave."""
        return z if self.activation.fused else self.activation.forward(lent(self.activation, z))

    def before(self, x: Array) -> Array:
        """Return z, without any activation."""
        raise missing(self, "before")

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Undo the activation, then the rest; what the op applied, it undoes itself."""
        if self.activation.fused:
            return self.backward_logits(grad_y, need_grad_x)
        saved = self.saved()
        grad_z = self.activation.backward(lent(self.activation, grad_y), saved.z, saved.y)
        return self.backward_logits(grad_z, need_grad_x)

    def logits_of(self, names: tuple[str, ...]) -> Array | None:
        """Return z of the last forward pass, if the activation is among those named."""
        leaps = self.activation in names and self.activity_regularizer is None
        return self.saved().z if leaps else None

    def kept_output(self) -> Array | None:
        """Return y."""
        return self.saved().y

    def look(self, x: Array, y: Array) -> dict[str, Array]:
        """Return z as `pre_activation`."""
        if self.activation == "linear":
            return {"pre_activation": y}
        z = self.before(x) if self.activation.fused else self.saved().z
        return {"pre_activation": z}

    def look_back(self, grad_y: Array, grad_x: Array) -> dict[str, Array]:
        """Return the gradient by z."""
        saved = self.saved()
        return {"grad_pre_activation": self.activation.backward(grad_y, saved.z, saved.y)}

    def kinks(self, x: Array) -> int:
        """Return how many of the activation's inputs are exactly at a kink."""
        return self.activation.kinks(self.before(x))
