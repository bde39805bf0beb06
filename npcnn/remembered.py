"""The arguments that an object of a user's class was made with, kept for its `get_config`."""

from __future__ import annotations

import inspect
from typing import Any, Self

from npcnn.arguments import argument_names


class Remembering:
    """Base of what users write subclasses of without a `get_config`: it is made of the arguments.

    Keras does so for layers. A class that has attributes of other names, or takes what no file
    holds, writes its own `get_config`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class a `get_config`, if its own arguments would be lost without one."""
        super().__init_subclass__(**kwargs)
        base = _base(cls)
        if base is not None and cls.get_config is base.get_config and "__init__" in vars(cls):
            cls.get_config = _get_config

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Keep the arguments."""
        self = super().__new__(cls)
        if cls.get_config is _get_config:
            self._arguments = args, kwargs
        return self

    get_config: Any
    _arguments: tuple[tuple[Any, ...], dict[str, Any]]


def _base(cls: type) -> Any:
    """Return the class of npcnn's that a user's class is made from; None for npcnn's own."""
    kinds = [k for k in cls.__mro__ if k.__module__.partition(".")[0] == "npcnn"]
    return None if cls in kinds else kinds[0]


def _get_config(self: Any) -> dict[str, Any]:
    """Return the arguments that make this object again."""
    base = _base(type(self))
    config: dict[str, Any] = base.get_config(self)
    if type(self).get_config is not _get_config:  # a subclass's own, which adds to this one
        return config
    args, kwargs = self._arguments
    bound = inspect.signature(type(self)).bind(*args, **kwargs)
    bound.apply_defaults()
    given = {**bound.arguments, **kwargs}
    names, common = argument_names(type(self)), argument_names(base)
    if not set(common) <= set(names):  # it hands none on
        config = {name: value for name, value in config.items() if name in names}
    return {**config, **{n: given[n] for n in names if n not in common and n in given}}
