"""The rectifier with a learnt slope as a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from npcnn import constraints, initializers, regularizers
from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.layers.base import MAX_AXES, Array, Layer, Shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


def _axes(value: Any, where: str) -> list[int]:
    given = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(given) > MAX_AXES or not all(is_whole(axis) and 1 <= axis <= MAX_AXES for axis in given):
        fix = "such as [1, 2] for one slope a channel"
        raise ArgumentError(message(where, "axes, counted from 1", shown(value), fix))
    return [int(axis) for axis in given]


Axes = Annotated[Any, _axes]


class Saved(NamedTuple):
    """What backward needs: the input, and a slope for each of its numbers."""

    x: Array
    alpha: Array


class PReLU(Layer):
    """y = x above 0, and alpha · x below, alpha being learnt.

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015.

    Args:
        alpha_initializer: of the slopes.
        alpha_regularizer: a penalty on them.
        alpha_constraint: what they are held to.
        shared_axes: axes along which there is one slope, [1, 2] for one a channel.

    Shapes: x (N, …) → y like x; alpha like a sample, 1 along shared axes.

    >>> layer = PReLU(shared_axes=[1, 2])
    >>> layer.build((None, 8, 8, 3))
    >>> layer.alpha.shape
    (1, 1, 3)
    """

    op = "prelu"
    regulated = ("alpha",)
    alpha: Array
    grad_alpha: Array

    kept_as: ClassVar = {"alpha_regularizer": None, "alpha_constraint": None}

    @checked
    def __init__(
        self, alpha_initializer: initializers.Given = "Zeros",
        alpha_regularizer: regularizers.Given = None, alpha_constraint: constraints.Given = None,
        shared_axes: Axes | None = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        held = {"alpha_regularizer": alpha_regularizer, "alpha_constraint": alpha_constraint}
        super().__init__(**held, **kwargs)
        self.alpha_initializer, self.shared_axes = alpha_initializer, shared_axes

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if it has the shared axes."""
        if any(axis >= len(input_shape) for axis in self.shared_axes or ()):
            got = f"shared_axes {self.shared_axes} for an input {input_shape}"
            raise ArgumentError(message(self.label, "axes of the input", got, "name fewer"))
        return input_shape

    def create_parameters(self, input_shape: Shape) -> None:
        """Create the slopes."""
        shared = self.shared_axes or ()
        sizes = enumerate(input_shape[1:], 1)
        shape = tuple(1 if axis in shared else size for axis, size in sizes)
        self.add_parameter("alpha", shape, self.alpha_initializer)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return y."""
        alpha = ops.broadcast_to(self.alpha[None], x.shape)
        if keep:
            self._saved = Saved(x, alpha)
        return ops.prelu(x, alpha)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradient by alpha; return the one by x."""
        grad_x, grad_alpha = ops.prelu_backward(grad_y, *self.saved())
        ops.assign(self.grad_alpha[None], ops.sum_to(grad_alpha, (1, *self.alpha.shape)))
        return grad_x

    def kinks(self, x: Array) -> int:
        """Return how many inputs are exactly 0, where slopes 1 and alpha meet."""
        return int(((x == 0) & (self.alpha != 1)).sum())
