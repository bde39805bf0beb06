"""The separable convolution layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from npcnn import initializers
from npcnn.arguments import ChannelsLast, Padding, Pair, PositiveInt, checked
from npcnn.backend import ops
from npcnn.layers.activated import Activated, Named
from npcnn.layers.base import Array, Shape
from npcnn.layers.conv2d import Filters
from npcnn.layers.depthwise_conv2d import in_groups
from npcnn.layers.windows import Window, check_steps, windows_of

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

NO_STEPS = (1, 1), "valid", (1, 1)  # strides, padding and dilation of single pixels


class Saved(NamedTuple):
    """What backward needs: input, the depthwise half's output, before and after the activation."""

    x: Array
    deep: Array
    z: Array
    y: Array


class SeparableConv2D(Activated):
    """A depthwise convolution, and a convolution by single pixels of what it gives.

    deep[n, i, j, c·M + m] = Σ x[n, i·s + u·d, j·s + v·d, c] · depthwise_kernel[u, v, c, m]
    y[n, i, j, f] = activation(Σ deep[n, i, j, k] · pointwise_kernel[0, 0, k, f] + bias[f])

    Args:
        filters: how many filters, F.
        kernel_size: (KH, KW) of the depthwise half, or one number for both.
        strides: rows and columns from one window to the next.
        padding: 'valid' (windows stay inside) or 'same' (zeros around, ⌈size / stride⌉ windows).
        data_format: None or 'channels_last'.
        dilation_rate: rows and columns from one tap to the next; not together with strides.
        depth_multiplier: how many depthwise filters a channel has, M.
        activation: as for Conv2D.
        use_bias: whether to add a bias a filter.
        depthwise_initializer, pointwise_initializer, bias_initializer: names, or Initializers.
        **kwargs: regularizers and constraints (depthwise_regularizer, bias_constraint, …), and what
            every `Layer` takes.

    Shapes: x (N, H, W, C) → y (N, OH, OW, F); depthwise_kernel (KH, KW, C, M); pointwise_kernel
    (1, 1, C·M, F); bias (F,).

    Raises:
        ArgumentError: an argument is out of range, or the window is larger than the image.

    Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017.

    >>> layer = SeparableConv2D(8, 3, padding="same")
    >>> layer.build((None, 28, 28, 5))
    >>> layer.output_shape, layer.count_params()
    ((None, 28, 28, 8), 93)
    """

    op = "grouped_conv2d"
    absent = ("activity_regularizer",)
    regulated = ("depthwise", "pointwise", "bias")
    depthwise_regularizer: Any
    depthwise_constraint: Any
    pointwise_regularizer: Any
    pointwise_constraint: Any
    depthwise_kernel: Array
    grad_depthwise_kernel: Array
    pointwise_kernel: Array
    grad_pointwise_kernel: Array
    bias: Array | None = None
    grad_bias: Array | None = None

    @checked
    def __init__(
        self,
        filters: Filters,
        kernel_size: Pair,
        strides: Pair = (1, 1),
        padding: Padding = "valid",
        data_format: ChannelsLast = None,
        dilation_rate: Pair = (1, 1),
        depth_multiplier: PositiveInt = 1,
        activation: Named = None,
        use_bias: bool = True,
        depthwise_initializer: initializers.Given = "glorot_uniform",
        pointwise_initializer: initializers.Given = "glorot_uniform",
        bias_initializer: initializers.Given = "zeros",
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.padding, self.dilation_rate = padding, dilation_rate
        check_steps(self)
        self.depth_multiplier = depth_multiplier
        self.activation, self.use_bias = activation, use_bias
        self.depthwise_initializer = depthwise_initializer
        self.pointwise_initializer = pointwise_initializer
        self.bias_initializer = bias_initializer

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, OH, OW, F)."""
        return (input_shape[0], *windows_of(self, input_shape, "kernel_size"), self.filters)

    def create_parameters(self, input_shape: Shape) -> None:
        """Create both kernels and the bias."""
        shape = (*self.kernel_size, input_shape[3], self.depth_multiplier)
        held = self.depthwise_regularizer, self.depthwise_constraint
        self.add_parameter("depthwise_kernel", shape, self.depthwise_initializer, True, *held)
        shape = (1, 1, input_shape[3] * self.depth_multiplier, self.filters)
        held = self.pointwise_regularizer, self.pointwise_constraint
        self.add_parameter("pointwise_kernel", shape, self.pointwise_initializer, True, *held)
        if self.use_bias:
            self.add_parameter("bias", (self.filters,), self.bias_initializer)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return activation(depthwise, then pointwise convolution of x, + bias)."""
        deep = self._deep(x)
        z = ops.conv2d(deep, self.pointwise_kernel, self.bias, *NO_STEPS, self.fused)
        y = self.finish(z)
        if keep:
            self._saved = Saved(x, deep, z, y)
        return y

    def backward_logits(self, grad_z: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradients by kernels and bias; return the one by x. `backward` comes here."""
        x, deep, z, _ = self.saved()
        grad_deep = ops.conv2d_backward(
            grad_z, deep, z, self.pointwise_kernel, self.grad_pointwise_kernel, self.grad_bias,
            *NO_STEPS, self.fused,
        )  # fmt: skip
        kernels = in_groups(self.depthwise_kernel), in_groups(self.grad_depthwise_kernel)
        options = self.strides, self.padding, self.dilation_rate, "linear", x.shape[3]
        return ops.grouped_conv2d_backward(
            grad_deep, x, deep, *kernels, None, *options, need_grad_x
        )

    def _deep(self, x: Array) -> Array:
        options = self.strides, self.padding, self.dilation_rate, "linear", x.shape[3]
        return ops.grouped_conv2d(x, in_groups(self.depthwise_kernel), None, *options)

    def before(self, x: Array) -> Array:
        """Return both convolutions of x, without the activation."""
        return ops.conv2d(self._deep(x), self.pointwise_kernel, self.bias, *NO_STEPS, "linear")

    @property
    def window(self) -> Window:
        """What of the input an output sees."""
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        kh, kw, channels, each = self.depthwise_kernel.shape
        return (
            f"each of {channels} channels with {each} filters of {kh}×{kw} of its own, then "
            f"{self.filters} filters of 1×1×{channels * each}"
        )
