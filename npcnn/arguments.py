"""Arguments, checked where a call enters npcnn: the signature is the declaration.

``@checked`` reads a function's annotations, which type checkers read as well, and applies to each
argument the check that its annotation stands for::

    @checked
    def __init__(self, units: PositiveInt, padding: Padding = "valid", name: str | None = None):

* ``Annotated[int, positive_int]`` names its check: a function ``(value, where) → value`` that
  returns the argument in the one form that the body works with, or raises. Such are this file's
  names; a room may have its own.
* ``Literal["valid", "same"]`` is one of these names, in capitals or not.
* ``bool``, ``int``, ``float`` and ``str`` mean what they say: no NaN is a number, no number a text.
* ``X | None`` also takes None. ``Any`` is checked by the body, which knows more.

What a check returns takes the argument's place. What memory cannot hold is one line, too. Nothing
here is called within a training step.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
import typing
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import numpy as np

from npcnn import checks
from npcnn.checks import ArgumentError, DtypeError, message, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from npcnn.datasets import Augmenter
    from npcnn.inspection import Recording, Trace
    from npcnn.layers import Layer
    from npcnn.model import Model

Check = Callable[[Any, str], Any]
F = TypeVar("F", bound=Callable[..., Any])


def checked(function: F) -> F:
    """Return a function that checks its arguments as its annotations say, then does its work.

    >>> @checked
    ... def repeat(what: str, times: PositiveInt = 2) -> str:
    ...     return what * times
    >>> repeat("ab", times=1.5)
    Traceback (most recent call last):
    npcnn.checks.ArgumentError: repeat(times): expected a positive integer, got 1.5; give a whole \
number of 1 or more.
    """
    plan: list[tuple[str, int, Check, Any]] = []
    own = function.__name__
    for parameter, annotation in function.__annotations__.items():
        if str(annotation).startswith("Unpack["):  # of npcnn/keywords.py, for type checkers alone
            function.__annotations__[parameter] = "Any"

    @functools.wraps(function)
    def enter(*args: Any, **kwargs: Any) -> Any:
        if not plan:
            plan.extend(_plan(function))
        name = type(args[0]).__name__ if own in ("__init__", "__call__") else own
        given = list(args)
        for parameter, place, check, default in plan:
            where = f"{name}({parameter})"
            if place < len(given):
                given[place] = check(given[place], where)
            elif parameter in kwargs:
                kwargs[parameter] = check(kwargs[parameter], where)
            elif default is not inspect.Parameter.empty:
                kwargs[parameter] = check(default, where)
        try:
            return function(*given, **kwargs)
        except MemoryError as error:
            fix = "make less: a smaller model, smaller batches"
            got = str(error) or "more"
            raise ArgumentError(message(name, "what fits into memory", got, fix)) from error

    enter.declared = True  # type: ignore[attr-defined]  # tests ask
    return typing.cast(F, enter)


def _plan(function: Callable[..., Any]) -> list[tuple[str, int, Check, Any]]:
    """Return name, place, check and default of each parameter that has a check.

    A default that a check leaves as it is needs none: it is left out.
    """
    plan: list[tuple[str, int, Check, Any]] = []
    for number, (name, p) in enumerate(inspect.signature(function).parameters.items()):
        if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
            continue
        check = check_of(p.annotation, function.__globals__)
        if check is not None:
            place = sys.maxsize if p.kind is p.KEYWORD_ONLY else number
            settled = check is checks.flag or (
                p.default is None and getattr(check, "func", None) is _optional
            )
            plan.append((name, place, check, p.empty if settled else p.default))
    return plan


def check_of(annotation: Any, names: dict[str, Any]) -> Check | None:
    """Return the check that an annotation stands for; None for Any and for none at all.

    Args:
        annotation: what stands in a signature, or its text.
        names: of the module it stands in.
    """
    if isinstance(annotation, str):
        annotation = eval(annotation, names)  # of npcnn's own source, or a subclass's
    if annotation in (Any, inspect.Parameter.empty):
        return None
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return parts[1]
    if origin is Literal:
        return functools.partial(_literal, parts)
    if origin in (typing.Union, types.UnionType):
        others = [part for part in parts if part is not type(None)]
        if len(others) == 1 and len(parts) == 2:
            inner = check_of(others[0], names)
            return None if inner is None else functools.partial(_optional, inner)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    raise TypeError(f"no check for {annotation}: write it as Annotated[…, check]")


_PLAIN: dict[Any, Check] = {
    bool: checks.flag, int: checks.whole, float: checks.number, str: checks.text,
}  # fmt: skip


def _literal(choices: tuple[str, ...], value: Any, where: str) -> str:
    return checks.one_of(value.lower() if isinstance(value, str) else value, choices, where)


def _optional(check: Check, value: Any, where: str) -> Any:
    return None if value is None else check(value, where)


def argument_names(cls: type) -> list[str]:
    """Return the names of all arguments that a class takes, its own before its bases'.

    >>> class Point:
    ...     def __init__(self, x: int, **rest) -> None: ...
    >>> argument_names(Point)
    ['x']
    """
    names: list[str] = []
    for base in cls.__mro__:
        if "__init__" in vars(base) and base is not object:
            parameters = _parameters(vars(base)["__init__"])[1:]
            names += [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
            if all(p.kind is not p.VAR_KEYWORD for p in parameters):
                break
    return list(dict.fromkeys(names))


@functools.lru_cache(256)  # each save asks it of every layer, and a signature is slow to be made
def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


def show_default(cls: type, **defaults: Any) -> None:
    """Let a class's signature show other defaults than its base's constructor has.

    >>> class Point:
    ...     def __init__(self, name: str | None = None) -> None: ...
    >>> show_default(Point, name="point")
    >>> inspect.signature(Point)
    <Signature (name: 'str | None' = 'point') -> 'None'>
    """
    cls.__signature__ = _Shown(defaults)  # type: ignore[attr-defined]


class _Shown:
    """A class's signature, made when it is asked for: a dataclass has its constructor late."""

    def __init__(self, defaults: dict[str, Any]) -> None:
        self.defaults = defaults

    def __get__(self, thing: Any, cls: Any) -> inspect.Signature:
        if thing is not None:
            raise AttributeError("__signature__")
        signature = inspect.signature(cls.__init__)
        own = list(signature.parameters.values())[1:]
        shown_ones = [p.replace(default=self.defaults.get(p.name, p.default)) for p in own]
        return signature.replace(parameters=shown_ones)


def config_of(config: Any, where: str) -> dict[str, Any]:
    """Return a dict of arguments, or raise DtypeError."""
    if not isinstance(config, dict) or not all(isinstance(name, str) for name in config):
        fix = "give what get_config() returned"
        raise DtypeError(message(where, "a dict of arguments", shown(config), fix))
    return config


def arguments_of(cls: type, config: Any, where: str) -> dict[str, Any]:
    """Return the arguments in a config, all of them names that the class takes, or raise an error.

    >>> class Point:
    ...     def __init__(self, x: int) -> None: ...
    >>> arguments_of(Point, {"x": 1}, "Point.from_config(config)")
    {'x': 1}
    """
    config = config_of(config, where)
    parameters = inspect.signature(cls).parameters.values()
    named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    names = [p.name for p in named]
    if len(named) == len(parameters):  # else further names are a base's business
        for name in config:
            checks.one_of(name, names, where)
    missing = [p.name for p in named if p.default is p.empty and p.name not in config]
    if missing:
        fix = "give what get_config() returned"
        expected = f"{', '.join(missing)} among the arguments"
        raise ArgumentError(message(where, expected, shown(config), fix))
    return config


def instance(module: str, name: str, fix: str) -> Check:
    """Return the check that an argument is an object of a class, which need not be loaded yet."""

    def check(value: Any, where: str) -> Any:
        cls = getattr(sys.modules.get(module), name, None)
        if cls is None or not isinstance(value, cls):
            raise DtypeError(message(where, f"a {name}", shown(value), fix))
        return value

    return check


def function_of(value: Any, where: str) -> Any:
    """Return a function, or whatever else can be called; DtypeError otherwise."""
    if not callable(value):
        raise DtypeError(message(where, "a function", shown(value), "give a function or a lambda"))
    return value


def verbosity(value: Any, where: str) -> int:
    """Return 0, 1 or 2; 'auto' is 1, and so is True. Raises ArgumentError otherwise."""
    if isinstance(value, bool) or (checks.is_whole(value) and value in (0, 1, 2)):
        return int(value)
    if isinstance(value, str) and value == "auto":
        return 1
    fix = "0 prints nothing, 1 a bar, 2 a line an epoch"
    raise ArgumentError(message(where, "0, 1, 2 or 'auto'", shown(value), fix))


def monitored(value: Any, where: str) -> str:
    """Return the name of a number in the history, or raise ArgumentError."""
    fix = "name a number that the run reports, such as 'val_loss'"
    if not isinstance(value, str) or not value:
        raise ArgumentError(message(where, "a name", shown(value), fix))
    return checks.text(value, where, fix)


def save_frequency(value: Any, where: str) -> int:
    """Return how many steps from one file to the next; 0 for 'epoch'."""
    fix = "'epoch', or a number of steps"
    return (
        0 if isinstance(value, str) and value == "epoch" else checks.positive_int(value, where, fix)
    )


def validation_epochs(value: Any, where: str) -> int | list[int]:
    """Return how many epochs from one validation to the next, or the numbers of such epochs."""
    fix = "2 is every other epoch, [1, 10] the first and the tenth"
    if isinstance(value, list):
        return [checks.positive_int(one, where, fix) for one in value]
    return checks.positive_int(value, where, fix)


def name_or_place(value: Any, where: str) -> Any:
    """Return a layer's name or its place, or raise DtypeError."""
    if isinstance(value, str) or checks.is_whole(value):
        return value
    fix = "give a layer's name, or its place counted from 0"
    raise DtypeError(message(where, "a name or a place", shown(value), fix))


def channels_last(value: Any, where: str) -> None:
    """Raise ArgumentError for another order of axes than Keras's default."""
    if not (value is None or (isinstance(value, str) and value == "channels_last")):
        fix = "move the channels to the last axis"
        raise ArgumentError(message(where, "'channels_last'", shown(value), fix))


def sequence(value: Any, where: str) -> list[Any]:
    """Return a list, tuple, range or array as a list, or raise DtypeError."""
    if isinstance(value, (list, tuple, range)) or (isinstance(value, np.ndarray) and value.ndim):
        return list(value)
    raise DtypeError(message(where, "a list", shown(value), "put the values in a list"))


def up_to_one(value: Any, where: str, fix: str) -> float:
    """Return a number from 0 to 1, or raise ArgumentError."""
    if checks.is_number(value) and 0 <= value <= 1:
        return float(value)
    raise ArgumentError(message(where, "a number from 0 to 1", shown(value), fix))


def times(value: Any, where: str) -> float:
    """Return how many times the usual a file may cost: a number above 0; see docs/files.md."""
    return checks.positive(value, where, "1 is the usual")


def least_variance(value: Any, where: str) -> float:
    """Return what is added to a variance: above 0 in float32, too, or none may be divided by."""
    fix = "0.001 is Keras's"
    if checks.positive(value, where, fix) < 1e-37:
        raise ArgumentError(message(where, "a number above 1e-37", shown(value), fix))
    return float(value)


def passed_over(value: Any, where: str) -> Any:
    """Warn of an argument that programs give and that changes nothing here, unless it is off."""
    if value is not None and value is not False and not (checks.is_number(value) and value == 0):
        text = f"{where}: {shown(value)} is passed over"
        warnings.warn(text, checks.NpcnnWarning, stacklevel=4)
    return value


def anything(value: Any, where: str) -> Any:
    """Return a value that may be of any kind, as it is."""
    return value


Anything = Annotated[Any, anything]
PositiveInt = Annotated[int, checks.positive_int]
ValidationEpochs = Annotated[int | list[int], validation_epochs]
Count = Annotated[int, checks.count]
NonNegative = Annotated[float, checks.non_negative]
Fraction = Annotated[float, checks.fraction]
Pair = Annotated[Any, checks.positive_pair]  # in: an integer or two, out: (int, int)
Times = Annotated[float, times]
Path = Annotated[Any, checks.path]
Numbers = Annotated[Any, checks.as_numbers]
Arrays = Annotated[Any, checks.arrays_in]  # for a model of several inputs a list or a dict
Epsilon = Annotated[float, least_variance]
Verbose = Annotated[Any, verbosity]
WhichLayer = Annotated[Any, name_or_place]
Listed = Annotated[Any, sequence]
Monitor = Annotated[str, monitored]
SaveFreq = Annotated[Any, save_frequency]  # out: 0 for 'epoch', else a number of steps
PassedOver = Annotated[Any, passed_over]
Config = Annotated[Any, config_of]
Function = Annotated[Callable[..., Any], function_of]
Padding = Literal["valid", "same"]
ChannelsLast = Annotated[Literal["channels_last"] | None, channels_last]
AModel = Annotated["Model", instance("npcnn.model", "Model", "give a Sequential or a Model")]
ALayer = Annotated["Layer", instance("npcnn.layers", "Layer", "make one, such as layers.Dense(3)")]
ATrace = Annotated["Trace", instance("npcnn.inspection", "Trace", "give what npcnn.trace returns")]
AFigure = Annotated[
    "Figure", instance("matplotlib.figure", "Figure", "give what a function of npcnn.plots returns")
]
ADistribution = Annotated[
    Any, instance("npcnn.distribution", "DataParallel", "give distribution.DataParallel()")
]
AnAugmenter = Annotated[
    "Augmenter", instance("npcnn.datasets.augmenter", "Augmenter", "give datasets.Augmenter(…)")
]
ARecording = Annotated[
    "Recording",
    instance("npcnn.inspection", "Recording", "give what npcnn.load_recording returns"),
]
