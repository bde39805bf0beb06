"""A layer as Keras 3 writes it in JSON, and back; Keras 2's form is read as well.

A layer's options are those of its `get_config`. Nothing is ever imported or called by a name that a
file holds: classes are npcnn's own, or those that the program has registered or handed in.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from npcnn import activations, constraints, initializers, layers, registry, regularizers
from npcnn.checks import FormatError, NpcnnError, message
from npcnn.layers.base import Layer, argument_names
from npcnn.symbolic import Operation

# How the names of options end that are objects, and where these come from.
HELPERS: dict[str, Any] = {
    "initializer": initializers, "regularizer": regularizers, "constraint": constraints,
}  # fmt: skip


# Writing --------------------------------------------------------------------------------------


def keras_object(module: str, class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return one object in Keras 3's full form."""
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": None,
    }


def entry(class_name: str, config: dict[str, Any], full: bool) -> dict[str, Any]:
    """Return one of Keras's layers in the full form of `.keras` or the short one of `.h5`."""
    if full:
        return keras_object("keras.layers", class_name, config)
    return {"class_name": class_name, "config": config}


def policy(dtype: str) -> dict[str, Any]:
    """Return a dtype as Keras 3 writes it."""
    return keras_object("keras", "DTypePolicy", {"name": dtype})


def layer_entry(layer: Layer, dtype: str, full: bool) -> dict[str, Any]:
    """Return a layer's class and options."""
    kind = type(layer)
    config: dict[str, Any] = {"name": layer.name, "trainable": layer.trainable}
    config["dtype"] = policy(dtype)
    own = layer.get_config()
    if not isinstance(own, dict):
        where, fix = f"{layer.label}.get_config()", "return {**super().get_config(), …}"
        raise FormatError(message(where, "a dict of its arguments", short(own), fix))
    for option, value in own.items():
        if option in config:
            continue
        value = _full(option, value)
        if isinstance(value, activations.ActivationFunction):
            value = registry.registered_name(value) or str(value)
        if callable(value) and not isinstance(value, str):
            if isinstance(value, Operation):
                registry.require_json(layer.label, {option: value})
            fix = "give it a name with npcnn.utils.register_keras_serializable()"
            where = f"{layer.label}.{option}"
            raise FormatError(message(where, "a registered function", short(value), fix))
        config[option] = list(value) if isinstance(value, tuple) else value
    config = {**dict.fromkeys(layer.absent), **config}
    config = {option: value for option, value in config.items() if option not in layer.unwritten}
    if layers.known().get(kind.__name__) is kind:
        written = entry(kind.__name__, config, full)
    else:  # a class of the program's, which is made again from its own config and nothing else
        config = {o: v for o, v in config.items() if o in own or (o == "name" and not full)}
        registry.require_json(layer.label, config)
        written = own_object(kind, config)
        if not full:
            written = {"class_name": written["registered_name"], "config": config}
    shape = layer.input_shape
    single = shape is not None and not isinstance(shape[0], tuple)
    if full and single and (layer.declared or layer.flattens):
        written["build_config"] = {"input_shape": list(shape or ())}
    return written


def _full(option: str, value: Any) -> Any:
    """Return an initializer, a regularizer or a constraint in Keras 3's full form."""
    module = HELPERS.get(option.rpartition("_")[2])
    if not isinstance(value, dict) or module is None:
        return value
    name, config = value["class_name"], value["config"]
    written = keras_object(f"keras.{module.__name__.rpartition('.')[2]}", name, config)
    if name not in module.known():
        written |= {"module": "", "class_name": name.split(">")[-1], "registered_name": name}
    return written


def own_object(kind: type, config: dict[str, Any]) -> dict[str, Any]:
    """Return an object of a class of the program's own, under the name it is registered by."""
    key = registry.registered_name(kind) or kind.__name__
    return {**keras_object(kind.__module__, kind.__name__, config), "registered_name": key}


def function_object(function: Any) -> dict[str, Any]:
    """Return what stands for a function of the program's: its name."""
    key = registry.registered_name(function) or "function"
    written = keras_object("builtins", "function", {})
    return {**written, "config": function.__name__, "registered_name": key}


# Reading --------------------------------------------------------------------------------------


class UnknownClassError(FormatError, TypeError):
    """A class in a file is neither here nor handed in; TypeError in Keras."""


def read_layer(entry: Any, where: str) -> Layer:
    """Return the layer, unbuilt, that an entry describes.

    Raises:
        FormatError: naming the layer and its class if npcnn has none like it.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        fix = "the file is damaged or no Keras model"
        raise FormatError(message(where, "a layer's class and config", short(entry), fix))
    kind, config = entry.get("class_name"), entry["config"]
    place = f"{where}, layer {short(config.get('name'))} of class {short(kind)}"
    try:
        if kind == "InputLayer":
            return input_layer(config)
        cls = layers.known().get(kind) if isinstance(kind, str) else None
        if cls is not None:
            return cls(**_arguments(cls, config, place))
        own = registry.custom(kind, entry.get("registered_name"))
        if not isinstance(own, type) or not issubclass(own, Layer):
            known = ", ".join(["InputLayer", *layers.known()])
            fix = "build the model without that layer, or register a class of that name"
            raise UnknownClassError(message(place, f"one of {known}", "a class npcnn lacks", fix))
        if "dtype" in config:
            config = {**config, "dtype": _dtype(config["dtype"], place).name}
        taken = inspect.signature(own).parameters.values()
        if all(one.name != "name" and one.kind is not one.VAR_KEYWORD for one in taken):
            name = config.get("name")
            layer = _made(own, {key: v for key, v in config.items() if key != "name"}, place)
            if isinstance(name, str):
                layer.name, layer.made_up = name, False
            return layer
        return _made(own, config, place)
    except FormatError:
        raise
    except NpcnnError as error:
        text = one_line(error)
        raise FormatError(text if text.startswith(place) else f"{place}: {text}") from error
    except (TypeError, ValueError, OverflowError, KeyError, AttributeError) as error:
        fix = "the file is damaged or no Keras model"
        raise FormatError(message(place, "sound options", one_line(error), fix)) from error


def _made(own: Any, config: dict[str, Any], place: str) -> Layer:
    """Return the layer that a class of the program's makes of its config."""
    layer = own.from_config(config)
    if not isinstance(layer, Layer):
        fix = "return cls(**config)"
        raise FormatError(message(f"{place}, its from_config()", "a layer", short(layer), fix))
    return layer


def input_layer(config: dict[str, Any], dtype: np.dtype | None = None) -> Layer:
    """Return the input that a config describes."""
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    options = {"batch_shape": shape, "name": config.get("name"), "dtype": dtype}
    return layers.InputLayer.from_config(options)


def _arguments(kind: type[Layer], config: dict[str, Any], place: str) -> dict[str, Any]:
    """Return a layer's constructor arguments from its config."""
    options = argument_names(kind)
    arguments: dict[str, Any] = {"name": config.get("name")}
    arguments["trainable"] = config.get("trainable", True) is not False
    arguments["dtype"] = _dtype(config.get("dtype"), place)
    for option, value in config.items():
        if option in ("name", "trainable", "dtype"):
            continue
        if option == "batch_input_shape":
            arguments["input_shape"] = tuple(value[1:])
        elif option in options and option != "input_shape":
            arguments[option] = _value(option, value, place)
        elif value is not None:
            fix = "build the model without it"
            got = f"{short(option)} = {short(value)}"
            raise FormatError(message(place, "options that npcnn has", got, fix))
    return arguments


def _value(option: str, value: Any, place: str) -> Any:
    if option.endswith("_initializer"):
        return _initializer(value, f"{place}, {option}")
    module = HELPERS.get(option.rpartition("_")[2])
    if module is not None:
        return module.get(value, f"{place}, {option}")
    if option == "layer":  # within another
        return read_layer(value, place)
    if option == "activation":
        return _activation(value, place)
    if option in ("function", "arguments", "renorm_clipping"):  # the constructor knows what fits
        return value
    if option == "axis" and isinstance(value, list) and len(value) == 1:
        return value[0]
    if isinstance(value, dict):
        fix = "build the model without it"
        raise FormatError(message(place, f"a plain {option}", short(value), fix))
    return tuple(value) if isinstance(value, list) else value


def _dtype(value: Any, place: str) -> np.dtype:
    """Return the dtype of a layer: a text in Keras 2, a policy in Keras 3."""
    if isinstance(value, dict):
        inner = value.get("config")
        value = inner.get("name") if isinstance(inner, dict) else None
    if value not in (None, "float32", "float64"):
        fix = "convert it in Keras"
        raise FormatError(message(place, "dtype float32 or float64", short(value), fix))
    return np.dtype(value or "float32")


def _activation(value: Any, place: str) -> Any:
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        return activations.get(read_layer(value, place), place)
    if isinstance(value, dict):  # a function by name
        value = value.get("config")
    if value is None:
        return "linear"
    try:
        return activations.get(value, place)
    except NpcnnError as error:
        fix = "build the model with one of these, or register the activation"
        expected = f"activation {', '.join(activations.known())}"
        raise FormatError(message(place, expected, short(value), fix)) from error


def _initializer(value: Any, place: str) -> initializers.Initializer:
    """Return the initializer an entry names, of npcnn's own or the program's."""
    config = value.get("config") if isinstance(value, dict) else None
    if isinstance(config, dict):  # without a seed of Keras's own, and Keras 2's dtype
        given = {key: v for key, v in config.items() if v is not None and key != "dtype"}
        value = {**value, "config": given}
        if value.get("class_name") == "VarianceScaling" and "module" not in value:
            return _of_keras_2(initializers.get(value, place))
    return initializers.get(value, place)


def _of_keras_2(initializer: initializers.Initializer) -> initializers.Initializer:
    """Return Glorot's or its kin, which Keras 2 wrote under one class, under the own name."""
    config = initializer.get_config()
    rule = tuple(config.pop(key) for key in ("scale", "mode", "distribution"))
    named = [cls for cls in initializers.CLASSES.values() if getattr(cls, "rule", ()) == rule]
    return named[0](**config) if named else initializer


def short(value: Any) -> str:
    """Return a value from a file as a short printable text."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def one_line(error: Exception) -> str:
    """Return an error's text without line breaks."""
    return " ".join(str(error).split())[:600]
