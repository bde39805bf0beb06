"""A model's architecture as Keras 3 writes it in JSON, and back; Keras 2's form is read as well.

Sequential models here, graphs in keras_graph.py, layers in keras_layers.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npcnn import layers, registry
from npcnn.checks import FormatError, NpcnnError, message
from npcnn.layers.base import Layer
from npcnn.layers.operation import Operated
from npcnn.network import Network, classes
from npcnn.saving import keras_graph
from npcnn.saving.keras_layers import (
    entry,
    keras_object,
    layer_entry,
    one_line,
    own_object,
    policy,
    read_layer,
    short,
)
from npcnn.saving.keras_operations import HOME, Awaited, operation_entry
from npcnn.subclasses import is_ours

if TYPE_CHECKING:
    from npcnn.model import Model

KERAS_VERSION = "3.8.0"  # whose form the files have
MAX_LAYERS = 1000
MAX_DEPTH = 20  # of models within models
SHARED = "shared_object_id"
FIX = "npcnn reads Sequential and functional models"


Shared = dict[int, Any]  # number → the layer, or the model, that two models are made of

# Writing --------------------------------------------------------------------------------------


def model_config(model: Any, full: bool = True) -> dict[str, Any]:
    """Return what Keras calls a model's config: name, layers, and how they hang together.

    Args:
        model: built or not.
        full: whether each layer carries its module and build shape, as in `.keras`; `.h5` has
            the shorter form.
    """
    if model.keras_class == "Functional":
        return keras_graph.graph_config(model, lambda layer: layer_config(layer, model, full))
    dtype = model.dtype.name
    listed = [layer_config(layer, model, full) for layer in model.made_of()]
    shape = model.known_shape
    config: dict[str, Any] = {"name": model.name, "trainable": model.trainable}
    config["dtype"] = policy(dtype)
    if shape is not None:
        listed.insert(0, _input_entry(model.graph_nodes()[0].operation.name, shape, dtype, full))
    config["layers"] = listed
    if shape is not None:
        config["build_input_shape"] = list(shape)
    return config


def layer_config(layer: Any, model: Model, full: bool) -> dict[str, Any]:
    """Return the entry of a layer, of an input, or of a model within a model."""
    if isinstance(layer, Network):
        return full_model_config(layer) if full else short_model_config(layer)
    if isinstance(layer, Operated):
        return operation_entry(layer)
    if layer.is_input:
        return _input_entry(layer.name, layer.input_shape, model.dtype.name, full)
    return layer_entry(layer, model.dtype.name, full)


def _input_entry(name: Any, shape: Any, dtype: str, full: bool) -> dict[str, Any]:
    config = {"batch_shape": list(shape), "dtype": dtype, "sparse": False, "name": name}
    return entry("InputLayer", config, full)


def full_model_config(model: Any) -> dict[str, Any]:
    """Return a model in Keras 3's full form, as in `config.json` and `to_json`."""
    if model.call_body is not None:
        shape = model.input_shape
        listed = [*map(list, shape)] if isinstance(shape, list) else list(shape)
        return {
            **own_object(type(model), model.get_config()), "build_config": {"input_shape": listed},
        }  # fmt: skip
    if model.keras_class == "Functional":
        written = keras_object("keras.src.models.functional", "Functional", model_config(model))
        return {**written, "registered_name": "Functional", "build_config": {"input_shape": None}}
    config = keras_object("keras", "Sequential", model_config(model))
    shape = model.known_shape
    if shape is not None:
        config["build_config"] = {"input_shape": list(shape)}
    return config


def short_model_config(model: Any) -> dict[str, Any]:
    """Return a model in the shorter form of `.h5`."""
    if model.call_body is not None:
        fix = "save it as .keras, or use save_weights"
        raise FormatError(
            message("save (.h5)", "a graph of layers", f"class {type(model).__name__}", fix)
        )
    return {"class_name": class_name(model), "config": model_config(model, full=False)}


def mark_shared(model: Model, written: dict[str, Any]) -> None:
    """Give each layer that is a part of two models a number, in all the entries that describe it.

    From the number, which has the name that Keras has for it, `read_model` knows that they are one.
    Keras passes over it in `.h5`, where it reads a layer an entry, all with the same weights.
    """
    places: dict[int, list[dict[str, Any]]] = {}
    todo: list[tuple[Any, dict[str, Any]]] = [(model, written)]
    while todo:
        whole, about = todo.pop()
        entries = {one["config"]["name"]: one for one in about["config"]["layers"]}
        for part in whole.made_of():
            met = places.setdefault(id(part), [])
            met.append(entries[part.name])
            if isinstance(part, Network) and len(met) == 1:
                todo.append((part, met[0]))
    for number, met in enumerate(met for met in places.values() if len(met) > 1):
        for one in met:
            one[SHARED] = number


def class_name(layer: Any) -> str:
    """Return the class under which a config keeps a layer, or a model within the model."""
    graph = isinstance(layer, Network) and layer.call_body is None
    return layer.keras_class if graph else type(layer).__name__


# Reading --------------------------------------------------------------------------------------


def read_model(config: Any, where: str, depth: int = 0, shared: Shared | None = None) -> Model:
    """Return the model that a config describes; within `planned()`, nothing is allocated.

    Args:
        config: in the full or the short form of Keras 3, or in Keras 2's.
        where: the file, for the message.
        depth: how many models this one is within.
        shared: what was read of the layers that are parts of two models, by number.

    Raises:
        FormatError: naming the layer and its class if npcnn has none like it.
    """
    kind = config.get("class_name") if isinstance(config, dict) else type(config).__name__
    own = _own_class(config)
    if own is not None and depth <= MAX_DEPTH:
        return _read_own(own, config, where)
    read = {"Sequential": _read_sequential, "Functional": _read_graph, "Model": _read_graph}
    if not isinstance(kind, str) or kind not in read or depth > MAX_DEPTH:
        expected = "a Sequential or functional model"
        got = f"models {depth} deep" if depth > MAX_DEPTH else f"class {short(kind)}"
        raise FormatError(message(where, expected, got, FIX))
    inner = config.get("config")
    if isinstance(inner, list):  # Keras before 2.2.3
        inner = {"layers": inner}
    listed = inner.get("layers") if isinstance(inner, dict) else None
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_LAYERS:
        got = "none" if not isinstance(listed, list) else str(len(listed))
        raise FormatError(message(where, f"1 to {MAX_LAYERS} layers", got, FIX))
    name = inner.get("name")
    if name is not None and not isinstance(name, str):
        raise FormatError(message(where, "a name for the model", short(name), FIX))
    try:
        return read[kind](inner, where, depth, {} if shared is None else shared)
    except FormatError:
        raise
    except NpcnnError as error:
        raise FormatError(f"{where}: {one_line(error)}") from error


def _own_class(written: Any) -> Any:
    """Return the class of a model that the program has registered or handed in; None for none."""
    if not isinstance(written, dict):
        return None
    own = registry.custom(written.get("class_name"), written.get("registered_name"))
    if not isinstance(own, type) or not issubclass(own, Network) or is_ours(own):
        return None
    config = written.get("config")  # with layers, it is the graph that such a class makes
    return own if own.is_written or (isinstance(config, dict) and "layers" not in config) else None


def _read_own(cls: Any, written: dict[str, Any], where: str) -> Model:
    """Return a model of a class of the program's, built for the shape in the file."""
    config, about = written.get("config"), written.get("build_config")
    shape = about.get("input_shape") if isinstance(about, dict) else None
    if not isinstance(config, dict) or not (isinstance(shape, list) or not cls.is_written):
        raise FormatError(message(where, "a model's config and input shape", short(written), FIX))
    try:
        model = cls.from_config(config)
        if isinstance(shape, list):
            model.build(tuple(tuple(one) if isinstance(one, list) else one for one in shape))
    except NpcnnError as error:
        raise FormatError(f"{where}: {one_line(error)}") from error
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        fix = "let get_config() return what __init__ takes"
        got = one_line(error)
        raise FormatError(message(where, f"a {cls.__name__} of this config", got, fix)) from error
    return model


def _read_any(written: Any, where: str, depth: int, shared: Shared) -> Any:
    """Return the layer, or the model within the model, that an entry describes."""
    kind = written.get("class_name") if isinstance(written, dict) else None
    number = written.get(SHARED) if isinstance(written, dict) and "module" not in written else None
    if type(number) is int and number in shared:
        return shared[number]
    if isinstance(kind, str) and str(written.get("module")).startswith(HOME):
        return Awaited(written, where)
    if isinstance(kind, str) and (
        kind in ("Sequential", "Functional", "Model") or _own_class(written)
    ):
        found: Any = read_model(written, where, depth + 1, shared)
    else:
        found = read_layer(written, where)
    if type(number) is int:
        shared[number] = found
    return found


def _read_graph(inner: dict[str, Any], where: str, depth: int, shared: Shared) -> Model:
    return keras_graph.read_graph(inner, where, lambda one: _read_any(one, where, depth, shared))


def _read_sequential(inner: dict[str, Any], where: str, depth: int, shared: Shared) -> Any:
    made = [_read_any(one, where, depth, shared) for one in inner["layers"]]
    own = [layer for layer in made if isinstance(layer, Network) or not layer.is_input]
    dtype = keras_graph.one_dtype(own, where)
    _start_with_input(made, inner)
    frozen = inner.get("trainable") is False and not any(layer.trainable for layer in own)
    model = classes["Sequential"](None, trainable=not frozen, name=inner.get("name"), dtype=dtype)
    for layer in made:
        model.add(layer)
    return model


def _start_with_input(made: list[Any], inner: dict[str, Any]) -> None:
    """Keep the input's shape in one place: in front. Keras 2 repeats it in the first layer."""
    for layer in made[1:]:
        if isinstance(layer, Layer):
            vars(layer)["_sample_shape"] = None
    shape = inner.get("build_input_shape") or inner.get("batch_input_shape")
    first = made[0]
    known = first.built if isinstance(first, Network) else first._sample_shape is not None
    if isinstance(shape, list) and not known and shape:
        made.insert(0, layers.InputLayer(shape[1:]))
