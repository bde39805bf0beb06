"""The batch-normalisation layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from npcnn import initializers
from npcnn.arguments import Epsilon, checked, up_to_one
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message
from npcnn.layers import renormalization
from npcnn.layers.axes import OnlyAxis, apart, check_axes, together
from npcnn.layers.base import Array, Shape
from npcnn.layers.synchronized import Synchronized

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


Momentum = Annotated[float, partial(up_to_one, fix="0.99 is Keras's")]


class Saved(NamedTuple):
    """What backward needs: the input, each channel's center and rate, and whether they are x's."""

    x: Array
    center: Array
    rate: Array
    training: bool


class BatchNormalization(Synchronized):
    """y = gamma · (x − mean) / √(variance + ε) + beta, channel by channel.

    In training, mean and variance are the batch's, and the running ones move towards them:
    moving = momentum · moving + (1 − momentum) · the batch's. Else, and where the layer is not
    trainable, they are the running ones, which are state: saved, not learnt. Source: Ioffe,
    Szegedy, "Batch Normalization", ICML 2015; arithmetic and defaults as in Keras.

    Args:
        axis: the one whose places are normalised each by themselves; -1, the channels.
        momentum, epsilon: as above.
        center, scale: whether there is a beta, and a gamma.
        beta_initializer, gamma_initializer: of the parameters.
        moving_mean_initializer, moving_variance_initializer: of the state.
        renorm: whether training normalises as inference would, within bounds (renormalization.py);
            such a step is not played.
        renorm_clipping: the bounds, such as {"rmin": 0.3, "rmax": 3, "dmax": 5}.
        renorm_momentum: of the statistics that takes.
        synchronized: whether mean and variance are the whole batch's where shards, or processes,
            share it (npcnn.distribution); else each shard has its own.
        **kwargs: regularizers and constraints (gamma_regularizer, beta_constraint, …), and what
            every `Layer` takes.

    Shapes: x (N, …) → y like x; gamma, beta, moving_mean, moving_variance have the axis's length.

    >>> layer = BatchNormalization()
    >>> layer.build((None, 28, 28, 5))
    >>> layer.count_params(), layer.parameter_names
    (20, ('gamma', 'beta'))
    """

    op = "batch_normalization"
    regulated = ("beta", "gamma")

    @checked
    def __init__(
        self,
        axis: OnlyAxis = -1,
        momentum: Momentum = 0.99,
        epsilon: Epsilon = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: initializers.Given = "zeros",
        gamma_initializer: initializers.Given = "ones",
        moving_mean_initializer: initializers.Given = "zeros",
        moving_variance_initializer: initializers.Given = "ones",
        renorm: bool = False,
        renorm_clipping: renormalization.Clipping = None,
        renorm_momentum: Momentum = 0.99,
        synchronized: bool = False,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon
        self.center, self.scale = center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        self.synchronized = synchronized
        self.renorm, self.renorm_momentum = renorm, renorm_momentum
        self.renorm_clipping = renorm_clipping or {} if renorm else renorm_clipping
        if renorm:
            self.replays = False  # its few numbers a channel are NumPy's
        if renorm and synchronized:
            where, fix = "BatchNormalization(renorm, synchronized)", "leave one out"
            raise ArgumentError(message(where, "one of them", "both", fix))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if it has the layer's axis."""
        check_axes(self, [self.axis], input_shape)
        return input_shape

    def create_parameters(self, input_shape: Shape) -> None:
        """Create gamma and beta, which are learnt, and the running mean and variance."""
        shape = (input_shape[self.axis],)
        if self.scale:
            self.add_parameter("gamma", shape, self.gamma_initializer)
        if self.center:
            self.add_parameter("beta", shape, self.beta_initializer)
        self.add_parameter("moving_mean", shape, self.moving_mean_initializer, trainable=False)
        self.add_parameter(
            "moving_variance", shape, self.moving_variance_initializer, trainable=False
        )
        if self.renorm:
            renormalization.add_statistics(self, shape)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, normalised."""
        shape, x = x.shape, together(x, [self.axis])
        own = bool(training) and self.trainable
        saved: Any = None
        if own and self.renorm:
            y, saved = renormalization.renormalized(self, x)
        elif own and self.meets:
            y, center, rate = self._forward_together(x)
            saved = Saved(x, center, rate, True)
        else:
            y, center, rate = ops.batch_normalization(
                x, self.gamma, self.beta, self.moving_mean, self.moving_variance, self.momentum,
                self.epsilon, own,
            )  # fmt: skip
            saved = Saved(x, center, rate, own)
        if keep:
            self._saved = saved
        return apart(y, [self.axis], shape)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradients by gamma and beta; return the one by x."""
        saved, shape = self.saved(), grad_y.shape
        grad_y = together(grad_y, [self.axis])
        if isinstance(saved, renormalization.Saved):
            grad_x = renormalization.renormalized_backward(self, grad_y, saved)
        elif saved.training and self.meets:
            grad_x = self._backward_together(saved)
        else:
            x, center, rate, training = saved
            grad_x = ops.batch_normalization_backward(
                grad_y, x, self.gamma, center, rate, self.grad_gamma, self.grad_beta, training
            )
        return apart(grad_x, [self.axis], shape)
