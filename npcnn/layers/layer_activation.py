"""A layer in the place of an activation: `Dense(64, activation=layers.LeakyReLU(0.1))`."""

from __future__ import annotations

from typing import Any

from npcnn.activations import ActivationFunction
from npcnn.arguments import config_of
from npcnn.checks import ArgumentError, message, shown
from npcnn.layers.base import Array, Layer
from npcnn.names import snake_case
from npcnn.symbolic import operators

FIX = "put it behind the layer"


class LayerActivation(ActivationFunction):
    """What such a layer does, as an activation; its name is the layer's.

    It has a layer of its own with the given one's settings, so that what is changed there later
    changes nothing here.
    """

    layer: Layer

    @property
    def learns(self) -> bool:
        """Whether the layer has parameters: then they are those of the layer that it is in."""
        return type(self.layer).create_parameters is not Layer.create_parameters

    def of(self, layer: Layer) -> LayerActivation:
        """Return the same of another layer."""
        made = LayerActivation(str(self))
        made.layer = layer
        return made

    def forward(self, x: Array) -> Array:
        """Return what the layer gives for x."""
        shape = (None, *x.shape[1:])
        if self.layer.compute_output_shape(shape) != shape:
            got = f"one that makes {self.layer.compute_output_shape(shape)} of {shape}"
            where = f"{type(self.layer).__name__} as an activation"
            raise ArgumentError(message(where, "a layer that keeps shapes", got, FIX))
        if self.learns and not self.layer.declared:  # by itself, in no layer
            self.layer.build(shape, x.dtype)
        return self.layer.forward(x, keep=False)

    def backward(self, grad_y: Array, x: Array, y: Array) -> Array:
        """Return the gradient by x; the layer keeps nothing from call to call."""
        self.layer.forward(x)
        grad_x = self.layer.backward(grad_y)
        self.layer.drop_kept()
        assert grad_x is not None
        return grad_x

    def kinks(self, x: Array) -> int:
        """Return how many x are where the layer has no derivative."""
        return self.layer.kinks(x)

    def written(self, dtype: Any) -> Any:
        """Return the layer as Keras writes it, in its outer layer's dtype."""
        config = self.layer.get_config() | {"dtype": None if dtype is None else dtype.name}
        kind = type(self.layer).__name__
        whole = {"module": "keras.layers", "class_name": kind, "config": config}
        return whole | {"registered_name": None}


def layer_activation(given: Any, where: str) -> LayerActivation | None:
    """Return a layer, or what stands for one in a config, as an activation; None for others.

    Raises:
        ArgumentError: the layer draws, merges, has a kernel, or is none of npcnn's own.
    """
    from npcnn.layers import known

    if isinstance(given, dict) and isinstance(given.get("config"), dict):
        cls = known().get(str(given.get("class_name")))
        if cls is None:
            got = shown(given.get("class_name"))
            raise ArgumentError(message(where, "the name of a layer", got, FIX))
        config = dict(config_of(given["config"], where))
        if isinstance(config.get("dtype"), dict):  # Keras's policy
            config["dtype"] = config_of(config["dtype"].get("config"), where).get("name")
        given = cls.from_config(config)
    if not isinstance(given, Layer):
        return None
    own = known().get(type(given).__name__) is type(given)
    plain = own and not (given.merges or given.training_only or given.is_input or given.combines)
    if not plain:
        expected = "a layer of npcnn's without chance or a kernel"
        raise ArgumentError(message(where, expected, given.label, FIX))
    config, kind = given.get_config(), snake_case(type(given).__name__)
    again = type(given).from_config({**config, "dtype": None})
    last = config.get("axis") == -1  # a loss knows softmax, and may start from what goes into it
    last = last and isinstance(getattr(again, "activation", None), ActivationFunction)
    made = LayerActivation(str(getattr(again, "activation", kind)) if last else kind)
    made.layer = again
    return made


operators["layer activation"] = layer_activation
