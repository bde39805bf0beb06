"""Attributes that take things of one kind: what else a program puts there is refused at once."""

from __future__ import annotations

from typing import Any

from npcnn.checks import DtypeError, message, shown


class Only:
    """An attribute of objects, which lies where it would without this.

    Args:
        kind: the class of what it takes.
        what: that in words.
        fix: what to do instead.
    """

    def __init__(self, kind: type, what: str, fix: str) -> None:
        self.kind, self.what, self.fix = kind, what, fix

    def __set_name__(self, cls: type, name: str) -> None:
        self.name = name

    def __get__(self, thing: Any, cls: Any = None) -> Any:
        if thing is None:
            return self
        try:
            return vars(thing)[self.name]
        except KeyError:
            text = f"{type(thing).__name__!r} object has no attribute {self.name!r}"
            raise AttributeError(text, name=self.name, obj=None) from None

    def __set__(self, thing: Any, value: Any) -> None:
        if not isinstance(value, self.kind):
            where = f"{type(thing).__name__}.{self.name}"
            raise DtypeError(message(where, self.what, shown(value), self.fix))
        vars(thing)[self.name] = value

    def __delete__(self, thing: Any) -> None:
        vars(thing).pop(self.name, None)


def only(kind: type, what: str, fix: str) -> Any:
    """Return such an attribute, of whatever type its annotation says.

    >>> class Box:
    ...     width: int = only(int, "an integer", "give a whole number")
    >>> box = Box()
    >>> box.width = 3
    >>> box.width
    3
    >>> box.width = "wide"
    Traceback (most recent call last):
    npcnn.checks.DtypeError: Box.width: expected an integer, got 'wide'; give a whole number.
    """
    return Only(kind, what, fix)
