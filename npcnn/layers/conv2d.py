"""The convolution layer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated

from npcnn import initializers
from npcnn.arguments import ChannelsLast, Padding, Pair, PositiveInt, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message, positive_int
from npcnn.layers.activated import Activated, Named, Saved
from npcnn.layers.base import Array, Shape
from npcnn.layers.windows import Window, check_steps, windows_of

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

Filters = Annotated[int, partial(positive_int, fix="say how many filters it has")]


class Conv2D(Activated):
    """2-D convolution: every filter slides over the image and answers at each place.

    y[n, i, j, f] = activation(Σ x[n, i·s + u·d, j·s + v·d, c] · kernel[u, v, c, f] + bias[f])

    Args:
        filters: how many filters, F.
        kernel_size: (KH, KW), or one number for both.
        strides: rows and columns from one window to the next.
        padding: 'valid' (windows stay inside) or 'same' (zeros around, ⌈size / stride⌉ windows).
        data_format: None or 'channels_last'.
        dilation_rate: rows and columns from one tap to the next; not together with strides.
        groups: into how many parts channels and filters are cut; each part of the filters sees its
            own part of the channels. It divides both.
        activation: None, a name ('relu', 'softmax', …), a function, an object of your own, or a
            layer such as PReLU().
        use_bias: whether to add a bias a filter.
        kernel_initializer, bias_initializer: names or Initializer objects.
        **kwargs: regularizers and constraints (kernel_regularizer, bias_constraint, …), and what
            every `Layer` takes.

    Shapes: x (N, H, W, C) → y (N, OH, OW, F); kernel (KH, KW, C / groups, F); bias (F,).

    Raises:
        ArgumentError: an argument is out of range, or the window is larger than the image.

    >>> layer = Conv2D(5, (3, 3), padding="same")
    >>> layer.build((None, 28, 28, 1))
    >>> layer.output_shape, layer.count_params()
    ((None, 28, 28, 5), 50)
    """

    op, combines = "conv2d", "products"
    absent = ("activity_regularizer",)
    regulated = ("kernel", "bias")
    kernel: Array
    grad_kernel: Array
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
        groups: PositiveInt = 1,
        activation: Named = None,
        use_bias: bool = True,
        kernel_initializer: initializers.Given = "glorot_uniform",
        bias_initializer: initializers.Given = "zeros",
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.padding, self.dilation_rate = padding, dilation_rate
        check_steps(self)
        if filters % groups:
            expected, fix = f"a divisor of filters={filters}", "groups are parts of equal size"
            raise ArgumentError(message("Conv2D(groups)", expected, str(groups), fix))
        self.groups = groups
        if groups > 1:
            self.combines = ""  # whoever takes a window apart knows no groups
        self.activation, self.use_bias = activation, use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, OH, OW, F)."""
        return (input_shape[0], *windows_of(self, input_shape, "kernel_size"), self.filters)

    def create_parameters(self, input_shape: Shape) -> None:
        """Create kernel (KH, KW, C / groups, F) and bias (F,)."""
        if input_shape[3] % self.groups:
            expected, fix = f"channels in {self.groups} groups", "give another number of groups"
            raise ArgumentError(message(self.label, expected, str(input_shape[3]), fix))
        shape = (*self.kernel_size, input_shape[3] // self.groups, self.filters)
        self.add_parameter("kernel", shape, self.kernel_initializer)
        if self.use_bias:
            self.add_parameter("bias", (self.filters,), self.bias_initializer)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return activation(x * kernel + bias)."""
        z = self._convolved(x, self.fused)
        y = self.finish(z)
        if keep:
            self._saved = Saved(x, z, y)
        return y

    def backward_logits(self, grad_z: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradients by kernel and bias; return the one by x. `backward` comes here."""
        x, z, _ = self.saved()
        arrays = grad_z, x, z, self.kernel, self.grad_kernel, self.grad_bias
        options = self.strides, self.padding, self.dilation_rate, self.fused
        if self.groups > 1:
            return ops.grouped_conv2d_backward(*arrays, *options, self.groups, need_grad_x)
        return ops.conv2d_backward(*arrays, *options, need_grad_x)

    def _convolved(self, x: Array, activation: str) -> Array:
        """Return the convolution of x, and the activation of it, 'linear' or 'relu'."""
        options = self.strides, self.padding, self.dilation_rate, activation
        if self.groups > 1:
            return ops.grouped_conv2d(x, self.kernel, self.bias, *options, self.groups)
        return ops.conv2d(x, self.kernel, self.bias, *options)

    def before(self, x: Array) -> Array:
        """Return the convolution of x, without the activation."""
        return self._convolved(x, "linear")

    @property
    def window(self) -> Window:
        """What of the input an output sees."""
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        shape, (kh, kw, channels, filters) = arrays["activation"].shape, self.kernel.shape
        columns = f"{shape[0] * shape[1] * shape[2]} × {kh * kw * channels}"
        return (
            f"{filters} filters of {kh}×{kw}×{channels} at {shape[1]}×{shape[2]} places, a product "
            f"of columns ({columns}) and kernel ({kh * kw * channels} × {filters})"
        )
