"""The layer that is a convolution's transpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from npcnn import initializers
from npcnn.arguments import ChannelsLast, Padding, Pair, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.layers.activated import Activated, Named, Saved
from npcnn.layers.base import Array, Shape
from npcnn.layers.conv2d import Filters
from npcnn.layers.windows import check_image_shape, check_steps
from npcnn.shapes import bounded_steps, transposed_size

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

MOST = 1 << 20  # rows or columns: beyond it no memory would do


def _pair(value: Any, where: str) -> tuple[int, int]:
    """Return two whole numbers, of 0 or more, of one or two."""
    pair = value if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or not all(is_whole(number) and number >= 0 for number in pair):
        expected, fix = "a whole number of 0 or more, or two", "such as 1 or (0, 1)"
        raise ArgumentError(message(where, expected, shown(value), fix))
    return int(pair[0]), int(pair[1])


More = Annotated[Any, _pair]


class Conv2DTranspose(Activated):
    """The transpose of a convolution: each pixel is handed out over a window of a larger image.

    y[n, i·s + u·d − b, j·s + v·d − b, f] = activation(Σ x[n, i, j, c] · kernel[u, v, f, c] +
    bias[f]), with b rows and columns cut off before (`npcnn/shapes.py`, `transposed_size`).

    Args:
        filters: how many filters, F.
        kernel_size: (KH, KW), or one number for both.
        strides: rows and columns of y from one window to the next.
        padding: 'valid' (all that is handed out) or 'same' (size · stride rows and columns).
        output_padding: further rows and columns behind y, fewer than the strides; None takes as
            many as make y's shape that of the convolution's image.
        data_format: None or 'channels_last'.
        dilation_rate: rows and columns from one tap to the next; not together with strides.
        activation: as for Conv2D.
        use_bias: whether to add a bias a filter.
        kernel_initializer, bias_initializer: names or Initializer objects.
        **kwargs: regularizers and constraints (kernel_regularizer, bias_constraint, …), and what
            every `Layer` takes.

    Shapes: x (N, H, W, C) → y (N, OH, OW, F); kernel (KH, KW, F, C); bias (F,).

    Raises:
        ArgumentError: an argument is out of range, or y would have no row, or too many.

    Source: Dumoulin, Visin, "A guide to convolution arithmetic for deep learning", 2016.

    >>> layer = Conv2DTranspose(5, 3, strides=2, padding="same")
    >>> layer.build((None, 14, 14, 10))
    >>> layer.output_shape, layer.kernel.shape
    ((None, 28, 28, 5), (3, 3, 5, 10))
    """

    op = "conv2d_transpose"
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
        output_padding: More | None = None,
        data_format: ChannelsLast = None,
        dilation_rate: Pair = (1, 1),
        activation: Named = None,
        use_bias: bool = True,
        kernel_initializer: initializers.Given = "glorot_uniform",
        bias_initializer: initializers.Given = "zeros",
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.padding, self.dilation_rate = padding, dilation_rate
        self.output_padding = output_padding
        check_steps(self)
        more = (0, 0) if output_padding is None else output_padding
        if more[0] >= strides[0] or more[1] >= strides[1]:
            expected, fix = f"less than strides={strides}", "leave it out"
            where = "Conv2DTranspose(output_padding)"
            raise ArgumentError(message(where, expected, str(output_padding), fix))
        self.activation, self.use_bias = activation, use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, OH, OW, F)."""
        check_image_shape(self, input_shape)
        _, _, size = self.places(input_shape)
        if not 1 <= min(size) <= max(size) <= MOST:
            expected, fix = f"an output of 1 to {MOST} rows and columns", "use other strides"
            raise ArgumentError(message(self.label, expected, f"{size[0]}×{size[1]}", fix))
        return (input_shape[0], *size, self.filters)

    def places(self, shape: Shape) -> tuple[Any, Any, Any]:
        """Return the taps' dilation, rows and columns cut off before y, and y's."""
        dilation = self.dilation_rate
        if self.padding == "same":  # taps beyond the image see nothing, however far they are
            dilation = bounded_steps(shape, self.strides, dilation)[1]
        more = self.output_padding or (None, None)
        axes = [
            transposed_size(
                shape[1 + axis], self.kernel_size[axis], self.strides[axis], self.padding,
                more[axis], dilation[axis],
            )
            for axis in (0, 1)
        ]  # fmt: skip
        size, before = zip(*axes, strict=True)
        return dilation, before, size

    def create_parameters(self, input_shape: Shape) -> None:
        """Create kernel (KH, KW, F, C) and bias (F,)."""
        shape = (*self.kernel_size, self.filters, input_shape[3])
        self.add_parameter("kernel", shape, self.kernel_initializer)
        if self.use_bias:
            self.add_parameter("bias", (self.filters,), self.bias_initializer)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return activation(x handed out by the kernel, + bias)."""
        z = self._handed_out(x, self.fused)
        y = self.finish(z)
        if keep:
            self._saved = Saved(x, z, y)
        return y

    def backward_logits(self, grad_z: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradients by kernel and bias; return the one by x. `backward` comes here."""
        x, z, _ = self.saved()
        dilation, before, _ = self.places(x.shape)
        return ops.conv2d_transpose_backward(
            grad_z, x, z, self.kernel, self.grad_kernel, self.grad_bias, self.strides, dilation,
            before, self.fused, need_grad_x,
        )  # fmt: skip

    def _handed_out(self, x: Array, activation: str) -> Array:
        """Return what x becomes, and the activation of it, 'linear' or 'relu'."""
        return ops.conv2d_transpose(
            x, self.kernel, self.bias, self.strides, *self.places(x.shape), activation
        )

    def before(self, x: Array) -> Array:
        """Return what x becomes, without the activation."""
        return self._handed_out(x, "linear")

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        kh, kw, filters, channels = self.kernel.shape
        return f"{channels} channels, handed out over windows of {kh}×{kw}×{filters}"
