"""Names that a checkpoint has from another count: auc there, auc_1 here.

Automatic names are counted over the process, and one that goes on may have made other things
before. Layers are told by their places; curves are kept by names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from npcnn.names import snake_case

if TYPE_CHECKING:
    from npcnn.model import Model

_NUMBER = re.compile(r"_\d+(?=_|$)")


def unnamed(settings: Any) -> Any:
    """Return a described model with no names of its optimizer and losses."""
    if not isinstance(settings, dict):
        return settings
    losses = settings.get("loss")
    return {
        **settings, "optimizer": _without(settings.get("optimizer")),
        "loss": [_without(one) for one in losses] if isinstance(losses, list) else losses,
    }  # fmt: skip


def _without(config: Any) -> Any:
    if not isinstance(config, dict):
        return config
    return {key: value for key, value in config.items() if key != "name"}


def names_there(model: Model, saved: Any, own: list[str]) -> dict[str, str]:
    """Return what curves are called in a checkpoint → here, where only the count differs.

    Args:
        model: that goes on.
        saved: the names of its losses and metrics in the file.
        own: those that it has now.
    """
    same = isinstance(saved, list) and all(isinstance(name, str) for name in saved)
    if not same or saved == own or len(saved) != len(own) or not _made_up(model):
        return {}
    if any(_NUMBER.sub("", a) != _NUMBER.sub("", b) for a, b in zip(saved, own, strict=True)):
        return {}
    pairs = [(a, b) for a, b in zip(saved, own, strict=True) if a != b]
    return {front + a: front + b for a, b in pairs for front in ("", "val_")}


def _made_up(model: Model) -> bool:
    """Whether an output or a metric has a name that nobody said."""
    metrics = [*(measure.metric for measure in model.measures), *model.own_metrics()]
    counted = [
        re.fullmatch(rf"{snake_case(type(one).__name__)}(_\d+)?", one.name) for one in metrics
    ]
    return any(counted) or any(tensor.node.operation.made_up for tensor in model.ends[1])


def renamed(value: Any, names: dict[str, str]) -> Any:
    """Return a state in which curves have other names."""
    if isinstance(value, dict):
        return {names.get(key, key): renamed(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [renamed(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value
