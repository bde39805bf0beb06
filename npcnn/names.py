"""What a public module answers when it is asked for a name that it does not hold."""

from __future__ import annotations

import difflib
import importlib
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

NONE: Mapping[str, str] = MappingProxyType({})


def lookup(
    module: str, names: Sequence[str], elsewhere: Mapping[str, str] = NONE
) -> Callable[[str], Any]:
    """Return a module's `__getattr__`: it fetches late names, and helps with those it has not.

    For a misspelt one it suggests the near one; of one that Keras has it says why it is not here.

    A module defines it under ``if not TYPE_CHECKING:``, for to a type checker a module that has
    `__getattr__` holds every name, misspelt or not.

    Args:
        module: its name.
        names: what it holds, its `__all__`.
        elsewhere: name → module to import it from when it is first asked for, or that module.

    >>> import npcnn
    >>> npcnn.Sequental
    Traceback (most recent call last):
    AttributeError: module 'npcnn' has no attribute 'Sequental'; perhaps 'Sequential' was meant
    >>> npcnn.optimizers.Lamb
    Traceback (most recent call last):
    AttributeError: module 'npcnn.optimizers' has no attribute 'Lamb': it is for models far \
larger than those that npcnn is for
    """

    def find(name: str) -> Any:
        if name in elsewhere:
            home = importlib.import_module(elsewhere[name])
            return home if home.__name__ == f"{module}.{name}" else getattr(home, name)
        said = hint = ""
        if not name.startswith("_"):
            from npcnn.absent import reason

            near, why = difflib.get_close_matches(name, names, n=1), reason(module, name)
            said = f": {why}" if why else ""
            hint = f"; perhaps {near[0]!r} was meant" if near else ""
        text = f"module {module!r} has no attribute {name!r}{said}{hint}"
        # With an object given, Python would print its own suggestion behind this one.
        raise AttributeError(text, name=name, obj=None)

    return find


def snake_case(name: str) -> str:
    """Return a class name as Keras names its layers.

    >>> snake_case("MaxPooling2D"), snake_case("ReLU")
    ('max_pooling2d', 're_lu')
    """
    spaced = re.sub(r"\W+", "", name)
    spaced = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", spaced)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()


class _Counts(threading.local):
    """How often a name was given in this thread; each counts for itself, as in Keras."""

    def __init__(self) -> None:
        self.given: Counter[str] = Counter()


_counts = _Counts()


def auto_name(kind: str) -> str:
    """Return the name of an object that was given none: its class's, counted over the process.

    Keras counts the same way, from construction on, and begins anew with `clear_session`.

    >>> forget_names()
    >>> auto_name("MaxPooling2D"), auto_name("MaxPooling2D")
    ('max_pooling2d', 'max_pooling2d_1')
    """
    base = snake_case(kind)
    count = _counts.given[base]
    _counts.given[base] += 1
    return f"{base}_{count}" if count else base


@contextmanager
def uncounted() -> Iterator[None]:
    """Let names that are made up within not count: what Keras makes no objects for."""
    before = _counts.given.copy()
    try:
        yield
    finally:
        _counts.given = before


def forget_names() -> None:
    """Let `auto_name` begin anew, in all threads."""
    global _counts
    _counts = _Counts()
