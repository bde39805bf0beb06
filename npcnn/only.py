"""Attributes that take things of one kind: what else a program puts there is refused at once."""

from __future__ import annotations

import operator
from typing import Any

from npcnn.checks import DtypeError, message, shown


class Only:
    """What stands in a class's body for such an attribute.

    Once the class is made, a property stands there that is read without any Python in between: a
    model's call reads eight.

    Args:
        kind: the class of what it takes.
        what: that in words.
        fix: what to do instead.
    """

    def __init__(self, kind: type, what: str, fix: str) -> None:
        self.kind, self.what, self.fix = kind, what, fix

    def __set_name__(self, cls: type, name: str) -> None:
        place = f"_own_{name}"

        def put(thing: Any, value: Any) -> None:
            if not isinstance(value, self.kind):
                where = f"{type(thing).__name__}.{name}"
                raise DtypeError(message(where, self.what, shown(value), self.fix))
            vars(thing)[place] = value

        def remove(thing: Any) -> None:
            vars(thing).pop(place, None)

        setattr(cls, name, property(operator.attrgetter(place), put, remove))


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
