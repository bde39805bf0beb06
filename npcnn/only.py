"""Attributes that take things of one kind: what else a program puts there is refused at once."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from npcnn.checks import DtypeError, message, shown
from npcnn.subclasses import TRUTH, is_ours, kind_of, require_kind, require_not_worked_out


class Only:
    """What stands in a class's body for such an attribute.

    Once the class is made, a property stands there that is read without any Python in between: a
    model's call reads eight.

    Args:
        kind: the class of what it takes, or several.
        what: that in words.
        fix: what to do instead.
    """

    def __init__(self, kind: Any, what: str, fix: str) -> None:
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
    """What has methods, truths, texts, … in its class: an attribute in their place is one, too.

    What a program's class has is its own matter.

    >>> class Door(Kept):
    ...     locked = False
    ...     def open(self):
    ...         return not self.locked
    >>> door = Door()
    >>> door.locked = True
    >>> door.open = None
    Traceback (most recent call last):
    npcnn.checks.DtypeError: Door.open: expected a function, got None; the base class uses that \
name: give what you keep there another one.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        own = next((k for k in type(self).__mro__ if is_ours(k) and name in vars(k)), Kept)
        kind = kind_of(vars(own).get(name))
        if kind is not None and not (kind is TRUTH and value is None):
            require_kind(self, name, kind, value)
        try:
            super().__setattr__(name, value)
        except AttributeError:
            require_not_worked_out(self, name, value)
            raise


def truth(thing: Any, name: str, value: Any) -> bool:
    """Return what an attribute that is true or false is given; a text or an array is neither."""
    if value is None or isinstance(value, (int, np.bool_)):
        return bool(value)
    where, fix = f"{type(thing).__name__}.{name}", "write one of them"
    raise DtypeError(message(where, "True or False", shown(value), fix))


def only(kind: Any, what: str, fix: str) -> Any:
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
