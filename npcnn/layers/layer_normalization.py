"""The layer-normalisation layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from npcnn import initializers
from npcnn.arguments import Epsilon, checked
from npcnn.backend import ops
from npcnn.layers.axes import Axes, apart, check_axes, lengths, together
from npcnn.layers.base import Array, Layer, Shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


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
        rms_scaling: y = gamma · x / √(variance + ε), as old programs and files of Keras may have
            it; `RMSNormalization` is what was meant.
        **kwargs: regularizers and constraints (gamma_regularizer, beta_constraint, …), and what
            every `Layer` takes.

    Shapes: x (N, …) → y like x; gamma and beta have the lengths of the axes.

    >>> layer = LayerNormalization()
    >>> layer.build((None, 28, 28, 5))
    >>> layer.count_params(), layer.parameter_names
    (10, ('gamma', 'beta'))
    """

    op = "layer_normalization"
    regulated = ("beta", "gamma")
    gamma: Array | None = None
    beta: Array | None = None
    grad_gamma: Array | None = None
    grad_beta: Array | None = None

    @checked
    def __init__(
        self, axis: Axes = -1, epsilon: Epsilon = 0.001, center: bool = True, scale: bool = True,
        beta_initializer: initializers.Given = "zeros",
        gamma_initializer: initializers.Given = "ones",
        rms_scaling: bool = False,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.axis, self.epsilon, self.center, self.scale = axis, epsilon, center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.rms_scaling = rms_scaling

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if it has the axes, each named once."""
        check_axes(self, self.axis, input_shape)
        return input_shape

    def create_parameters(self, input_shape: Shape) -> None:
        """Create gamma and beta."""
        shape = lengths(self.axis, input_shape)
        if self.scale or self.rms_scaling:
            self.add_parameter("gamma", shape, self.gamma_initializer)
        if self.center and not self.rms_scaling:
            self.add_parameter("beta", shape, self.beta_initializer)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, normalised."""
        own = together(x, self.axis)
        gamma, beta = (None, None) if self.rms_scaling else (flat(self.gamma), flat(self.beta))
        y, center, rate = ops.layer_normalization(own, gamma, beta, self.epsilon)
        if keep:
            self._saved = Saved(own, center, rate)
        if self.rms_scaling:
            y = ops.multiply(own, self._factors(own, rate))
        return apart(y, self.axis, x.shape)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradients by gamma and beta; return the one by x."""
        x, center, rate = self.saved()
        own = together(grad_y, self.axis)
        if self.rms_scaling:
            return apart(self._backward_uncentered(own), self.axis, grad_y.shape)
        grad_x = ops.layer_normalization_backward(
            own, x, flat(self.gamma), center, rate, flat(self.grad_gamma), flat(self.grad_beta)
        )
        return apart(grad_x, self.axis, grad_y.shape)

    def _factors(self, x: Array, rate: Array) -> Array:
        """Return gamma · rate, for each x."""
        assert self.gamma is not None
        gamma = self.gamma.reshape(*(1,) * (x.ndim - 1), -1)
        return ops.multiply(ops.broadcast_to(gamma, x.shape), ops.broadcast_to(rate, x.shape))

    def _backward_uncentered(self, grad_y: Array) -> Array:
        """Go back through y = gamma · x · rate, where rate hangs on x − center."""
        x, center, rate = self.saved()
        assert self.grad_gamma is not None
        slope = ops.multiply(grad_y, ops.multiply(x, ops.broadcast_to(rate, x.shape)))
        shape = *(1,) * (x.ndim - 1), x.shape[-1]
        ops.assign(self.grad_gamma.reshape(shape), ops.sum_to(slope, shape))
        g = ops.multiply(grad_y, self._factors(x, rate))
        by_rate = ops.multiply(ops.sum_to(ops.multiply(g, x), rate.shape), rate)
        by_rate = ops.multiply(ops.rescale(by_rate, 1 / x.shape[-1], 0.0, x.dtype), rate)
        apart_from = ops.subtract(x, ops.broadcast_to(center, x.shape))
        return ops.subtract(g, ops.multiply(apart_from, ops.broadcast_to(by_rate, x.shape)))


def flat(array: Array | None) -> Array | None:
    """Return a parameter as a vector, a view; None for none."""
    return None if array is None else array.reshape(-1)
