"""The place where a model's input shape is said."""

from __future__ import annotations

from typing import Any

from npcnn.checks import ArgumentError, message
from npcnn.layers.base import Array, Layer, check_sample_shape


class InputLayer(Layer):
    """One sample's shape, as the first entry of a model; it computes nothing.

    Args:
        shape: one sample's shape, without the batch axis; () for single numbers.
        batch_size: accepted for Keras's sake; batches may have any size.

    >>> InputLayer((28, 28, 1)).sample_shape
    (28, 28, 1)
    """

    def __init__(self, shape: Any, batch_size: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sample_shape = check_sample_shape(shape, "Input", least=0)

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x."""
        return x

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return grad_y."""
        return grad_y

    def get_config(self) -> dict[str, Any]:
        """Return the shape, with None for the batch, as Keras writes it."""
        assert self.sample_shape is not None
        return {**super().get_config(), "batch_shape": (None, *self.sample_shape)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """Return the layer from a config with Keras 3's batch_shape or Keras 2's name for it."""
        config = dict(config)
        batch_shape = config.pop("batch_shape", None) or config.pop("batch_input_shape", None)
        if not isinstance(batch_shape, (tuple, list)):
            fix = "give None and one sample's shape"
            raise ArgumentError(message("InputLayer", "a batch_shape", repr(batch_shape), fix))
        return cls(tuple(batch_shape[1:]), **config)


def Input(  # noqa: N802 - Keras's name
    shape: Any, batch_size: int | None = None, dtype: Any = None, name: str | None = None
) -> InputLayer:
    """Return the first entry of a Sequential model: the shape of one sample.

    >>> Input(shape=(28, 28, 1)).sample_shape
    (28, 28, 1)
    """
    return InputLayer(shape, batch_size, dtype=dtype, name=name)
