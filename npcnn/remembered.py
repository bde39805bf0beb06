"""What `get_config` returns: the arguments that an object was made with, as its class says them.

npcnn's own classes keep each as an attribute; what a user's class is given is remembered.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from npcnn.arguments import argument_names


class Remembering:
    """Base of what users write subclasses of without a `get_config`: it is made of the arguments.

    Keras does so for layers. A class of a user's that takes what no file holds writes its own
    `get_config`.

    Attributes:
        kept_as: in a class of npcnn's, argument → the attribute that holds it where that has
            another name; None for an argument that is in no config.
    """

    kept_as: ClassVar[Mapping[str, str | None]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class a `get_config`, if its own arguments would be lost without one."""
        super().__init_subclass__(**kwargs)
        cls._remember()

    @classmethod
    def _remember(cls) -> None:
        base = _base(cls)
        if base is not None and cls.get_config is base.get_config and "__init__" in vars(cls):
            cls.get_config = _get_config

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Keep the arguments."""
        cls._remember()  # once more: a dataclass has its `__init__` later than its subclass hook
        self = super().__new__(cls)
        if cls.get_config is _get_config:
            vars(self)["_arguments"] = _copied(args), _copied(kwargs)
        return self

    get_config: Any
    _arguments: tuple[tuple[Any, ...], dict[str, Any]]


def _copied(value: Any) -> Any:
    """Return lists and dicts as they are now: an __init__ may take out of what it is given."""
    if type(value) in (list, tuple, set):
        return type(value)(_copied(one) for one in value)
    return {k: _copied(v) for k, v in value.items()} if type(value) is dict else value


def kept(thing: Any, base: type = object) -> dict[str, Any]:
    """Return the arguments that the class of npcnn's that an object is of has beside its base's.

    >>> from npcnn import losses
    >>> kept(losses.Huber(2.0), losses.Loss)
    {'delta': 2.0}
    """
    kind: Any = next(k for k in type(thing).__mro__ if _is_npcnns(k))
    common = argument_names(base)
    known: Mapping[str, str | None] = getattr(kind, "kept_as", {})
    places = {name: known.get(name, name) for name in argument_names(kind)}
    return {
        name: getattr(thing, place)
        for name, place in places.items()
        if place is not None and name not in common
    }


def _is_npcnns(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "npcnn"


def _base(cls: type) -> Any:
    """Return the class of npcnn's that a user's class is made from; None for npcnn's own."""
    kinds = [k for k in cls.__mro__ if _is_npcnns(k)]
    return None if cls in kinds else kinds[0]


def _get_config(self: Any) -> dict[str, Any]:
    """Return the arguments that make this object again."""
    base = _base(type(self))
    config: dict[str, Any] = base.get_config(self)
    if type(self).get_config is not _get_config:  # a subclass's own, which adds to this one
        return config
    args, kwargs = self._arguments
    bound = inspect.signature(type(self).__init__).bind(self, *args, **kwargs)
    bound.apply_defaults()
    given = {**bound.arguments, **kwargs}
    names, common = argument_names(type(self)), argument_names(base)
    if not set(common) <= set(names):  # it hands none on
        config = {name: value for name, value in config.items() if name in names}
    return {**config, **{n: given[n] for n in names if n not in common and n in given}}
