"""The group-normalisation layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from npcnn import initializers
from npcnn.arguments import Epsilon, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.layers.axes import Axis, check_axes, order_of
from npcnn.layers.base import Array, Layer, Shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


def _groups(value: Any, where: str) -> int:
    if not is_whole(value) or not (value == -1 or 1 <= value < 2**31):
        fix = "32 is Keras's, -1 makes each channel a group"
        raise ArgumentError(message(where, "a positive integer, or -1", shown(value), fix))
    return int(value)


class Saved(NamedTuple):
    """What backward needs: the input, channels last, each group's center and rate."""

    x: Array
    center: Array
    rate: Array


class GroupNormalization(Layer):
    """y = gamma · (x − mean) / √(variance + ε) + beta, each group of a sample's channels by itself.

    With one group it normalises whole pictures, with as many groups as channels single maps
    (instance normalisation). Source: Wu, He, "Group Normalization", ECCV 2018.

    Args:
        groups: how many, a divisor of the number of channels; −1 is as many as channels.
        axis: the channels'.
        epsilon: as above.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer: of the parameters.
        **kwargs: regularizers and constraints (gamma_regularizer, beta_constraint, …), and what
            every `Layer` takes.

    Shapes: x (N, …, C) → y like x; gamma and beta (C,).

    >>> layer = GroupNormalization(4)
    >>> layer.build((None, 28, 28, 8))
    >>> layer.count_params(), layer.parameter_names
    (16, ('gamma', 'beta'))
    """

    op = "group_normalization"
    regulated = ("beta", "gamma")
    gamma: Array | None = None
    beta: Array | None = None
    grad_gamma: Array | None = None
    grad_beta: Array | None = None

    @checked
    def __init__(
        self, groups: Annotated[int, _groups] = 32, axis: Axis = -1, epsilon: Epsilon = 0.001,
        center: bool = True, scale: bool = True,
        beta_initializer: initializers.Given = "zeros",
        gamma_initializer: initializers.Given = "ones",
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.groups, self.axis, self.epsilon = groups, axis, epsilon
        self.center, self.scale = center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if its channels can be cut into the groups."""
        check_axes(self, [self.axis], input_shape)
        channels = input_shape[self.axis]
        if self.groups != -1 and (channels % self.groups or not channels):
            fix = f"give a divisor of {channels}, or more channels"
            got = f"{self.groups} of {channels}"
            raise ArgumentError(message(self.label, "groups of equal size", got, fix))
        return input_shape

    def create_parameters(self, input_shape: Shape) -> None:
        """Create gamma and beta, and note how many groups there are, as Keras does."""
        channels = input_shape[self.axis]
        self.groups = channels if self.groups == -1 else self.groups
        if self.scale:
            self.add_parameter("gamma", (channels,), self.gamma_initializer)
        if self.center:
            self.add_parameter("beta", (channels,), self.beta_initializer)

    def _channels_last(self, x: Array) -> Array:
        order = order_of([self.axis], x.ndim)[0]
        return x if order == tuple(range(x.ndim)) else ops.transpose(x, order)

    def _channels_back(self, y: Array) -> Array:
        order = order_of([self.axis], y.ndim)[0]
        if order == tuple(range(y.ndim)):
            return y
        return ops.transpose(y, tuple(order.index(axis) for axis in range(y.ndim)))

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, normalised."""
        x = self._channels_last(x)
        y, center, rate = ops.group_normalization(
            x, self.gamma, self.beta, self.groups, self.epsilon
        )
        if keep:
            self._saved = Saved(x, center, rate)
        return self._channels_back(y)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradients by gamma and beta; return the one by x."""
        x, center, rate = self.saved()
        grad_x = ops.group_normalization_backward(
            self._channels_last(grad_y), x, self.gamma, center, rate, self.grad_gamma,
            self.grad_beta,
        )  # fmt: skip
        return self._channels_back(grad_x)
