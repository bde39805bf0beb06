"""Metrics as Keras writes them, and back."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from npcnn import metrics, registry
from npcnn.saving.keras_layers import own_object, short

MAX_METRICS = 100
MOST = 10_000  # thresholds and columns that a file may ask for


class UnsupportedError(Exception):
    """A compile setting that npcnn has nothing for; the text names it."""


def written(
    listed: list[metrics.Metric], sparse: bool, entry: Callable[[str, str, dict[str, Any]], Any]
) -> list[Any] | None:
    """Return names and entries; one that nobody registered is left out, with a warning.

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
        elif registry.registered_name(type(metric)):
            found.append(own_object(type(metric), metric.get_config()))
        else:
            text = f"save: metric {metric.name!r} is not npcnn's own and is left out of the file"
            fix = "register its class: @npcnn.utils.register_keras_serializable()"
            warnings.warn(f"{text}; {fix}", stacklevel=2)
    return found or None


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
            found.append(metrics.get(item))
        else:
            found.append(_read_entry(item))
    return found


def _read_entry(item: Any) -> metrics.Metric:
    kind = item.get("class_name") if isinstance(item, dict) else item
    config = item.get("config") if isinstance(item, dict) else None
    if not isinstance(kind, str) or not isinstance(config, dict):
        raise UnsupportedError(f"the metric {short(kind)}")
    config = {key: value for key, value in config.items() if key != "dtype" and value is not None}
    if kind == "MeanMetricWrapper":
        function = config.get("fn")
        name = function.get("config") if isinstance(function, dict) else function
        if not isinstance(name, str) or not isinstance(config.get("name"), str):
            raise UnsupportedError(f"the metric {short(item)}")
        metric = metrics.get(name)
        metric.name = config["name"]
        return metric
    own = metrics.CLASSES.get(kind)
    custom = None if own else registry.custom(kind, item.get("registered_name"))
    if isinstance(custom, type) and issubclass(custom, metrics.Metric):
        return custom.from_config(config)
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
