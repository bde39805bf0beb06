"""Models under the module name that Keras programs import them from."""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.arguments import AModel, Function, PassedOver, checked
from npcnn.layers import Layer
from npcnn.model import Sequential
from npcnn.saving import load_model, model_from_json, save_model

__all__ = ["Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


@checked
def clone_model(
    model: AModel, input_tensors: PassedOver = None, clone_function: Function | None = None
) -> Sequential:
    """Return a model of the same architecture, with layers and weights of its own.

    Args:
        model: what is cloned; it is neither changed nor shared.
        input_tensors: passed over; a model takes what it was built for.
        clone_function: makes a layer of a layer; None goes by `get_config()`.

    >>> from npcnn import layers
    >>> model = Sequential([layers.Input((3,)), layers.Dense(2, name="out")])
    >>> clone_model(model).layers
    [<Dense 'out': (None, 3) → (None, 2), 8 parameters>]
    """
    clone = Sequential(None, model.trainable, model.name, model.dtype)
    if model.input_layer is not None:
        clone.add(_again(model.input_layer))
    for layer in model.layers:
        clone.add((clone_function or _again)(layer))
    if model.built and not clone.built:
        clone.build(model.input_shape)
    return clone


def _again(layer: Layer) -> Layer:
    return type(layer).from_config(layer.get_config())
