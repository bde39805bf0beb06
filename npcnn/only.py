"""Attributes that take things of one kind: what else a program puts there is refused at once."""

from __future__ import annotations

import operator
from types import FunctionType
from typing import Any

import numpy as np

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


class Kept:
    """What has methods and truths in its class: an attribute in their place is one, too.

    >>> class Door(Kept):
    ...     locked = False
    ...     def open(self):
    ...         return not self.locked
    >>> door = Door()
    >>> door.locked = True
    >>> door.open = None
    Traceback (most recent call last):
    npcnn.checks.DtypeError: Door.open: expected a function, got None; it is a method: give what \
you keep there another name.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        there = getattr(type(self), name, None)
        if isinstance(there, FunctionType) and not callable(value):
            what, fix = "a function", "it is a method: give what you keep there another name"
        elif there is False and value is not None and not isinstance(value, (bool, np.bool_)):
            what, fix = "True or False", "give what you keep there another name"
        else:
            super().__setattr__(name, value)
            return
        where = f"{type(self).__name__}.{name}"
        raise DtypeError(message(where, what, shown(value), fix))


def truth(thing: Any, name: str, value: Any) -> bool:
    """Return what an attribute that is true or false is given; a text or an array is neither."""
    if value is None or isinstance(value, (int, np.bool_)):
        return bool(value)
    where, fix = f"{type(thing).__name__}.{name}", "write one of them"
    raise DtypeError(message(where, "True or False", shown(value), fix))


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
