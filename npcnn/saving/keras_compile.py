"""Compile settings as Keras writes them, and back: optimizer, loss, metrics."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import losses, optimizers, registry
from npcnn.checks import NpcnnError, NpcnnWarning
from npcnn.losses.function_loss import FunctionLoss
from npcnn.optimizers import schedules
from npcnn.saving import keras_metrics
from npcnn.saving.keras_layers import function_object, keras_object, one_line, own_object, short
from npcnn.saving.keras_metrics import UnsupportedError

if TYPE_CHECKING:
    from npcnn.model import Model

# Options of older optimizers of Keras's that npcnn has nothing for, with what switches them off.
_OFF: dict[str, tuple[Any, ...]] = {"amsgrad": (False, None), "decay": (0, None)}
# … those that change nothing by themselves, and those that older files have False for.
_IDLE = ("jit_compile", "is_legacy_optimizer")
_NONE = ("weight_decay", "amsgrad", "centered", "use_ema")
# What `compile` is told of how steps are run, and the kinds of its values; `.keras` keeps it.
_WAYS = {"run_eagerly": (bool,), "steps_per_execution": (int,), "jit_compile": (bool, str)}


Entry = Callable[[str, str, dict[str, Any]], dict[str, Any]]

# Writing --------------------------------------------------------------------------------------


def optimizer_config(optimizer: optimizers.Optimizer) -> dict[str, Any]:
    """Return class and arguments; what Keras has beyond them is left at its defaults."""
    kind, config = type(optimizer), optimizer.get_config()
    if optimizers.known().get(kind.__name__) is kind:
        return {"class_name": kind.__name__, "config": config}
    return own_object(kind, config)


def training_config(model: Model) -> dict[str, Any]:
    """Return the `training_config` of a `.h5` file."""
    return {**_settings(model, False), "optimizer_config": optimizer_config(model.optimizer)}


def compile_config(model: Model) -> dict[str, Any]:
    """Return the `compile_config` of a `.keras` file; Keras hands its keys to `compile`."""
    written = optimizer_config(model.optimizer)
    optimizer = {**keras_object("keras.optimizers", "", {}), **written}
    ways = {
        key: value
        for key, value in model._settings.items()
        if isinstance(value, _WAYS.get(key, ()))
    }
    return {"optimizer": optimizer, **_settings(model, True), **ways}


def _settings(model: Model, full: bool) -> dict[str, Any]:
    def entry(module: str, class_name: str, config: dict[str, Any]) -> dict[str, Any]:
        if full:
            return keras_object(module, class_name, config)
        return {"class_name": class_name, "config": config}

    goal = model.objective
    listed = [_written_loss(loss, entry) for loss in goal.losses]
    if full and isinstance(model.loss, str):  # 'mae', say; of a .h5, Keras would not know it
        listed = [model.loss] * len(listed)
    several = len(listed) > 1
    weights = list(goal.weights) if any(weight != 1 for weight in goal.weights) else None
    return {
        "loss": listed if several else listed[0],
        "loss_weights": weights,
        "metrics": _written_metrics(model, False, entry),
        "weighted_metrics": _written_metrics(model, True, entry),
    }


def _written_loss(loss: losses.Loss, entry: Entry) -> Any:
    if loss.is_nothing:
        return None
    if isinstance(loss, FunctionLoss):
        return function_object(loss.function)
    config = loss.get_config()
    known = losses.known().get(type(loss).__name__) is type(loss)
    if not known:
        return own_object(type(loss), config)
    if loss.by_name and type(loss)().get_config() == config:
        return loss.default_name
    entry = entry if loss.by_name else keras_object
    return entry("keras.losses", type(loss).__name__, config)


def _written_metrics(model: Model, weighted: bool, entry: Entry) -> list[Any] | None:
    """Return the metrics of a kind: names and entries, for several outputs in lists of such."""
    listed = []
    for output, loss in enumerate(model.objective.losses):
        own = [m.metric for m in model.measures if (m.output, m.weighted) == (output, weighted)]
        listed.append(keras_metrics.written(own, loss.labels, entry) or [])
    return None if not any(listed) else listed if len(listed) > 1 else listed[0]


# Reading --------------------------------------------------------------------------------------


def read_compile(config: Any, where: str, outputs: int = 1) -> dict[str, Any] | None:
    """Return the arguments of `compile`; None, with a warning, if npcnn lacks one of them.

    Args:
        config: `training_config` (.h5) or `compile_config` (.keras); None or an empty
            one, of a model that is not compiled, gives None in silence.
        where: the file, for the warning.
        outputs: how many the model has.
    """
    if config is None or config == {}:
        return None
    try:
        if not isinstance(config, dict):
            raise UnsupportedError("compile settings that are no JSON object")
        written = config.get("optimizer_config") or config.get("optimizer")
        loss = config.get("loss")
        metrics, weighted = (config.get(key) for key in ("metrics", "weighted_metrics"))
        return {
            "optimizer": _read_optimizer(written),
            "loss": _by_output(loss, outputs, _optional_loss)
            if outputs > 1
            else _optional_loss(loss),
            "loss_weights": config.get("loss_weights"),
            "metrics": _by_output(metrics, outputs, keras_metrics.read),
            "weighted_metrics": _by_output(weighted, outputs, keras_metrics.read),
            **{key: config[key] for key, kinds in _WAYS.items() if type(config.get(key)) in kinds},
        }
    except (UnsupportedError, NpcnnError, TypeError, ValueError, OverflowError) as error:
        text = f"{where}: loaded without its compile settings; npcnn lacks {one_line(error)}"
        warnings.warn(text, NpcnnWarning, stacklevel=2)
        return None


def compiled(model: Model, settings: dict[str, Any] | None, where: str) -> bool:
    """Compile a model with what `read_compile` returned; warn, and do not, if it does not fit."""
    if settings is None:
        return False
    try:
        model.compile(**settings)
    except NpcnnError as error:
        text = f"{where}: loaded without its compile settings; {one_line(error)}"
        warnings.warn(text, NpcnnWarning, stacklevel=2)
        return False
    return True


def _by_output(written: Any, outputs: int, read: Callable[[Any], Any]) -> Any:
    """Return what is read of a list or dict with an entry an output, or of one thing for all."""
    if written is None:
        return None
    if outputs > 1 and isinstance(written, dict) and "class_name" not in written:
        return {name: read(one) for name, one in written.items()}
    if outputs > 1 and isinstance(written, list) and len(written) == outputs:
        return [read(one) for one in written]
    return read(written)


def _read_optimizer(written: Any) -> optimizers.Optimizer:
    if isinstance(written, str):
        written = {"class_name": written, "config": {}}
    if not isinstance(written, dict) or not isinstance(written.get("config"), dict):
        raise UnsupportedError("the optimizer, which the file does not name")
    name = str(written.get("class_name")).split(">")[-1]
    kind = optimizers.known().get(name.lower()) or registry.custom(
        name, written.get("registered_name")
    )
    if not isinstance(kind, type) or not issubclass(kind, optimizers.Optimizer):
        raise UnsupportedError(f"the optimizer {short(name)}")
    known = kind().get_config()
    common = optimizers.Optimizer().get_config()
    arguments: dict[str, Any] = {}
    for key, value in written["config"].items():
        if key == "lr" and key not in known:
            key = "learning_rate"
        if key == "name" and isinstance(value, str):
            arguments["name"] = value
        elif key in known:
            if isinstance(value, dict):
                value = _read_schedule(value, f"{name}'s {key}")
            elif key in _NONE and not value:
                value = known[key] if value is None else value
                value = None if key == "weight_decay" and value is False else value
            if key not in common or key == "learning_rate" or value != common[key]:
                arguments[key] = shortest(value)
        elif key in _OFF and value not in _OFF[key]:
            raise UnsupportedError(f"{name}'s option {key} = {short(value)}")
        elif key not in _OFF and key not in _IDLE and value is not None:
            raise UnsupportedError(f"{name}'s option {short(key)}")
    return kind(**arguments)


def _optional_loss(written: Any) -> losses.Loss | str | None:
    """Return one of several outputs' losses; None for none."""
    return None if written is None else _read_loss(written)


def _read_schedule(written: dict[str, Any], where: str) -> Any:
    try:
        return schedules.deserialize(written)
    except NpcnnError as error:
        raise UnsupportedError(f"{where} as it is given: {one_line(error)}") from error


def _read_loss(written: Any) -> losses.Loss | str:
    while isinstance(written, list) and len(written) == 1:
        written = written[0]
    key = written.get("registered_name") if isinstance(written, dict) else None
    if isinstance(written, dict) and isinstance(written.get("config"), str):
        written = written["config"]  # a function by name
    known = losses.known()
    if isinstance(written, str) and written in known:
        return written  # `model.loss` is then what it was
    name = written.get("class_name") if isinstance(written, dict) else written
    kind = known.get(name) if isinstance(name, str) else None
    kind = kind or registry.custom(name, key)
    if not isinstance(kind, type) or not issubclass(kind, losses.Loss):
        if callable(kind) and not isinstance(kind, type):
            return losses.loss_of(kind, "compile(loss)")
        raise UnsupportedError(f"the loss {short(name)}")
    if not isinstance(written, dict):
        return kind()
    config = dict(written.get("config") or {})
    if config.get("reduction") in (None, "auto"):  # one that is None cannot be trained with
        config.pop("reduction", None)
    own = kind().get_config()
    if own.get("axis", -1) == -1 and config.pop("axis", None) not in (None, -1):
        raise UnsupportedError(f"{name} over another axis than the last")
    extra = {key: v for key, v in config.items() if key not in own and key not in ("fn", "dtype")}
    if any(value is not None for value in extra.values()):
        raise UnsupportedError(f"{name}'s option {short(next(iter(extra)))}")
    taken = inspect.signature(kind).parameters
    some = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    return kind(**{k: config[k] for k in own if k in config and (some or k in taken)})


def shortest(value: Any) -> Any:
    """Return a float32's shortest decimal for a float that is exactly one, else the value.

    Keras keeps the learning rate in float32, its older optimizers all their numbers, and writes
    every digit.

    >>> shortest(0.0010000000474974513)
    0.001
    """
    if not isinstance(value, float):
        return value
    with np.errstate(over="ignore"):
        narrow = np.float32(value)
    return float(str(narrow)) if float(narrow) == value else value
