"""The layer-normalisation layer."""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

from npcnn import initializers
from npcnn.arguments import Epsilon, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.layers.base import MAX_AXES, Array, Layer, Shape, initializer_config


def _axes(value: Any, where: str) -> list[int]:
    given = list(value) if isinstance(value, (list, tuple)) else [value]
    fits = 1 <= len(given) <= MAX_AXES
    if not fits or not all(is_whole(axis) and 0 < abs(axis) <= MAX_AXES for axis in given):
        expected = "axes other than the batch"
        raise ArgumentError(message(where, expected, shown(value), "use -1 for the last"))
    return [int(axis) for axis in given]


Axes = Annotated[Any, _axes]


class Saved(NamedTuple):
    """What backward needs: what was normalised, its centers and rates."""

    x: Array
    center: Array
    rate: Array


class LayerNormalization(Layer):
    """y = gamma · (x − mean) / √(variance + ε) + beta, each sample by itself.

    Mean and variance are over some axes of a sample, by default its channels at each place, in
    training and later alike. Source: Ba, Kiros, Hinton, "Layer Normalization", arXiv 1607.06450.

    Args:
        axis: over which axis, or axes; [1, 2, 3] is whole images.
        epsilon: as above.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer: of the parameters.
        rms_scaling: False; Keras has it, and its files say so.

    Shapes: x (N, …) → y like x; gamma and beta have the lengths of the axes.

    >>> layer = LayerNormalization()
    >>> layer.build((None, 28, 28, 5))
    >>> layer.count_params(), layer.parameter_names
    (10, ('gamma', 'beta'))
    """

    op = "layer_normalization"
    absent = ("beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint")
    gamma: Array | None = None
    beta: Array | None = None
    grad_gamma: Array | None = None
    grad_beta: Array | None = None

    @checked
    def __init__(
        self, axis: Axes = -1, epsilon: Epsilon = 0.001, center: bool = True, scale: bool = True,
        beta_initializer: initializers.Given = "zeros",
        gamma_initializer: initializers.Given = "ones",
        rms_scaling: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.axis, self.epsilon, self.center, self.scale = axis, epsilon, center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        if rms_scaling:
            fix = "leave it out"
            raise ArgumentError(message("LayerNormalization(rms_scaling)", "False", "True", fix))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if it has the axes, each named once."""
        ndim = len(input_shape)
        axes = [axis + ndim if axis < 0 else axis for axis in self.axis]
        if not all(0 < axis < ndim for axis in axes) or len(set(axes)) < len(axes):
            got = f"axis {self.axis} of an input {input_shape}"
            raise ArgumentError(message(self.label, "axes of the input", got, "use -1"))
        return input_shape

    def _order(self, ndim: int) -> tuple[tuple[int, ...], int]:
        """Return the input's axes, those to normalise over last, and how many others there are."""
        axes = sorted(axis + ndim if axis < 0 else axis for axis in self.axis)
        others = [axis for axis in range(ndim) if axis not in axes]
        return (*others, *axes), len(others)

    def create_parameters(self, input_shape: Shape) -> None:
        """Create gamma and beta."""
        order, others = self._order(len(input_shape))
        shape = tuple(input_shape[axis] for axis in order[others:])
        if self.scale:
            self.add_parameter("gamma", shape, self.gamma_initializer)
        if self.center:
            self.add_parameter("beta", shape, self.beta_initializer)

    def _together(self, x: Array) -> Array:
        """Return x with all that is normalised together along one axis, the last."""
        order, others = self._order(x.ndim)
        if order != tuple(range(x.ndim)):
            x = ops.transpose(x, order)
        if x.ndim - others > 1:
            x = ops.flatten_backward(
                ops.flatten(x), (*x.shape[:others], math.prod(x.shape[others:]))
            )
        return x

    def _apart(self, y: Array, shape: tuple[int, ...]) -> Array:
        """Undo it, for an input of this shape."""
        order, others = self._order(len(shape))
        if len(shape) - others > 1:
            y = ops.flatten_backward(ops.flatten(y), tuple(shape[axis] for axis in order))
        if order != tuple(range(len(shape))):
            y = ops.transpose(y, tuple(order.index(axis) for axis in range(len(shape))))
        return y

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, normalised."""
        gamma, beta = _flat(self.gamma), _flat(self.beta)
        together = self._together(x)
        y, center, rate = ops.layer_normalization(together, gamma, beta, self.epsilon)
        if keep:
            self._saved = Saved(together, center, rate)
        return self._apart(y, x.shape)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradients by gamma and beta; return the one by x."""
        x, center, rate = self.saved()
        grad_x = ops.layer_normalization_backward(
            self._together(grad_y), x, _flat(self.gamma), center, rate, _flat(self.grad_gamma),
            _flat(self.grad_beta),
        )  # fmt: skip
        return self._apart(grad_x, grad_y.shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "rms_scaling": False,
            "beta_initializer": initializer_config(self.beta_initializer),
            "gamma_initializer": initializer_config(self.gamma_initializer),
        }


def _flat(array: Array | None) -> Array | None:
    """Return a parameter as a vector, a view; None for none."""
    return None if array is None else array.reshape(-1)
