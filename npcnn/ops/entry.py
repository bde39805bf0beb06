"""How a function of `npcnn.ops` is entered: what it is given, what is noted of it, how it fails.

Plain arrays in, plain arrays out; with a `Tensor` among them a `Tensor`, with a symbolic tensor the
next one. Arrays meet in one dtype as in Keras, and what cannot be computed ends in one line.
"""

from __future__ import annotations

import functools
import inspect
import numbers
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import numpy as np

from npcnn import config
from npcnn.arguments import Check, check_of
from npcnn.checks import ArgumentError, DtypeError, NpcnnError, as_numbers, message, shown, whole
from npcnn.ops.dtypes import met, single
from npcnn.ops.tape import FUNCTIONS, NAMED, Back, Tensor, gradients
from npcnn.symbolic import is_symbolic, live, operators
from npcnn.variables import Answer, Variable, Weight, read

Array = np.ndarray
MANY = 1 << 16  # arrays in a list


class Recording:
    """What weights stand for while a layer's `call` is recorded, or only followed.

    Args:
        symbolic: whether it is called on symbolic tensors, to see which layers it calls.
        training: what layers in it are told that are told nothing by the `call`.
        step: the number of the step, for what they draw.
        probing: whether it is called to see what shape comes out, so that no state is to change.

    Attributes:
        weights: (layer, parameter) → its Tensor.
        losses: what `add_loss` was given.
        calls: layer → how often it was called.
    """

    def __init__(
        self, symbolic: bool = False, training: bool = False, step: Any = 0, probing: bool = False
    ) -> None:
        self.symbolic, self.training, self.step, self.probing = symbolic, training, step, probing
        self.weights: dict[tuple[int, str], Tensor] = {}
        self.losses: list[Tensor] = []
        self.calls: Counter[int] = Counter()

    def of(self, weight: Weight) -> Tensor:
        """Return the Tensor of a weight, the same each time until another value is assigned."""
        if self.symbolic:
            fix = "it is computed with numbers alone"
            raise DtypeError(message(weight.path, "no symbolic tensors", "some", fix))
        key = id(weight.layer), weight.key
        if key not in self.weights:
            learnt = weight.layer.declared[weight.key]
            value = weight.value if learnt else weight.value.copy()  # `call` may assign another
            self.weights[key] = Tensor(fixed(value))
        return self.weights[key]

    def forget(self, weight: Weight) -> None:
        """Let state be read anew, now that it has another value."""
        if not weight.layer.declared[weight.key]:
            self.weights.pop((id(weight.layer), weight.key), None)


def fixed(array: Array) -> Array:
    """Return an array's numbers so that a program cannot write into them."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


@contextmanager
def recording(own: Recording | None) -> Iterator[Recording | None]:
    """Let weights be Tensors within; with None, let them be arrays again."""
    token = live.set(own)
    try:
        yield own
    finally:
        live.reset(token)


def recorded_now() -> Recording | None:
    """Return the recording of a `call` on numbers that is being made, if there is one."""
    own = live.get()
    return None if own is None or own.symbolic else own


def add_loss(loss: Any, where: str) -> None:
    """Note what a layer's `call` adds to the loss."""
    own = recorded_now()
    if own is None or is_symbolic(loss):
        fix = "compute it in call(), from what that is given"
        raise DtypeError(message(f"{where}.add_loss()", "a number, in call()", shown(loss), fix))
    for one in loss if isinstance(loss, (list, tuple)) else [loss]:
        own.losses.append(one if isinstance(one, Tensor) else Tensor(np.asarray(plain(one))))


def plain(value: Any) -> Any:
    """Return what a function computes with: arrays as they are, lists as arrays, numbers weak."""
    if isinstance(value, Variable):
        value = read(value)
    if isinstance(value, Tensor):
        return value.value
    if isinstance(value, np.generic):  # NumPy's numbers count as Python's, as in Keras
        value = value.item()
    if isinstance(value, (bool, int, float)):
        kind = bool if isinstance(value, bool) else int if isinstance(value, int) else float
        return kind(value)
    if type(value) is np.ndarray and value.dtype.kind in "fiub":
        return value
    if isinstance(value, np.ma.MaskedArray):
        as_numbers(value, "npcnn.ops")
    array = _listed(value) if isinstance(value, (list, tuple, range)) else np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise DtypeError(message("npcnn.ops", "numbers", shown(value), "give arrays or numbers"))
    return array.view(np.ndarray)


def _listed(value: Any) -> Array:
    """Return a list as an array: of Python's floats floatx, of its whole numbers int32."""
    first, depth = value, 0
    while isinstance(first, (list, tuple, range)) and len(first) and depth < 64:
        first, depth = first[0], depth + 1
    array = np.asarray(value)
    if hasattr(first, "dtype"):
        return array
    if array.dtype == np.int64 and (
        not array.size or -(2**31) <= array.min() <= array.max() < 2**31
    ):
        return array.astype("int32")
    return array.astype(config.floatx()) if array.dtype == np.float64 else array


def strong(x: Any) -> Array:
    """Return numbers as an array: Python's as float32, int32 or bool."""
    return met([plain(x)])[0]


def op(
    arrays: int = 1, listed: bool = False, meet: bool | int = True
) -> Callable[[Any], Callable[..., Any]]:
    """Make a function of `npcnn.ops` of one that returns a value, and how to go back from it.

    Args:
        arrays: how many of its arguments, the first, are numbers.
        listed: whether the first is a list of them.
        meet: from which of them on they are brought to one dtype; False for none.
    """

    def wrap(function: Callable[..., tuple[Any, Back | None]]) -> Callable[..., Any]:
        signature = inspect.signature(function)
        names = list(signature.parameters)[:arrays]
        optional = {name for name in names if signature.parameters[name].default is None}
        first = None if meet is False else int(meet is not True and meet)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            how = signature.bind(*args, **kwargs).arguments
            given = [how.pop(name) for name in names if name in how]
            while len(given) > arrays - len(optional) and given[-1] is None:
                given.pop()
            given = _listed_arrays(given[0], function.__name__) if listed else given
            if is_symbolic(given):
                return operators["function"](entered, given, how, listed)
            return run(function, given, how, listed, first)

        entered = listed_in(function.__module__)(call)
        FUNCTIONS[function.__name__] = entered
        return entered

    return wrap


def formula(
    arrays: int = 1, listed: bool = False, taken: Callable[[Any], Array] = np.asarray,
    meet: bool | int = True,
) -> Callable[[Any], Callable[..., Any]]:  # fmt: skip
    """Make a function of `npcnn.ops` of one that is written in others, gone back through as one.

    Args:
        arrays: as in `op`.
        listed: likewise.
        taken: what numbers are made before.
        meet: as in `op`.
    """

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def computed(*values: Any, **how: Any) -> tuple[Any, Back | None]:
            given = values[0] if listed else values[:arrays]
            starts = [None if one is None else Tensor(taken(one)) for one in given]
            rest = values[1:] if listed else values[arrays:]
            y = function(starts, *rest, **how) if listed else function(*starts, *rest, **how)
            if not isinstance(y, Tensor):
                return y, None

            def back(g: Array) -> tuple[Array | None, ...]:
                found = gradients([(y, np.asarray(g))])
                return tuple(None if one is None else found.get(one) for one in starts)

            return y.value, back

        return op(arrays, listed, meet)(computed)

    return wrap


def listed_in(room: str) -> Callable[[Any], Any]:
    """Mark a function as one of `npcnn.ops`; what it cannot compute ends in one line."""

    def mark(function: Any) -> Any:
        name, plan = function.__name__, list[Any]()

        @functools.wraps(function)
        def entered(*args: Any, **kwargs: Any) -> Any:
            if not plan:
                plan.append(_checks(function))
            try:
                for place, argument, check in plan[0]:
                    where = f"ops.{name}({argument})"
                    if place < len(args):
                        args = (*args[:place], check(args[place], where), *args[place + 1 :])
                    elif argument in kwargs:
                        kwargs[argument] = check(kwargs[argument], where)
                return function(*args, **kwargs)
            except NpcnnError:
                raise
            except Exception as error:
                got = ", ".join([*map(_told, args), *(f"{k}={_told(kwargs[k])}" for k in kwargs)])
                fix = f"{type(error).__name__}: {error}".rstrip(".")
                text = message(f"ops.{name}", "arguments that fit it and each other", got, fix)
                kind = DtypeError if isinstance(error, TypeError) else ArgumentError
                raise kind(text) from error

        entered.of_ops = room  # type: ignore[attr-defined]
        NAMED[name] = entered
        return entered

    return mark


def _checks(function: Any) -> list[tuple[int, str, Check]]:
    """Return place, name and check of the arguments whose annotations say what they may be."""
    names = inspect.unwrap(function).__globals__
    found = [
        (place, one.name, check_of(one.annotation, names))
        for place, one in enumerate(inspect.signature(function).parameters.values())
        if one.kind is one.POSITIONAL_OR_KEYWORD
    ]
    return [(place, name, check) for place, name, check in found if check is not None]


def _scalar(value: Any, where: str) -> float:
    """Return a number, NaN and infinities among them."""
    value = value.item() if isinstance(value, np.ndarray) and not value.ndim else value
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise ArgumentError(message(where, "a number", shown(value), "give one"))
    return float(value)


def _places(value: Any, where: str) -> Any:
    """Return a whole number, or a tuple of at most 64."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (list, tuple, range)):
        return whole(value, where)
    if len(value) > 64:
        raise ArgumentError(message(where, "at most 64 numbers", f"{len(value)}", "give fewer"))
    return tuple(whole(one, where) for one in value)


Scalar = Annotated[float, _scalar]
Places = Annotated[Any, _places]


def _listed_arrays(value: Any, name: str) -> list[Any]:
    """Return several arrays as a list."""
    plainly = type(value) is np.ndarray and value.dtype.kind in "fiub"
    fits = plainly or isinstance(value, (list, tuple, Tensor))
    if not fits or len(value) > MANY:
        expected = f"a list of at most {MANY} arrays"
        got = f"{len(value)}" if fits else shown(value)
        raise ArgumentError(message(f"ops.{name}", expected, got, "such as [a, b]"))
    return list(value)


def _told(value: Any) -> str:
    return f"{value.shape}" if isinstance(value, (Tensor, np.ndarray)) else shown(value)


def run(
    function: Any, given: list[Any], how: dict[str, Any], listed: bool, first: int | None = 0
) -> Any:
    """Compute, and note how to go back if there is somewhere to go back to."""
    given = [_stacked(one) for one in given]
    sources = tuple(one if isinstance(one, Tensor) else None for one in given)
    values = [plain(one) for one in given]
    if first is not None:
        values[first:] = met(values[first:])
    with np.errstate(all="ignore"):
        value, back = function(values, **how) if listed else function(*values, **how)
    value = single(np.asarray(value), values)
    if all(source is None for source in sources):
        return value.view(Answer)
    return Tensor(value, sources, back)


def _stacked(value: Any) -> Any:
    """Return a variable's array or Tensor; a list with Tensors in it as one Tensor."""
    if isinstance(value, Variable):
        return read(value)
    if isinstance(value, (list, tuple)) and any(
        isinstance(one, (Tensor, Variable, list, tuple)) for one in value
    ):
        parts = [_stacked(one) for one in value]
        if any(isinstance(one, Tensor) for one in parts):
            return FUNCTIONS["stack"](parts)
    return value
