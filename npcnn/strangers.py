"""What a user's classes depend on besides arrays: attributes, class attributes, globals, closures.

A step that is played from notes does not look at them. So they are copied when it is written down,
and compared with the copies whenever somebody is about to repeat it (`npcnn/repeated.py`).
"""

from __future__ import annotations

import collections
import copy
import functools
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

# Values in containers, kilobytes of arrays and names that are looked after; with more of them, a
# step is not played.
MOST = 1 << 16
_LIBRARIES = {"numpy", "numba", "llvmlite", "npcnn"}
_SIMPLE = {int, bool, str, bytes, type(None)}
_CONTAINERS = (list, tuple, set, frozenset, collections.deque)
_WRAPPED = (staticmethod, classmethod, property, functools.partial, MethodType)
_WITHIN = ("__func__", "__self__", "fget", "func", "args", "keywords")
_METHODS = ("forward", "backward", "update", "losses_and_gradient", "values", "gradient")


def own(thing: Any) -> bool:
    """Return whether an object's class is one of npcnn's, with the methods that it came with."""
    kind = type(thing)
    methods = (getattr(kind, name, None) for name in _METHODS)
    return _top(kind) == "npcnn" and all(m is None or _top(m) == "npcnn" for m in methods)


def among(things: list[Any]) -> bool:
    """Return whether one of the objects, or something that one holds, is a user's."""
    return any(not own(thing) or any(map(_foreign, _attributes(thing))) for thing in things)


def copied(array: Any) -> Any:
    """Return what somebody may write into without harm.

    While a step is written down, results of ops (`Watched`) refuse to be written into.
    """
    return array.copy(order="K") if type(array) is np.ndarray else array


def lent(thing: Any, array: Any) -> Any:
    """Return a copy for a user's object; npcnn's own write into nothing that they are given."""
    return array if own(thing) else copied(array)


class Left:
    """What a pass leaves in a user's layer, and in the layers and objects that it holds.

    Args:
        thing: before the pass; `look` is called after it.
    """

    def __init__(self, thing: Any) -> None:
        self.places = [vars(one) for one in _held(thing)]
        self.before = [_state(place) for place in self.places]
        self.after: list[dict[str, Any]] = []

    def look(self) -> None:
        """Take note of what is otherwise now."""
        pairs = zip(self.places, self.before, strict=True)
        self.after = [
            {name: v for name, v in _state(place).items() if v is not old.get(name, self)}
            for place, old in pairs
        ]
        self.before = []

    def put(self) -> Left:
        """Put it back; return what puts back what is there instead."""
        other = copy.copy(self)
        other.after = [
            {name: _state(place)[name] for name in after if name in place}
            for place, after in zip(self.places, self.after, strict=True)
        ]
        for place, after in zip(self.places, self.after, strict=True):
            for name, value in after.items():
                if name == "_kept":
                    place[name][0] = value
                else:
                    place[name] = value
        return other


def _state(place: dict[str, Any]) -> dict[str, Any]:
    return {**place, "_kept": place["_kept"][0]} if "_kept" in place else dict(place)


def _held(thing: Any) -> list[Any]:
    """Return an object, and the layers and users' objects that it holds."""
    found: dict[int, Any] = {}
    todo = [thing]
    while todo:
        one = todo.pop()
        if id(one) not in found:
            found[id(one)] = one
            held = filter(_has_attributes, _attributes(one))
            todo += [p for p in held if "_kept" in vars(p) or (not own(p) and _is_of_interest(p))]
    return list(found.values())


def _attributes(thing: Any) -> Iterator[Any]:
    """Yield what an object holds, but for the record of its calls, of which there may be many."""
    for name, value in vars(thing).items():
        if name != "_inbound_nodes":
            yield from _parts(value)


def _top(thing: Any) -> str:
    """Return the package that a class or a function is of."""
    return str(getattr(thing, "__module__", "")).partition(".")[0]


def _foreign(value: Any) -> bool:
    if isinstance(value, (FunctionType, *_WRAPPED)):
        return _top(getattr(value, "func", value)) != "npcnn"
    return _has_attributes(value) and not own(value)


def _has_attributes(value: Any) -> bool:
    return hasattr(value, "__dict__") and not isinstance(value, (type, ModuleType))


def _parts(value: Any) -> Iterator[Any]:
    """Yield a value, or those that a container is made of."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, _CONTAINERS):
        for part in value:
            yield from _parts(part)
    else:
        yield value


class _TooMuchError(Exception):
    """There is more than can be looked after."""


class _Space:
    """Names in one place, and copies of what they stood for.

    Args:
        label: the place in an error message.
        place: a dict, a class's mapping, or a function: what it has from outside.
        names: which names; None for all.
    """

    def __init__(self, label: str, place: Any, names: Iterable[str] | None = None) -> None:
        self.label, self.place, self.names = label, place, names
        self.let_be = {"_kept", "_handles", "__dict__", "__weakref__", "__doc__"}
        self.then: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """Return name → value, as they are now."""
        place = self.place
        if isinstance(place, FunctionType):
            place = _closure(place)
        names = list(place) if self.names is None else [n for n in self.names if n in place]
        return {name: place[name] for name in names if name not in self.let_be}


def _closure(function: FunctionType) -> dict[str, Any]:
    """Return the variables of outer functions that a function reads, and its defaults."""
    found: dict[str, Any] = {"its defaults": function.__defaults__}
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not there yet
            continue
    return found


class Outside:
    """Names and their values, as they were when this was made.

    Args:
        things: layers, loss, optimizer; what else they depend on is found.
        known: arrays that are no settings: the step's state and inputs.

    Attributes:
        objects: those that were found, `things` first.
        reason: why a step that depends on them may not be played; None if it may.
    """

    def __init__(self, things: list[Any], known: list[Any]) -> None:
        self.known, self.objects = known, list(things)
        self.reason: str | None = None
        self._spaces: list[_Space] = []
        self._size = 0
        self._held: dict[Any, Any] = {}  # what is known by its id must live
        self._chance = _chance()
        try:
            self._find(things)
            for space in self._spaces:
                space.then = self._copies(space)
        except _TooMuchError:
            self._spaces, self.reason = [], "its classes depend on more than can be looked after"

    def as_it_was(self) -> bool:
        """Return whether all names stand for what they stood for."""
        self._size = 0
        try:
            return all(self._copies(space) == space.then for space in self._spaces)
        except _TooMuchError:
            return False

    def settle(self, made: Callable[[Any], bool]) -> list[tuple[Any, str, Any]]:
        """Look at what a step changed; return (place, name, value) of what it keeps.

        A name that became an array of the program's is as good after a replay as before; any other
        change is one that a replay would not make.

        Args:
            made: whether the program made an array.
        """
        kept, self._size = [], 0
        if self._chance != _chance():
            self.reason = self.reason or "a class of the step's draws random numbers"
        for space in self._spaces:
            now = space.read()
            for name in {**now, **space.then}:
                value = now.get(name)
                if isinstance(value, np.ndarray) and made(value) and isinstance(space.place, dict):
                    kept.append((space.place, name, value))
                    space.let_be.add(name)
                    space.then.pop(name, None)
                elif name not in now or self._copy(value) != space.then.get(name):
                    self.reason = self.reason or f"{space.label} changes {name!r} in each step"
        return kept

    # Copies -------------------------------------------------------------------------------------

    def _copies(self, space: _Space) -> dict[str, Any]:
        return {name: self._copy(value) for name, value in space.read().items()}

    def _copy(self, value: Any, depth: int = 6) -> Any:
        """Return what equals another such copy if, and only if, the value is as good."""
        kind = type(value)
        if kind in _SIMPLE:
            return kind, value
        if isinstance(value, (float, complex, np.generic)):
            return kind, repr(value)
        if isinstance(value, np.ndarray):
            if any(np.may_share_memory(value, array) for array in self.known):
                return "an array of the step's"
            self._grow(value.nbytes >> 10)
            return kind, value.shape, value.dtype.str, value.tobytes()
        if isinstance(value, (*_CONTAINERS, dict)) and depth:
            self._grow(len(value))
            parts = [*value, *value.values()] if isinstance(value, dict) else value
            return kind, [self._copy(part, depth - 1) for part in parts]
        if isinstance(value, np.random.Generator):
            return kind, str(value.bit_generator.state)
        if isinstance(value, random.Random):
            return kind, value.getstate()
        self._held[id(value)] = value
        return kind, id(value)

    def _grow(self, size: int) -> None:
        self._size += size + 1
        if self._size > MOST:
            raise _TooMuchError

    # Where to look ------------------------------------------------------------------------------

    def _find(self, things: list[Any]) -> None:
        """Find the names that matter, from the objects on."""
        todo: list[tuple[Any, Any]] = [(thing, None) for thing in things]
        while todo:
            value, holder = todo.pop()
            if type(value) in _SIMPLE or id(value) in self._held:
                continue
            mine = own(value)
            if mine and own(holder) and holder is not None:
                continue  # what npcnn's own objects hold is never changed in place
            self._held[id(value)] = value
            self._grow(0)
            before = len(self._spaces)
            inside: list[Any] = []
            if isinstance(value, FunctionType):
                self._function(value)
            elif isinstance(value, _WRAPPED):
                inside = [getattr(value, name, None) for name in _WITHIN]
            elif isinstance(value, type):
                if _users(value.__module__):
                    self._add(value.__name__, value.__dict__)
            elif _has_attributes(value) and _is_of_interest(value):
                methods = [getattr(type(value), name, None) for name in _METHODS]
                inside = [*vars(value).values(), *type(value).__mro__, *methods]
                if not (mine and holder is None):
                    self._add(str(getattr(value, "name", type(value).__name__)), vars(value))
                    self.objects += [] if holder is None else [value]
            for space in self._spaces[before:]:
                inside += space.read().values()
            todo += [(part, value) for whole in inside for part in _parts(whole)]

    def _add(self, label: str, place: Any, names: Iterable[str] | None = None) -> None:
        self._spaces.append(_Space(label, place, names))

    def _function(self, function: FunctionType) -> None:
        """Look at the globals that a user's function reads, also those of modules, and closures."""
        code, module = function.__code__, str(function.__module__)
        if not _users(module) or "site-packages" in code.co_filename:
            return
        names = _names(code)
        self._add(module, function.__globals__, names)
        self._add(f"{function.__name__}()", function)
        todo = [function.__globals__]
        for space in todo:  # modules in modules: package.settings.count
            for name in names:
                value = space.get(name)
                if not isinstance(value, ModuleType) or not _users(value.__name__):
                    continue
                if not any(vars(value) is other for other in todo):
                    todo.append(vars(value))
                    self._add(value.__name__, vars(value), names)


def _is_of_interest(value: Any) -> bool:
    return own(value) or _users(type(value).__module__) or isinstance(value, SimpleNamespace)


def _users(module: str) -> bool:
    """Return whether a module is neither Python's nor of a library that keeps no settings."""
    top = module.partition(".")[0]
    return top not in _LIBRARIES and top not in sys.stdlib_module_names


def _names(code: CodeType) -> list[str]:
    """Return the names that code reads, that of functions within it too."""
    names = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= dict.fromkeys(_names(constant))
    return list(names)


def _chance() -> Any:
    """Return where the random numbers that everybody shares have come to."""
    state: Any = np.random.get_state(legacy=True)  # noqa: NPY002
    return state[1].tobytes(), state[2], random.getstate()
