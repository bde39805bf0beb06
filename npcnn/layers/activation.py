"""Activations by name, the layers that are one, and what Conv2D and Dense share with them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np

from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_whole, message, non_negative, one_of, shown
from npcnn.layers.base import MAX_AXES, Array, Layer, Shape

ACTIVATIONS = ("linear", "relu", "sigmoid", "softmax", "tanh")


def get_activation(identifier: Any, where: str) -> str:
    """Return the name of an activation; None is 'linear'. Raises ArgumentError otherwise."""
    return one_of("linear" if identifier is None else identifier, ACTIVATIONS, where)


Named = Annotated[Literal["linear", "relu", "sigmoid", "softmax", "tanh"] | None, get_activation]


def activate(name: str, x: Array) -> Array:
    """Return the activation of x.

    >>> activate("softmax", np.array([[3.0, 3.0]]))
    array([[0.5, 0.5]])
    """
    if name == "linear":
        return x
    if name == "relu":
        return ops.relu(x, 0.0, None, 0.0)
    return {"sigmoid": ops.sigmoid, "softmax": ops.softmax, "tanh": ops.tanh}[name](x)


def activate_backward(name: str, grad_y: Array, y: Array) -> Array:
    """Return the gradient by x of `activate`, from the one by its output y."""
    if name == "linear":
        return grad_y
    if name == "relu":  # y > 0 exactly where x > 0
        return ops.relu_backward(grad_y, y, 0.0, None, 0.0)
    backward = {
        "sigmoid": ops.sigmoid_backward,
        "softmax": ops.softmax_backward,
        "tanh": ops.tanh_backward,
    }
    return backward[name](grad_y, y)


class Activated(Layer):
    """A layer whose last operation is an activation: y = activation(z).

    Conv2D and Dense hand 'relu' to their op, which applies it on the way (`fused`); any other
    activation is applied here. Subclasses define `linear`, which returns z (with the fused relu
    in it), and `backward_logits`, which goes on from the gradient by z.
    """

    activation = "linear"

    @property
    def fused(self) -> str:
        """The activation that the op itself applies: 'linear' or 'relu'."""
        return "relu" if self.activation == "relu" else "linear"

    def linear(self, x: Array, activation: str) -> Array:
        """Return z, the output before the activation (or after it, if that is a fused 'relu')."""
        raise NotImplementedError

    def backward_logits(self, grad_z: Array, need_grad_x: bool = True) -> Array | None:
        """Go back from the gradient by z: what a softmax's fused loss starts from."""
        raise NotImplementedError

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return activation(z)."""
        z = self.linear(x, self.fused)
        y = z if self.activation == self.fused else activate(self.activation, z)
        if keep:
            self._saved = x, z, y
        return y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Undo the activation, then the rest."""
        if self.activation == self.fused:
            return self.backward_logits(grad_y, need_grad_x)
        y = self.saved()[2]
        return self.backward_logits(activate_backward(self.activation, grad_y, y), need_grad_x)

    def kinks(self, x: Array) -> int:
        """Return how many of a relu's inputs are exactly 0."""
        return int((self.linear(x, "linear") == 0).sum()) if self.activation == "relu" else 0

    @property
    def logits(self) -> Array | None:
        """Z of the last forward pass if a softmax followed it, else None."""
        return self.saved()[1] if self.activation == "softmax" else None


class Activation(Activated):
    """An activation as a layer of its own.

    Args:
        activation: 'linear', 'relu', 'sigmoid', 'softmax' or 'tanh'.

    >>> Activation("tanh")(np.zeros((1, 2), "float32"))
    array([[0., 0.]], dtype=float32)
    """

    @checked
    def __init__(self, activation: Named, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = str(activation)

    @property
    def fused(self) -> str:
        """No op comes before the activation."""
        return "linear"

    def linear(self, x: Array, activation: str) -> Array:
        """Return x: the activation is all there is."""
        return x

    def backward_logits(self, grad_z: Array, need_grad_x: bool = True) -> Array | None:
        """Return grad_z: z is x."""
        return grad_z

    def get_config(self) -> dict[str, Any]:
        """Return the activation's name."""
        return {**super().get_config(), "activation": self.activation}


def _axis(value: Any, where: str) -> int:
    if not is_whole(value) or value == 0 or abs(value) > MAX_AXES:
        fix = "use -1 for the last axis"
        raise ArgumentError(message(where, "one axis other than the batch", shown(value), fix))
    return int(value)


class Softmax(Activation):
    """exp(x) / Σ exp(x) along one axis.

    Args:
        axis: the axis to normalise over, the last one by default.

    >>> Softmax()(np.zeros((1, 4), "float32"))
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """

    @checked
    def __init__(self, axis: Annotated[int, _axis] = -1, **kwargs: Any) -> None:
        super().__init__("softmax", **kwargs)
        self.axis = axis

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if it has the axis."""
        if not -len(input_shape) < self.axis < len(input_shape):
            got = f"axis {self.axis} for an input {input_shape}"
            raise ArgumentError(message(self.label, "an axis of the input", got, "use -1"))
        return input_shape

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the softmax of x."""
        moved = super().forward(np.moveaxis(x, self.axis, -1), training, step, keep)
        return np.moveaxis(moved, -1, self.axis)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        moved = activate_backward("softmax", np.moveaxis(grad_y, self.axis, -1), self.saved()[2])
        return np.moveaxis(moved, -1, self.axis)

    @property
    def logits(self) -> Array | None:
        """x, where the classes are its last axis."""
        last = self.input_shape is None or self.axis in (-1, len(self.input_shape) - 1)
        return super().logits if last else None

    def get_config(self) -> dict[str, Any]:
        """Return the axis."""
        return {**Layer.get_config(self), "axis": self.axis}


def _bend(value: Any, where: str) -> float:
    return non_negative(value, where, "leave it out", most=1e30)  # float32 has it


Bend = Annotated[float, _bend]


class ReLU(Layer):
    """max(x, 0), with Keras's three refinements.

    y = x above `threshold` and at most `max_value`; below it negative_slope·(x − threshold).

    Args:
        max_value: the cap, or None for none.
        negative_slope: slope below the threshold.
        threshold: where x begins to pass.

    >>> ReLU(max_value=6.0, negative_slope=0.5)(np.array([[-1.0, 3.0, 9.0]], "float32"))
    array([[-0.5,  3. ,  6. ]], dtype=float32)
    """

    @checked
    def __init__(
        self,
        max_value: Bend | None = None,
        negative_slope: Bend = 0.0,
        threshold: Bend = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the rectified x."""
        if keep:
            self._saved = (x,)
        return ops.relu(x, self.negative_slope, self.max_value, self.threshold)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x."""
        (x,) = self.saved()
        return ops.relu_backward(grad_y, x, self.negative_slope, self.max_value, self.threshold)

    def kinks(self, x: Array) -> int:
        """Return how many inputs are exactly at the threshold, or at max_value."""
        return int(((x == self.threshold) | (x == self.max_value)).sum())

    def get_config(self) -> dict[str, Any]:
        """Return the three numbers."""
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }
