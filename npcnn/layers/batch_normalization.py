"""The batch-normalisation layer."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from npcnn import initializers
from npcnn.arguments import Epsilon, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, is_whole, message, shown
from npcnn.layers.base import Array, Layer, Shape, initializer_config


def _momentum(value: Any, where: str) -> float:
    if is_number(value) and 0 <= value <= 1:
        return float(value)
    raise ArgumentError(message(where, "a number 0 to 1", shown(value), "0.99 is Keras's"))


def _axis(value: Any, where: str) -> int:
    axis = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
    if is_whole(axis) and (axis == -1 or (axis is value and axis > 0)):
        return int(axis)
    raise ArgumentError(message(where, "the last axis", shown(value), "use -1"))


Momentum = Annotated[float, _momentum]


class Saved(NamedTuple):
    """What backward needs: the input, each channel's center and rate, and whether they are x's."""

    x: Array
    center: Array
    rate: Array
    training: bool


class BatchNormalization(Layer):
    """y = gamma · (x − mean) / √(variance + ε) + beta, channel by channel.

    In training, mean and variance are the batch's, and the running ones move towards them:
    moving = momentum · moving + (1 − momentum) · the batch's. Else, and where the layer is not
    trainable, they are the running ones, which are state: saved, not learnt. Source: Ioffe,
    Szegedy, "Batch Normalization", ICML 2015; arithmetic and defaults as in Keras.

    Args:
        axis: -1, the channels.
        momentum, epsilon: as above.
        center, scale: whether there is a beta, and a gamma.
        beta_initializer, gamma_initializer: of the parameters.
        moving_mean_initializer, moving_variance_initializer: of the state.
        renorm, synchronized: False; Keras has them, and its files say so.
        renorm_momentum: is not used without renorm.

    Shapes: x (N, …, C) → y like x; gamma, beta, moving_mean, moving_variance (C,).

    >>> layer = BatchNormalization()
    >>> layer.build((None, 28, 28, 5))
    >>> layer.count_params(), layer.parameter_names
    (20, ('gamma', 'beta'))
    """

    op = "batch_normalization"
    absent = ("renorm_clipping",)
    regulated = ("beta", "gamma")
    gamma: Array | None = None
    beta: Array | None = None
    grad_gamma: Array | None = None
    grad_beta: Array | None = None
    moving_mean: Array
    moving_variance: Array

    @checked
    def __init__(
        self,
        axis: Annotated[int, _axis] = -1,
        momentum: Momentum = 0.99,
        epsilon: Epsilon = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: initializers.Given = "zeros",
        gamma_initializer: initializers.Given = "ones",
        moving_mean_initializer: initializers.Given = "zeros",
        moving_variance_initializer: initializers.Given = "ones",
        renorm: bool = False,
        renorm_momentum: Momentum = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon
        self.center, self.scale = center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        for option, given in (("renorm", renorm), ("synchronized", synchronized)):
            if given:
                where = f"BatchNormalization({option})"
                raise ArgumentError(message(where, "False", "True", "leave it out"))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if its last axis is the layer's."""
        if len(input_shape) < 2 or self.axis not in (-1, len(input_shape) - 1):
            got = f"axis {self.axis} of an input {input_shape}"
            raise ArgumentError(message(self.label, "the last of two axes or more", got, "use -1"))
        return input_shape

    def create_parameters(self, input_shape: Shape) -> None:
        """Create gamma and beta, which are learnt, and the running mean and variance."""
        shape = (input_shape[-1],)
        if self.scale:
            self.add_parameter("gamma", shape, self.gamma_initializer)
        if self.center:
            self.add_parameter("beta", shape, self.beta_initializer)
        self.add_parameter("moving_mean", shape, self.moving_mean_initializer, trainable=False)
        self.add_parameter(
            "moving_variance", shape, self.moving_variance_initializer, trainable=False
        )

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, normalised."""
        own = bool(training) and self.trainable
        y, center, rate = ops.batch_normalization(
            x, self.gamma, self.beta, self.moving_mean, self.moving_variance, self.momentum,
            self.epsilon, own,
        )  # fmt: skip
        if keep:
            self._saved = Saved(x, center, rate, own)
        return y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradients by gamma and beta; return the one by x."""
        x, center, rate, training = self.saved()
        return ops.batch_normalization_backward(
            grad_y, x, self.gamma, center, rate, self.grad_gamma, self.grad_beta, training
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializer_config(self.beta_initializer),
            "gamma_initializer": initializer_config(self.gamma_initializer),
            "moving_mean_initializer": initializer_config(self.moving_mean_initializer),
            "moving_variance_initializer": initializer_config(self.moving_variance_initializer),
            "synchronized": False,
        }
