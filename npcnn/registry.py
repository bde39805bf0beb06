"""Classes and functions of the program's own that files may name: only what it has registered.

Nothing is ever imported by a name that a file holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

from npcnn.arguments import Anything, checked
from npcnn.checks import ArgumentError, DtypeError, FormatError, message, one_of, shown
from npcnn.symbolic import Operation

Thing = TypeVar("Thing")

_registered: dict[str, Any] = {}  # "package>name" → class or object
_handed_in: dict[str, Any] = {}  # name → class or object, while a scope holds


@checked
def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Thing], Thing]:
    """Let files name a class, or an activation, of the program's own: a decorator, as in Keras.

    Args:
        package: with the name it makes the key in files, 'package>name'.
        name: the class's own name if None.

    >>> from npcnn.layers import Layer
    >>> @register_keras_serializable("mine")
    ... class Doubled(Layer):
    ...     pass
    >>> registered_name(Doubled)
    'mine>Doubled'
    """
    for text, argument in ((package, "package"), ("x" if name is None else name, "name")):
        if not isinstance(text, str) or not text or ">" in text:
            where = f"register_keras_serializable({argument})"
            raise ArgumentError(message(where, "a text without '>'", shown(text), "give a name"))

    def register(thing: Thing) -> Thing:
        own = name or getattr(thing, "__name__", None) or str(thing)
        _registered[f"{package}>{own}"] = thing
        return thing

    return register


def registered_name(thing: Any) -> str | None:
    """Return the key under which a class or object is registered, or None."""
    return next((key for key, known in _registered.items() if known is thing), None)


def require_json(label: str, config: Mapping[str, Any]) -> None:
    """Raise FormatError for the first option of a config that a file cannot hold.

    >>> require_json("Mine 'mine'", {"units": 3, "pairs": [(1, "a")]})
    >>> require_json("Mine 'mine'", {"units": {3: {4}}})
    Traceback (most recent call last):
        ...
    npcnn.checks.FormatError: Mine 'mine'.units: expected numbers, texts, lists and dicts, which \
files hold, got a set; let get_config() return what is, and from_config() make it again, or use \
save_weights.
    """
    for option, value in config.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            odd = next(_unsayable(value), (None, None))[1]
            got, form = f"a {type(odd).__name__}", "what is"
            if isinstance(odd, Operation):
                form = "saving.serialize_keras_object() of it"
                got = f"the layer {getattr(odd, 'label', type(odd).__name__)}"
            elif odd is None:
                got = " ".join(str(error).split())
            fix = f"let get_config() return {form}, and from_config() make it again"
            expected = "numbers, texts, lists and dicts, which files hold"
            text = message(f"{label}.{option}", expected, got, f"{fix}, or use save_weights")
            raise FormatError(text) from error


def as_json(config: Any, where: str) -> str:
    """Return a config as JSON; FormatError says where in it something is that no file holds.

    >>> as_json({"seed": 3}, "save")
    '{"seed": 3}'
    """
    try:
        return json.dumps(config)
    except (TypeError, ValueError, RecursionError) as error:
        path, odd = next(_unsayable(config), ("", error))
        got = f"a {type(odd).__name__}" + (f" in {path}" if path else "")
        expected = "numbers, texts, lists and dicts, which files hold"
        fix = "give that attribute what get_config() can return"
        raise FormatError(message(where, expected, got, fix)) from error


def _unsayable(value: Any, path: str = "", depth: int = 30) -> Iterator[tuple[str, Any]]:
    """Yield what is neither a number nor a text in lists and dicts, and where it is."""
    if isinstance(value, (Mapping, list, tuple)) and depth:
        parts = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, part in parts:
            yield from _unsayable(part, f"{path}.{name}" if path else str(name), depth - 1)
    elif not isinstance(value, (str, bool, int, float, type(None), Mapping, list, tuple)):
        yield path, value


def _by_name(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        fix = "give {'Name': Name}"
        raise DtypeError(message(where, "a dict by name, or None", shown(value), fix))
    return value


Objects = Annotated[Mapping[str, Any], _by_name]


@contextmanager
@checked
def custom_object_scope(custom_objects: Objects | None) -> Iterator[None]:
    """Let files name these classes and functions inside the with-block.

    Args:
        custom_objects: name, as a file has it → class, or activation.

    >>> with custom_object_scope({"doubled": lambda x: 2 * x}):
    ...     get_registered_object("doubled")(2)
    4
    """
    before = dict(_handed_in)
    _handed_in.update(custom_objects or {})
    try:
        yield
    finally:
        _handed_in.clear()
        _handed_in.update(before)


CustomObjectScope = custom_object_scope


def get_custom_objects() -> dict[str, Any]:
    """Return the one dict of what is registered; what a program puts into it, files may name.

    >>> get_custom_objects()["doubled"] = lambda x: 2 * x
    >>> get_registered_object("doubled")(2)
    4
    >>> del get_custom_objects()["doubled"]
    """
    return _registered


@checked
def get_registered_name(obj: Anything) -> str:
    """Return the name that files have a class or function by: 'package>name', or its own.

    >>> get_registered_name(dict)
    'dict'
    """
    return registered_name(obj) or str(getattr(obj, "__name__", type(obj).__name__))


@checked
def get_registered_object(
    name: str, custom_objects: Objects | None = None, module_objects: Objects | None = None
) -> Any:
    """Return the class or function that a file means by a name; None for none.

    Args:
        name: 'package>name', or the own name of what was handed in.
        custom_objects: where to look after all that is registered.
        module_objects: where to look last.

    >>> get_registered_object("doubled", {"doubled": lambda x: 2 * x})(2)
    4
    """
    for known in (_handed_in, _registered, custom_objects or {}, module_objects or {}):
        if name in known:
            return known[name]
    return None


def custom(name: Any, key: Any = None) -> Any:
    """Return what the program calls by a name, or registered under a key; None for neither."""
    if not isinstance(name, str):
        return None
    own = name.split(">")[-1]
    for known, wanted in (
        (_handed_in, name),
        (_handed_in, own),
        (_registered, key),
        (_registered, name),
    ):
        if isinstance(wanted, str) and wanted in known:
            return known[wanted]
    same = [value for key, value in _registered.items() if key.split(">")[-1] == own]
    return same[0] if len(same) == 1 else None


def find(name: Any, known: Mapping[str, Any], where: str) -> Any:
    """Return what a name was handed in for, or npcnn's or the program's own of that name.

    ArgumentError for none of them.
    """
    if isinstance(name, str) and name in _handed_in:
        return _handed_in[name]
    if isinstance(name, str) and name in known:
        return known[name]
    own = custom(name) if isinstance(name, str) else None
    short = [word for word in known if word.islower()]
    return known[one_of(name, short, where)] if own is None else own


def function_config(function: Callable[..., Any]) -> dict[str, Any]:
    """Return a function as Keras writes it: by its name.

    >>> function_config(len)["config"]
    'len'
    """
    key = registered_name(function) or "function"
    name = getattr(function, "__name__", type(function).__name__)
    own = {"module": "builtins", "class_name": "function", "config": name}
    return {**own, "registered_name": key}


def serialization(
    room: str, known: Callable[[], Mapping[str, Any]], find_one: Callable[[Any, str], Any]
) -> tuple[Any, Any]:
    """Return Keras's `serialize` and `deserialize` for the objects of one of its modules.

    Args:
        room: the module, such as 'losses'.
        known: returns name → npcnn's own classes.
        find_one: returns the object that a config with npcnn's arguments, or a name, stands for.
    """

    @checked
    def serialize(obj: Anything) -> Any:
        """Return an object as Keras writes it: class name and arguments; a function by its name.

        >>> from npcnn import layers
        >>> layers.serialize(layers.Dense(3))["class_name"]
        'Dense'
        """
        if obj is None or isinstance(obj, str):
            return None if obj is None else str(obj)
        if isinstance(obj, type) or not (callable(obj) or hasattr(obj, "get_config")):
            where, fix = f"{room}.serialize(obj)", "make one of the class"
            raise DtypeError(message(where, "an object or a function", shown(obj), fix))
        if callable(obj) and not hasattr(obj, "get_config"):
            return function_config(obj)
        cls = type(obj)
        own_class = known().get(cls.__name__) is cls
        return {
            "module": f"keras.{room}" if own_class else cls.__module__,
            "class_name": cls.__name__,
            "config": obj.get_config(),
            "registered_name": None if own_class else registered_name(cls) or cls.__name__,
        }

    @checked
    def deserialize(config: Anything, custom_objects: Objects | None = None) -> Any:
        """Return the object that `serialize` wrote, or that a name stands for.

        Args:
            config: {'class_name': …, 'config': {…}}, or a name.
            custom_objects: name → class or function of your own, besides what is registered.

        >>> from npcnn import losses
        >>> losses.deserialize({"class_name": "Huber", "config": {"delta": 2.0}}).delta
        2.0
        """
        where = f"{room}.deserialize(config)"
        with custom_object_scope(custom_objects):
            if isinstance(config, Mapping) and isinstance(config.get("config"), str):
                return find_one(config["config"], where)  # a function
            return find_one(config, where)

    for function in (serialize, deserialize):
        function.__module__, function.__qualname__ = f"npcnn.{room}", function.__name__
    return serialize, deserialize


def made(config: Mapping[str, Any], known: Mapping[str, Any], base: type, where: str) -> Any:
    """Return the object of a class derived from `base` that a config describes."""
    name, options = config.get("class_name"), config.get("config")
    cls = known.get(name) if isinstance(name, str) else None
    cls = cls or custom(name, config.get("registered_name"))
    if not isinstance(cls, type) or not issubclass(cls, base) or not isinstance(options, dict):
        fix = "register it, or give it in custom_objects"
        expected = f"class and config of a {base.__name__}"
        raise ArgumentError(message(where, expected, shown(config), fix))
    dtype = options.get("dtype")
    if isinstance(dtype, dict):  # a policy of Keras's
        options = {**options, "dtype": (dtype.get("config") or {}).get("name")}
    return cls.from_config(options)  # type: ignore[attr-defined]
