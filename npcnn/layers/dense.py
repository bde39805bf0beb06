"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated

from npcnn import initializers
from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message, positive_int
from npcnn.layers.activated import Activated, Named, Saved
from npcnn.layers.base import Array, Shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

Units = Annotated[int, partial(positive_int, fix="say how many outputs it has")]


class Dense(Activated):
    """Every unit sees every input: y = activation(x @ kernel + bias), over the last axis of x.

    Args:
        units: how many outputs.
        activation: None, a name ('relu', 'softmax', …), a function, an object of your own, or a
            layer such as PReLU().
        use_bias: whether to add a bias a unit.
        kernel_initializer, bias_initializer: names or Initializer objects.
        **kwargs: regularizers and constraints (kernel_regularizer, bias_constraint, …), and what
            every `Layer` takes.

    Shapes: x (N, …, in) → y (N, …, units); kernel (in, units); bias (units,).

    >>> layer = Dense(128)
    >>> layer.build((None, 490))
    >>> layer.count_params()
    62848
    """

    op, combines = "dense", "products"
    regulated = ("kernel", "bias")
    kernel: Array
    grad_kernel: Array
    bias: Array | None = None
    grad_bias: Array | None = None

    @checked
    def __init__(
        self,
        units: Units,
        activation: Named = None,
        use_bias: bool = True,
        kernel_initializer: initializers.Given = "glorot_uniform",
        bias_initializer: initializers.Given = "zeros",
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.activation, self.use_bias = units, activation, use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape with units in place of the last axis."""
        if len(input_shape) < 2:
            fix = "give (batch, features)"
            raise ArgumentError(message(self.label, "at least two axes", str(input_shape), fix))
        return (*input_shape[:-1], self.units)

    def create_parameters(self, input_shape: Shape) -> None:
        """Create kernel (in, units) and bias (units,)."""
        self.add_parameter("kernel", (input_shape[-1], self.units), self.kernel_initializer)
        if self.use_bias:
            self.add_parameter("bias", (self.units,), self.bias_initializer)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return activation(x @ kernel + bias)."""
        z = ops.dense(x, self.kernel, self.bias, self.fused)
        y = self.finish(z)
        if keep:
            self._saved = Saved(x, z, y)
        return y

    def backward_logits(self, grad_z: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradients by kernel and bias; return the one by x. `backward` comes here."""
        x, z, _ = self.saved()
        return ops.dense_backward(
            grad_z, x, z, self.kernel, self.grad_kernel, self.grad_bias, self.fused, need_grad_x
        )

    def before(self, x: Array) -> Array:
        """Return x @ kernel + bias, without the activation."""
        return ops.dense(x, self.kernel, self.bias, "linear")

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        shape = "×".join(map(str, self.kernel.shape))
        return f"input @ kernel {shape} + bias ({self.units})"
