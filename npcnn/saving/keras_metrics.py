"""Metrics as Keras writes them, and back."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Callable
from typing import Any

from npcnn import losses, metrics, registry
from npcnn.arguments import argument_names
from npcnn.checks import NpcnnError, NpcnnWarning
from npcnn.metrics.identify import Wrapped
from npcnn.saving.keras_layers import function_object, keras_object, one_line, own_object, short

MAX_METRICS = 100
MOST = 10_000  # thresholds and columns that a file may ask for


class UnsupportedError(Exception):
    """A compile setting that npcnn has nothing for; the text names it."""


def written(
    listed: list[metrics.Metric], sparse: bool, entry: Callable[[str, str, dict[str, Any]], Any]
) -> list[Any] | None:
    """Return names and entries; what a file cannot name is left out, with a warning.

    Args:
        listed: the model's.
        sparse: whether its targets are labels.
        entry: makes an entry of module, class and config.
    """
    found: list[Any] = []
    for metric in listed:
        kind = type(metric).__name__
        if type(metric) is metrics.AccuracyByShape:
            kind = "SparseCategoricalAccuracy" if sparse else "CategoricalAccuracy"
            plain = metric.name in metrics.BY_SHAPE
            found.append(
                metric.name if plain else entry("keras.metrics", kind, {"name": metric.name})
            )
        elif type(metric) is metrics.CLASSES.get(kind):
            found.append(entry("keras.metrics", kind, metric.get_config()))
        elif (own := _own_entry(metric, entry)) is not None:
            found.append(own)
        else:
            text = f"save: metric {metric.name!r} is not npcnn's own and is left out of the file"
            fix = "give a function that has a name, or a subclass of Metric"
            warnings.warn(f"{text}; {fix}", NpcnnWarning, stacklevel=2)
    return found or None


def _own_entry(metric: metrics.Metric, entry: Callable[..., Any]) -> Any:
    """Return what stands for a loss, a function or a user's metric, as Keras writes it."""
    function = getattr(metric, "fn", None)
    if isinstance(function, losses.Loss):
        kind, config = type(function), function.get_config()
        if losses.known().get(kind.__name__) is kind:
            return keras_object("keras.losses", kind.__name__, config)
        return own_object(kind, config)
    name = getattr(function, "__name__", "")
    if name.isidentifier() and not getattr(metric, "arguments", {}):
        written = function_object(function)
        called = written["registered_name"]
        if metric.name != metrics.get(function).name:
            config = {"name": metric.name, "fn": written}
            return entry("keras.metrics", "MeanMetricWrapper", config)
        full = "module" in entry("keras.metrics", "", {})
        own = getattr(_home(name, called), name, None) is function
        return name if own and not full else written
    config = metric.get_config()
    if function is not None or type(metric) is Wrapped or _foreign(config):
        return None
    return own_object(type(metric), config)


def _foreign(config: Any) -> bool:
    """Whether JSON cannot say this."""
    try:
        json.dumps(config, allow_nan=False)
    except (TypeError, ValueError):
        return True
    return False


def read(given: Any) -> list[metrics.Metric]:
    """Return the metrics of a file's compile settings, or raise UnsupportedError."""
    if given is None:
        return []
    if isinstance(given, dict) and "class_name" not in given:
        raise UnsupportedError("metrics by output")
    found: list[metrics.Metric] = []
    listed = given if isinstance(given, list) else [given]
    if len(listed) > MAX_METRICS:
        raise UnsupportedError(f"more than {MAX_METRICS} metrics")
    for item in listed:
        if isinstance(item, list):
            found.extend(read(item))
        elif isinstance(item, str):
            found.append(metrics.get(registry.custom(item) or item))
        elif (metric := _read_entry(item)) is not None:
            found.append(metric)
    return found


def _home(name: str, registered: Any) -> Any:
    """Return the module that has a function of this name, unless it is a user's."""
    if registry.custom(name, registered) is not None:
        return None
    return next((home for home in (metrics, losses) if name in home.__all__), None)


def _read_entry(item: Any) -> metrics.Metric | None:
    """Return the metric of an entry; None, with a warning, for a user's that nobody handed in."""
    kind = item.get("class_name") if isinstance(item, dict) else item
    config = item.get("config") if isinstance(item, dict) else None
    if kind == "function" and isinstance(config, str):
        home = _home(config, item.get("registered_name"))
        if home is None:
            return _handed_in(config, item)
        return metrics.get(getattr(home, config))
    if not isinstance(kind, str) or not isinstance(config, dict):
        raise UnsupportedError(f"the metric {short(kind)}")
    config = {key: value for key, value in config.items() if key != "dtype" and value is not None}
    if kind == "MeanMetricWrapper":
        function = config.get("fn")
        name = function.get("config") if isinstance(function, dict) else function
        if not isinstance(name, str) or not isinstance(config.get("name"), str):
            raise UnsupportedError(f"the metric {short(item)}")
        found = _read_entry(function) if isinstance(function, dict) else metrics.get(name)
        if found is not None:
            found.name = config["name"]
        return found
    if item.get("module") == "keras.losses" and kind in losses.known():
        loss = losses.known()[kind]
        taken = inspect.signature(loss).parameters
        return metrics.get(loss(**{key: v for key, v in config.items() if key in taken}))
    own = metrics.CLASSES.get(kind)
    users = item.get("registered_name") and item.get("module") != "keras.metrics"
    if own is None and (users or registry.custom(kind) is not None):
        return _handed_in(kind, item)
    if own is None or "name" not in config or not isinstance(config["name"], str):
        raise UnsupportedError(f"the metric {short(item if own else kind)}")
    known = inspect.signature(own).parameters
    for key, value in config.items():
        large = len(value) if isinstance(value, list) else value
        if key == "fn":  # Keras 2 names the function of a class beside it
            continue
        if key not in known or (isinstance(large, int) and large > MOST):
            raise UnsupportedError(f"{kind}'s option {short(key)} = {short(value)}")
    return own(**{key: value for key, value in config.items() if key != "fn"})


def _handed_in(name: str, item: dict[str, Any]) -> metrics.Metric | None:
    """Return a user's metric, by the class or function of that name; None, with a warning."""
    own, config = registry.custom(name, item.get("registered_name")), item["config"]
    fix = "hand it in as custom_objects"
    if isinstance(own, type) and issubclass(own, metrics.Metric) and isinstance(config, dict):
        known = argument_names(own)
        try:
            return own.from_config({k: v for k, v in config.items() if k in known and k != "dtype"})
        except (NpcnnError, TypeError, ValueError) as error:
            fix = one_line(error)
    elif callable(own):
        return metrics.get(own)
    text = f"load: the metric {short(name)} is left out; {fix}"
    warnings.warn(text, NpcnnWarning, stacklevel=2)
    return None
