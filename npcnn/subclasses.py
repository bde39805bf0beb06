"""What a class of the user's has to define, said in one line where it does not."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.checks import DtypeError, NpcnnError, StateError, message, shown
from npcnn.symbolic import Operation

_PAGE = "docs/extending.md shows one"


class MissingError(NpcnnError, NotImplementedError):
    """A class lacks a method that it has to define."""


def missing(thing: Any, method: str) -> MissingError:
    """Return the error for a method that a class did not define.

    >>> print(missing(3, "forward"))
    int: expected a method forward, got none; docs/extending.md shows one.
    """
    where = getattr(thing, "label", type(thing).__name__)
    return MissingError(message(where, f"a method {method}", "none", _PAGE))


class Kind:
    """What an attribute of a base class takes, whoever sets it.

    Args:
        types: of which its values are; () for a method, or for what is worked out.
        words: that in words.
        each: of which type, or types, what it holds is; None for any.
        none: whether None is taken too.
    """

    def __init__(
        self, types: tuple[type, ...], words: str, each: Any = None, none: bool = False
    ) -> None:
        self.types, self.words, self.each, self.none = types, words, each, none

    def fits(self, value: Any) -> bool:
        """Return whether an attribute may be this."""
        if not self.types:  # a layer, a metric, … can be called, but is no method
            return self is METHOD and callable(value) and not isinstance(value, (Open, Operation))
        if value is None:
            return self.none
        fits = isinstance(value, self.types) and (bool in self.types or not isinstance(value, bool))
        return fits and (self.each is None or all(isinstance(one, self.each) for one in value))

    def text(self, where: str, value: Any) -> str:
        """Return the error's text."""
        fix = "the base class uses that name: give what you keep there another one"
        return message(where, self.words + (" or None" if self.none else ""), shown(value), fix)


METHOD = Kind((), "a function")
TRUTH = Kind((bool, np.bool_), "True or False")
WORKED_OUT = Kind((), "nothing, for it is worked out")
OURS = Kind((), "nothing, for it is npcnn's own")  # npcnn puts it into vars(thing)
TEXTS = Kind((tuple, list), "texts in a tuple", str)
_HANDED_ALL = ("forward", "backward")  # the arguments with defaults, too
_BY_TYPE: dict[type, Kind] = {
    FunctionType: METHOD, classmethod: METHOD, staticmethod: METHOD, bool: TRUTH,
    str: Kind((str,), "a text"),
    int: Kind((int, np.integer), "an integer"), float: Kind((float, int, np.number), "a number"),
    tuple: Kind((tuple, list), "a tuple"), list: Kind((list,), "a list"),
    dict: Kind((Mapping,), "a dict"), set: Kind((set, frozenset), "a set"),
    frozenset: Kind((set, frozenset), "a set"), np.ndarray: Kind((np.ndarray,), "an array"),
}  # fmt: skip


def settle(base: Any, made: Any, **more: Kind) -> None:
    """Note what a base class and one of its objects have: what else is put there is refused.

    Args:
        base: the class.
        made: an object of it.
        more: what cannot be told from what they have, because that is empty or None.
    """
    base.begun = frozenset(vars(made))
    base._attribute_kinds = _kinds(*reversed(base.__mro__), made) | more


def _kinds(*things: Any) -> dict[str, Kind]:
    """Return what the public attributes of classes and objects take; the last one's holds."""
    found: dict[str, Any] = {}
    for thing in things:  # as inspect.getattr_static, a tenth of its time
        found |= vars(thing)
    public = {name: type(value) for name, value in found.items() if not name.startswith("_")}
    return {name: _BY_TYPE[kind] for name, kind in public.items() if kind in _BY_TYPE}


def kind_of(value: Any) -> Kind | None:
    """Return what an attribute takes that a class has this for; None if anything."""
    return _BY_TYPE.get(type(value))


def require_kind(thing: Any, name: str, kind: Kind, value: Any) -> None:
    """Raise DtypeError unless an object's attribute of a base class may be this."""
    where = f"{type(thing).__name__}.{name}"
    if not kind.fits(value):
        raise DtypeError(kind.text(where, value))
    if kind is not METHOD:
        return
    own = next((vars(k)[name] for k in type(thing).__mro__ if is_ours(k) and name in vars(k)), None)
    if not isinstance(own, FunctionType):
        return
    wanted = [p for p in _parameters(own)[1:] if p.kind is p.POSITIONAL_OR_KEYWORD]
    given = [p.name for p in wanted if p.default is p.empty or name in _HANDED_ALL]
    try:
        inspect.signature(value).bind(*given)
    except TypeError:
        expected = f"a function of ({', '.join(given)})"
        raise DtypeError(Kind((), expected).text(where, value)) from None
    except ValueError:  # some of C's have none
        return


def require_not_worked_out(thing: Any, name: str, value: Any) -> None:
    """Raise DtypeError if an attribute is one that nobody can set."""
    found = inspect.getattr_static(type(thing), name, None)
    if isinstance(found, property) and found.fset is None:
        where = f"{type(thing).__name__}.{name}"
        raise DtypeError(WORKED_OUT.text(where, value)) from None


def is_ours(cls: type) -> bool:
    """Return whether a class is npcnn's, and no program's."""
    return cls.__module__.partition(".")[0] == "npcnn"


class Open:
    """Base of what users write subclasses of: an override takes what npcnn will hand to it.

    Attributes:
        overridable: the names of such methods; the base's own have the arguments.
        begun: the names of what the base's __init__ puts into an object.
        _attribute_kinds: what each of the base's attributes takes (`settle`).

    >>> class Base(Open):
    ...     overridable = ("do",)
    ...     def do(self, x, y):
    ...         return x
    >>> class My(Base):
    ...     def do(self, x):
    ...         return x
    Traceback (most recent call last):
        ...
    npcnn.checks.DtypeError: class My: expected do(self, x, y), got do(self, x); take all, or *args.
    """

    overridable: tuple[str, ...] = ()
    begun: frozenset[str] = frozenset()
    _attribute_kinds: Mapping[str, Kind] = {}

    if not TYPE_CHECKING:  # or no misspelt attribute would be found

        def __setattr__(self, name: str, value: Any) -> None:
            """Refuse in one line what is of another kind than the base's attribute of that name."""
            kind = self._attribute_kinds.get(name)
            if kind is not None:
                require_kind(self, name, kind, value)
            try:
                super().__setattr__(name, value)
            except AttributeError:
                require_not_worked_out(self, name, value)
                raise

        def __getattr__(self, name: str) -> Any:
            """Say so in one line where a class forgets its base's __init__."""
            found = inspect.getattr_static(type(self), name, None)
            if isinstance(found, property):  # which raised an error of its own
                return found.fget(self)
            kind = type(self).__name__
            if name in self.begun:
                expected, fix = "super().__init__() called first", "begin __init__ with it"
                raise StateError(message(kind, expected, "no such call", fix))
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Look at the methods that the class defines."""
        super().__init_subclass__(**kwargs)
        if is_ours(cls) and cls._attribute_kinds:  # the base's are settled: a layer of npcnn's, …
            known = next(kind for kind in cls.__mro__[1:] if "_attribute_kinds" in vars(kind))
            own = [kind for kind in reversed(cls.__mro__) if kind not in known.__mro__]
            cls._attribute_kinds = {**cls._attribute_kinds, **_kinds(*own)}
        for name, value in () if is_ours(cls) else vars(cls).items():
            kind = cls._attribute_kinds.get(name)
            described = hasattr(value, "__get__") and kind is not OURS
            if kind is not None and not described and not kind.fits(value):
                raise DtypeError(kind.text(f"class {cls.__name__}, its {name}", value))
        for name in cls.overridable:
            base = next(kind for kind in reversed(cls.__mro__) if name in vars(kind))
            given = vars(cls).get(name)
            if base is not cls and inspect.isfunction(given):
                _compare(cls, name, vars(base)[name], given)


def require_takes(function: Any, names: Sequence[str], where: str) -> None:
    """Raise DtypeError for a function that cannot be called with as many arguments.

    >>> require_takes(lambda y_true: y_true, ("y_true", "y_pred"), "compile(loss)")
    Traceback (most recent call last):
        ...
    npcnn.checks.DtypeError: compile(loss): expected a function of (y_true, y_pred), got one of \
(y_true); take all, or *args.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some of C's have none
        return
    try:
        signature.bind(*names)
    except TypeError:
        got = f"one of ({', '.join(signature.parameters)})"
        expected, fix = f"a function of ({', '.join(names)})", "take all, or *args"
        raise DtypeError(message(where, expected, got, fix)) from None


def refuse(cls: type, names: tuple[str, ...], fix: str) -> None:
    """Raise DtypeError for a class that defines what nobody would call.

    >>> class Mine:
    ...     def train_step(self, data): ...
    >>> refuse(Mine, ("train_step",), "write a Callback")
    Traceback (most recent call last):
        ...
    npcnn.checks.DtypeError: class Mine: expected no train_step, got one; write a Callback.
    """
    for name in names:
        if name in vars(cls):
            where = f"class {cls.__name__}"
            raise DtypeError(message(where, f"no {name}", "one", fix))


def _compare(cls: type, name: str, base: Any, given: Any) -> None:
    wanted = [p.name for p in _parameters(base) if p.kind is not p.VAR_POSITIONAL]
    slots = getattr(cls, "slot_names", ())
    if len(wanted) < len(_parameters(base)) and isinstance(slots, tuple):
        wanted += slots
    try:
        inspect.signature(given).bind(*wanted)
    except TypeError:
        got = ", ".join(p.name for p in _parameters(given))
        expected, fix = f"{name}({', '.join(wanted)})", "take all, or *args"
        text = message(f"class {cls.__name__}", expected, f"{name}({got})", fix)
        raise DtypeError(text) from None


def _parameters(function: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())
