"""The depthwise convolution layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from npcnn import initializers
from npcnn.arguments import ChannelsLast, Padding, Pair, PositiveInt, checked
from npcnn.backend import ops
from npcnn.layers.activated import Activated, Named, Saved
from npcnn.layers.base import Array, Shape
from npcnn.layers.windows import Window, check_steps, windows_of

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class DepthwiseConv2D(Activated):
    """2-D convolution of each channel with filters of its own.

    y[n, i, j, c·M + m] = activation(Σ x[n, i·s + u·d, j·s + v·d, c] · kernel[u, v, c, m] + bias)

    Args:
        kernel_size: (KH, KW), or one number for both.
        strides: rows and columns from one window to the next.
        padding: 'valid' (windows stay inside) or 'same' (zeros around, ⌈size / stride⌉ windows).
        depth_multiplier: how many filters a channel has, M.
        data_format: None or 'channels_last'.
        dilation_rate: rows and columns from one tap to the next; not together with strides.
        activation: as for Conv2D.
        use_bias: whether to add a bias a filter.
        depthwise_initializer, bias_initializer: names or Initializer objects.
        **kwargs: regularizers and constraints (depthwise_regularizer, bias_constraint, …), and what
            every `Layer` takes.

    Shapes: x (N, H, W, C) → y (N, OH, OW, C·M); kernel (KH, KW, C, M); bias (C·M,).

    Raises:
        ArgumentError: an argument is out of range, or the window is larger than the image.

    Source: Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
    Applications", 2017.

    >>> layer = DepthwiseConv2D(3, padding="same", depth_multiplier=2)
    >>> layer.build((None, 28, 28, 5))
    >>> layer.output_shape, layer.count_params()
    ((None, 28, 28, 10), 100)
    """

    op = "grouped_conv2d"
    absent = ("activity_regularizer",)
    regulated = ("depthwise", "bias")
    depthwise_regularizer: Any
    depthwise_constraint: Any
    kernel: Array
    grad_kernel: Array
    bias: Array | None = None
    grad_bias: Array | None = None

    @checked
    def __init__(
        self,
        kernel_size: Pair,
        strides: Pair = (1, 1),
        padding: Padding = "valid",
        depth_multiplier: PositiveInt = 1,
        data_format: ChannelsLast = None,
        dilation_rate: Pair = (1, 1),
        activation: Named = None,
        use_bias: bool = True,
        depthwise_initializer: initializers.Given = "glorot_uniform",
        bias_initializer: initializers.Given = "zeros",
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size, self.strides, self.padding = kernel_size, strides, padding
        self.depth_multiplier, self.dilation_rate = depth_multiplier, dilation_rate
        check_steps(self)
        self.activation, self.use_bias = activation, use_bias
        self.depthwise_initializer = depthwise_initializer
        self.bias_initializer = bias_initializer

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, OH, OW, C·M)."""
        sizes = windows_of(self, input_shape, "kernel_size")
        return (input_shape[0], *sizes, input_shape[3] * self.depth_multiplier)

    def create_parameters(self, input_shape: Shape) -> None:
        """Create kernel (KH, KW, C, M) and bias (C·M,)."""
        shape = (*self.kernel_size, input_shape[3], self.depth_multiplier)
        held = self.depthwise_regularizer, self.depthwise_constraint
        self.add_parameter("kernel", shape, self.depthwise_initializer, True, *held)
        if self.use_bias:
            filters = input_shape[3] * self.depth_multiplier
            self.add_parameter("bias", (filters,), self.bias_initializer)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return activation(x * kernel + bias), channel by channel."""
        z = self._convolved(x, self.fused)
        y = self.finish(z)
        if keep:
            self._saved = Saved(x, z, y)
        return y

    def backward_logits(self, grad_z: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradients by kernel and bias; return the one by x. `backward` comes here."""
        x, z, _ = self.saved()
        kernels = in_groups(self.kernel), in_groups(self.grad_kernel)
        options = self.strides, self.padding, self.dilation_rate, self.fused, x.shape[3]
        return ops.grouped_conv2d_backward(
            grad_z, x, z, *kernels, self.grad_bias, *options, need_grad_x
        )

    def _convolved(self, x: Array, activation: str) -> Array:
        """Return the convolution of x, and the activation of it, 'linear' or 'relu'."""
        options = self.strides, self.padding, self.dilation_rate, activation, x.shape[3]
        return ops.grouped_conv2d(x, in_groups(self.kernel), self.bias, *options)

    def before(self, x: Array) -> Array:
        """Return the convolution of x, without the activation."""
        return self._convolved(x, "linear")

    @property
    def window(self) -> Window:
        """What of the input an output sees."""
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        kh, kw, channels, each = self.kernel.shape
        return f"each of {channels} channels with {each} filters of {kh}×{kw} of its own"


def in_groups(kernel: Array) -> Array:
    """Return a depthwise kernel (KH, KW, C, M) as that of C groups, (KH, KW, 1, C·M): a view."""
    return kernel.reshape(*kernel.shape[:2], 1, -1)
