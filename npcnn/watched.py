"""Arrays that notice when Python takes numbers from them, while a step is written down.

A step that is played from notes runs no Python. What a user's class decides by a number in an
array, ``if x.mean() > 0``, would be decided once and for all. So a step with such a class in it is
written down on arrays of this kind: they do all that arrays do, and any way in which their numbers
leave for Python, or for NumPy, is told to the program, which is then not played.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from npcnn.garbage import no_collection

# Functions of NumPy that ask for nothing but shapes, or give another view.
_VIEWS = {
    np.shape, np.ndim, np.size, np.empty_like, np.zeros_like, np.ones_like, np.full_like,
    np.result_type, np.reshape, np.transpose, np.moveaxis, np.swapaxes, np.expand_dims,
    np.squeeze, np.broadcast_to, np.may_share_memory, np.shares_memory, np.copy,
}  # fmt: skip
# Methods that read numbers, or write some.
_READS = (
    "__array__", "__bool__", "__bytes__", "__complex__", "__contains__", "__deepcopy__",
    "__dlpack__",
    "__float__", "__format__", "__index__", "__int__", "__reduce__", "__reduce_ex__", "__repr__",
    "__setitem__", "__str__", "all", "any", "argmax", "argmin", "argpartition", "argsort",
    "byteswap", "choose", "clip", "compress", "cumprod", "cumsum", "dot", "dump", "dumps", "fill",
    "item", "max", "mean", "min", "nonzero", "partition", "prod", "put", "repeat", "round",
    "searchsorted", "setfield", "sort", "std", "sum", "take", "tobytes", "tofile", "tolist",
    "trace", "var", "__buffer__",
)  # fmt: skip
_PROPERTIES = ("__array_interface__", "__array_struct__", "base", "ctypes", "data", "flat")
# Built-in functions that make plain arrays of watched ones, or give another thing at each call.
_TOLD = {
    np.array, np.asarray, np.ascontiguousarray, np.asfortranarray, np.frombuffer, np.fromiter,
    np.copyto, next, print, input,
}  # fmt: skip
_NAMED = {"numpy", "numpy._core.multiarray", "numpy.core.multiarray", "builtins"}
_OUTSIDE = {"time", "posix", "nt", "io", "_io", "random", "_random", "datetime"}
_OURS = {"npcnn", "numba", "llvmlite"}
_KNOWN = {"builtins", "numpy", *_OURS}
_ITERATORS = {"memoryview", "nditer"}  # classes, whose calls are not told
_THROUGH = {
    "npcnn.watched",
    "npcnn.variables",
    "npcnn.layers.parameter",
}  # these act for whoever called them


class _Listening(threading.local):
    tell: Callable[[str], None] | None = None


_listening = _Listening()


class Watched(np.ndarray):
    """An array whose readers are told of, as long as somebody listens (`told`)."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Compute with plain arrays."""
        _tell(f"NumPy's {ufunc.__name__}")
        return getattr(ufunc, method)(*plain(inputs), **plain(options))

    def __array_function__(self, function: Any, kinds: Any, args: Any, kwargs: Any) -> Any:
        """Compute with plain arrays; a view of a watched array is watched."""
        result = function(*plain(args), **plain(kwargs))
        if function not in _VIEWS:
            _tell(f"NumPy's {function.__name__}")
            return result
        return watch(result) if isinstance(result, np.ndarray) else result

    def __getitem__(self, key: Any) -> Any:
        """Return a view, or a number, which is told."""
        found = super().__getitem__(plain(key))
        if not isinstance(found, np.ndarray):
            _tell("an index")
        return found

    def view(self, *kinds: Any, **options: Any) -> Any:
        """Return a view; one of another class is told."""
        found = super().view(*kinds, **options)
        if type(found) is not Watched:
            _tell("view()")
        return found


def _told_method(name: str) -> Callable[..., Any]:
    def method(self: Watched, *args: Any, **kwargs: Any) -> Any:
        _tell(f"{name.strip('_')}()")
        array = plain(self)
        if name == "__bytes__":
            return array.tobytes()
        return getattr(array, name)(*plain(args), **plain(kwargs))

    method.__name__ = name
    return method


def _told_property(name: str) -> property:
    def get(self: Watched) -> Any:
        _tell(name.strip("_"))
        return getattr(plain(self), name)

    def put(self: Watched, value: Any) -> None:  # `array.flat = …`
        _tell(name.strip("_"))
        setattr(plain(self), name, plain(value))

    return property(get, put)


for _name in _READS:
    if _name == "__bytes__" or hasattr(np.ndarray, _name):
        setattr(Watched, _name, _told_method(_name))
for _name in _PROPERTIES:
    setattr(Watched, _name, _told_property(_name))


def listening() -> bool:
    """Return whether somebody is told of reads in this Python thread."""
    return _listening.tell is not None


def watch(value: Any) -> Any:
    """Return an array, or the arrays in a tuple, list or dict, as watched ones."""
    return _mapped(value, lambda array: array if type(array) is Watched else array.view(Watched))


def plain(value: Any) -> Any:
    """Return a watched array, or those in a tuple, list or dict, as plain ones."""
    return _mapped(value, lambda array: _plain(array) if type(array) is Watched else array)


def _plain(array: Any) -> Any:
    """Return the very array that was watched, or a plain view."""
    base = _BASE.__get__(array)
    if type(base) is np.ndarray and _form(base) == _form(array):
        return base
    return np.ndarray.view(array, np.ndarray)


def _form(array: Any) -> tuple[Any, ...]:
    return array.shape, array.strides, array.dtype, address(array)


def address(array: Any) -> int:
    """Return where an array's first number lies."""
    return _INTERFACE.__get__(array)["data"][0]


_BASE: Any = np.ndarray.__dict__["base"]
_INTERFACE: Any = np.ndarray.__dict__["__array_interface__"]


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return the value with its arrays changed; itself if it has none that change."""
    if isinstance(value, np.ndarray):
        return change(value)
    if type(value) is dict:
        parts = [_mapped(part, change) for part in value.values()]
        same = all(one is other for one, other in zip(parts, value.values(), strict=True))
        return value if same else dict(zip(value, parts, strict=True))
    if type(value) is not list and not isinstance(value, tuple):
        return value
    parts = [_mapped(part, change) for part in value]
    if all(one is other for one, other in zip(parts, value, strict=True)):
        return value
    if type(value) is list:
        return parts
    return type(value)._make(parts) if hasattr(value, "_make") else tuple(parts)


@contextmanager
def told(tell: Callable[[str], None], things: list[Any], known: list[Any]) -> Iterator[None]:
    """Tell of what strangers' code reads in this Python thread.

    Args:
        tell: called with a line.
        things: whose attributes are watched meanwhile, where they are `known`.
        known: arrays, of the step's state, or views of these.
    """
    # What a collection calls, others' finalizers and callbacks, is not the step's.
    with no_collection():
        outer, own = _listening.tell, not sys.getprofile()
        _listening.tell = tell
        if own:
            sys.setprofile(_called)
        else:
            tell("a profile function that somebody set hides what classes call")
        try:
            with _attributes(things, known):
                yield
        finally:
            if own:
                sys.setprofile(None)
            _listening.tell = outer


@contextmanager
def _attributes(things: list[Any], known: list[Any]) -> Iterator[None]:
    """Have the known arrays watched in the objects' attributes; all are plain afterwards."""
    seen: dict[int, Any] = {}

    def swapped(array: Any) -> Any:
        if not any(np.may_share_memory(array, other) for other in known):
            return array
        return seen.setdefault(id(array), watch(array))

    before = []
    for thing in things:
        for name, value in list(vars(thing).items()):
            vars(thing)[name] = new = _mapped(value, swapped)
            before.append((vars(thing), name, value, new))
    try:
        yield
    finally:
        for attributes, name, value, new in before:
            if attributes.get(name) is new:
                attributes[name] = value
        for thing in things:
            for name, value in list(vars(thing).items()):
                if name == "_kept":  # the list itself is what programs know
                    value[0] = plain(value[0])
                else:
                    vars(thing)[name] = plain(value)


def _tell(what: str) -> None:
    """Tell of a read, if it is a stranger's; npcnn's own code knows what it reads."""
    if _listening.tell is not None:
        frame = _stranger(sys._getframe(1))
        if frame is not None:
            _listening.tell(f"{what} {_where(frame)} reads what is another in each step")


def _called(frame: Any, event: str, function: Any) -> None:
    """Look at what strangers call that is not Python: Python calls this at each call."""
    if _listening.tell is None or event not in ("call", "c_call"):
        return
    if event == "call":
        names = _ITERATORS.intersection(frame.f_code.co_names)
    else:
        names = {getattr(function, "__name__", "?")} if _is_told(function) else set()
    stranger = _stranger(frame) if names else None
    if stranger is not None:
        _listening.tell(f"{min(names)}() {_where(stranger)} does what no note says")


def _is_told(function: Any) -> bool:
    """Return whether a built-in function may do what no note says."""
    owner = getattr(function, "__self__", None)
    kind = owner if isinstance(owner, type) else type(owner)
    module = str(getattr(function, "__module__", None) or kind.__module__)
    top = module.partition(".")[0]
    if module in _NAMED:
        return function in _TOLD
    return top in _OUTSIDE or not (top in _KNOWN or top in sys.stdlib_module_names)


def _stranger(frame: Any) -> Any:
    """Return the frame of a stranger's that called, directly or through a library, or None."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        top = name.partition(".")[0]
        if not (name in _THROUGH or top == "numpy" or top in sys.stdlib_module_names):
            return None if top in _OURS else frame
        frame = frame.f_back
    return None


def _where(frame: Any) -> str:
    code = frame.f_code
    file = code.co_filename.rpartition(os.sep)[2]  # a path's functions would be told of themselves
    return f"in {code.co_name} ({file}, line {frame.f_lineno})"
