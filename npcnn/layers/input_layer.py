"""The place where a model's input shape is said."""

from __future__ import annotations

from typing import Any

from npcnn import config
from npcnn.arguments import PositiveInt, checked, config_of
from npcnn.checks import ArgumentError, message, shown
from npcnn.config import FloatType
from npcnn.layers.base import AnyShape, Array, Layer, Name, check_batch_shape
from npcnn.symbolic import KerasTensor, Node


class InputLayer(Layer):
    """One sample's shape, as the first entry of a model; it computes nothing.

    Args:
        shape: one sample's shape, without the batch axis; () for single numbers.
        batch_size: accepted for Keras's sake; batches may have any size.

    >>> InputLayer((28, 28, 1)).sample_shape
    (28, 28, 1)
    """

    is_input = True

    @checked
    def __init__(
        self, shape: AnyShape, batch_size: PositiveInt | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.sample_shape = shape
        self.input_shape = self.output_shape = (None, *shape)
        Node(self, [], [self.output_shape], self.dtype or config.floatx())

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x."""
        return x

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return grad_y."""
        return grad_y

    def get_config(self) -> dict[str, Any]:
        """Return the shape, with None for the batch, as Keras writes it."""
        return {**super().get_config(), "batch_shape": self.input_shape}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """Return the layer from a config with Keras 3's batch_shape or Keras 2's name for it."""
        where = f"{cls.__name__}.from_config(config)"
        config = dict(config_of(config, where))
        batch_shape = config.pop("batch_shape", None) or config.pop("batch_input_shape", None)
        if not isinstance(batch_shape, (tuple, list)):
            fix = "give None and one sample's shape"
            raise ArgumentError(message(cls.__name__, "a batch_shape", shown(batch_shape), fix))
        return cls(check_batch_shape(batch_shape, where)[1:], **config)


@checked
def Input(  # noqa: N802 - Keras's name
    shape: AnyShape,
    batch_size: PositiveInt | None = None,
    dtype: FloatType | None = None,
    name: Name | None = None,
) -> KerasTensor:
    """Return a model's input: a symbolic tensor to call layers on, or Sequential's first entry.

    Args:
        shape: one sample's shape, without the batch axis; () for single numbers.
        batch_size: accepted for Keras's sake; batches may have any size.
        dtype: 'float32' or 'float64', of all that is made from it; None is `config.floatx()`.
        name: the input's name.

    >>> Input(shape=(28, 28, 1))
    <KerasTensor shape=(None, 28, 28, 1), dtype=float32, name=None>
    """
    return InputLayer(shape, batch_size, dtype=dtype, name=name).output
