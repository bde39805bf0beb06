"""The place where a model's input shape is said."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from npcnn import config
from npcnn.arguments import PositiveInt, checked, config_of
from npcnn.checks import ArgumentError, message, shown
from npcnn.config import FloatType
from npcnn.layers.base import AnyShape, Array, Layer, Name, Shape, check_batch_shape
from npcnn.layers.shapes import OneBatchShape
from npcnn.symbolic import KerasTensor, Node


def _off(value: Any, where: str) -> None:
    if not (value is None or value is False):
        fix = "arrays here are whole, and all are given"
        raise ArgumentError(message(where, "None or False", shown(value), fix))


def _no_tensor(value: Any, where: str) -> None:
    if value is not None:
        fix = "give shape=…, and the numbers to the model"
        raise ArgumentError(message(where, "no tensor", shown(value), fix))


def _one_shape(shape: Any, batch_shape: Any, where: str) -> Shape:
    """Return one sample's shape, which is given in one of two ways."""
    if (shape is None) == (batch_shape is None):
        got = "neither" if shape is None else "both"
        fix = "such as shape=(28, 28, 1)"
        raise ArgumentError(message(f"{where}(shape)", "shape or batch_shape", got, fix))
    return batch_shape[1:] if shape is None else shape


Off = Annotated[Any, _off]
NoTensor = Annotated[Any, _no_tensor]


class InputLayer(Layer):
    """One sample's shape, as the first entry of a model; it computes nothing.

    Args:
        shape: one sample's shape, without the batch axis; () for single numbers.
        batch_size: accepted for Keras's sake; batches may have any size.
        dtype: 'float32' or 'float64'.
        sparse, ragged, optional: off; there are no such inputs here.
        batch_shape: the shape with None, or any number, for the batch in front, instead of shape.
        input_tensor: None.
        name: the input's name.

    >>> InputLayer((28, 28, 1)).input_shape
    (None, 28, 28, 1)
    """

    is_input = True
    kept_as: ClassVar = {
        **dict.fromkeys(("shape", "batch_size", "sparse", "ragged", "input_tensor", "optional")),
        "batch_shape": "input_shape",
    }

    @checked
    def __init__(
        self, shape: AnyShape | None = None, batch_size: PositiveInt | None = None,
        dtype: FloatType | None = None, sparse: Off = None, ragged: Off = None,
        batch_shape: OneBatchShape | None = None, input_tensor: NoTensor = None,
        optional: Off = False, name: Name | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype, **kwargs)
        sample_shape = _one_shape(shape, batch_shape, type(self).__name__)
        vars(self)["_sample_shape"] = sample_shape
        self.input_shape = self.output_shape = (None, *sample_shape)
        Node(self, [], [self.output_shape], self.dtype or config.floatx())

    @property
    def batch_shape(self) -> Any:
        """The input's shape, None for the batch axis."""
        return self.input_shape

    @classmethod
    def regulations(cls) -> list[str]:
        """Return none: an input has no activity to be held to anything."""
        return []

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x."""
        return x

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return grad_y."""
        return grad_y

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
    shape: AnyShape | None = None, batch_size: PositiveInt | None = None,
    dtype: FloatType | None = None, sparse: Off = None, ragged: Off = None,
    batch_shape: OneBatchShape | None = None, name: Name | None = None, tensor: NoTensor = None,
    optional: Off = False,
) -> KerasTensor:  # fmt: skip
    """Return a model's input: a symbolic tensor to call layers on, or Sequential's first entry.

    Args:
        shape: one sample's shape, without the batch axis; () for single numbers.
        batch_size: accepted for Keras's sake; batches may have any size.
        dtype: 'float32' or 'float64', of all that is made from it; None is `config.floatx()`.
        sparse: off, as there are no such inputs here.
        ragged: likewise.
        optional: likewise.
        batch_shape: the shape with None, or any number, for the batch in front, instead of shape.
        name: the input's name.
        tensor: None.

    >>> Input(shape=(28, 28, 1))
    <KerasTensor shape=(None, 28, 28, 1), dtype=float32, name=input_layer>
    """
    shape = _one_shape(shape, batch_shape, "Input")
    return InputLayer(shape, batch_size, dtype=dtype, name=name).output
