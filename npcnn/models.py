"""Models under the module name that Keras programs import them from."""

from typing import TYPE_CHECKING, Any

from npcnn import names
from npcnn.arguments import AModel, Function, PassedOver, checked
from npcnn.functional import recalled
from npcnn.layers import Layer
from npcnn.model import Model
from npcnn.saving import load_model, model_from_json, save_model
from npcnn.sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


@checked
def clone_model(
    model: AModel, input_tensors: PassedOver = None, clone_function: Function | None = None
) -> Model:
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
    return _cloned(model, clone_function or _again, {})


def _cloned(model: Any, make: Any, done: dict[int, Any]) -> Any:
    """Return a model's clone; `done` knows the clones that there are, of what is shared."""
    if isinstance(model, Sequential):
        clone = Sequential(None, model.trainable, model.name, model.dtype)
        if model.input_layer is not None:
            clone.add(_again(model.input_layer))
        for layer in model.layers:
            clone.add(_clone(layer, make, done))
        if model.built and not clone.built:
            clone.build(model.input_shape)
        return clone
    clones = {id(layer): _clone(layer, make, done) for layer in model.layers}
    inputs, outputs = model.ends
    begun = [clones[id(tensor.node.operation)].output for tensor in inputs]
    ends = recalled(inputs, outputs, begun, lambda operation: clones[id(operation)])
    ins, outs = (
        dict(zip(keys, tensors, strict=True)) if keys is not None else tensors
        for keys, tensors in zip(model.structure, (begun, ends), strict=True)
    )
    return Model(ins, outs, trainable=model.trainable, name=model.name)


def _clone(layer: Any, make: Any, done: dict[int, Any]) -> Any:
    if id(layer) not in done:
        if isinstance(layer, Model):
            done[id(layer)] = _cloned(layer, make, done)
        else:
            done[id(layer)] = _again(layer) if layer.is_input else make(layer)
    return done[id(layer)]


def _again(layer: Layer) -> Any:
    return type(layer).from_config(layer.get_config())
