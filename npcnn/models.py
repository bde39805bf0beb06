"""Models under the module name that Keras programs import them from."""

from typing import TYPE_CHECKING, Any

from npcnn import names
from npcnn.arguments import AModel, Function, PassedOver, checked
from npcnn.checks import ArgumentError, message
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
    model: AModel, input_tensors: PassedOver = None, clone_function: Function | None = None,
    call_function: Function | None = None, recursive: bool = False,
) -> Model:  # fmt: skip
    """Return a model of the same architecture, with layers and weights of its own.

    Args:
        model: what is cloned; it is neither changed nor shared.
        input_tensors: passed over; a model takes what it was built for.
        clone_function: makes a layer of a layer, or of a model within the model; None goes by
            `get_config()`.
        call_function: (layer, tensors) → tensors, which calls each layer; it may put others before
            or behind. Not for a Sequential.
        recursive: whether models within the model are cloned layer by layer, too.

    Raises:
        ArgumentError: there is a call_function for a Sequential.

    >>> from npcnn import layers
    >>> model = Sequential([layers.Input((3,)), layers.Dense(2, name="out")])
    >>> clone_model(model).layers
    [<Dense 'out': (None, 3) → (None, 2), 8 parameters>]
    """
    if call_function is not None and isinstance(model, Sequential):
        fix = "make it of Input and Model, or put layers in with add()"
        where = "clone_model(call_function)"
        raise ArgumentError(message(where, "a functional model", "a Sequential", fix))
    make, within = clone_function or _again, recursive or clone_function is None

    def clone(layer: Any) -> Any:
        deep = within and isinstance(layer, Model)
        return _cloned(layer, once, call_function) if deep else make(layer)

    once = _once(clone)
    return _cloned(model, once, call_function)


def _once(make: Any) -> Any:
    """Return a function that gives the same clone again for what is shared."""
    done: dict[int, Any] = {}

    def clone(layer: Any) -> Any:
        if id(layer) not in done:
            begins = isinstance(layer, Layer) and layer.is_input
            done[id(layer)] = _again(layer) if begins else make(layer)
        return done[id(layer)]

    return clone


def _cloned(model: Any, make: Any, call: Any) -> Any:
    """Return a model's clone; `make` clones a layer or a model in it."""
    if isinstance(model, Sequential):
        begin = [_again(node.operation) for node in model.graph_nodes()[:1]]
        listed = [*begin, *map(make, model.made_of())]
        return Sequential(listed, model.trainable, model.name, model.dtype)
    if model.call_body is not None:
        clone = type(model).from_config(model.get_config())
        clone.build(model.input_shape)
        return clone
    clones = {id(layer): make(layer) for layer in model.made_of()}
    inputs, outputs = model.ends
    begun = [clones[id(tensor.node.operation)].output for tensor in inputs]
    ends = recalled(inputs, outputs, begun, lambda operation: clones[id(operation)], call)
    ins, outs = model.structure[0].pack(begun), model.structure[1].pack(ends)
    clone = Model(ins, outs, trainable=model.trainable, name=model.name)
    clone.in_weights = [clones[id(layer)] for layer in model.made_of(by_weights=True)]
    return clone


def _again(layer: Layer) -> Any:
    again: Any = type(layer).from_config(layer.get_config())
    again.in_layers = layer.in_layers
    return again
