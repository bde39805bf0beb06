"""Numbers that know what they were made from, so that one can go back from a result to all of it.

A function of `npcnn.ops` that is given plain arrays returns plain arrays. Given a `Tensor`, it
returns a `Tensor` that holds how to go back; given a symbolic tensor, the next symbolic one. What a
program's own loss, layer, activation or regularizer computes is recorded so, and `gradients` walks
through it backwards: reverse mode differentiation.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import config
from npcnn.checks import ArgumentError, DtypeError, message, shown
from npcnn.symbolic import is_symbolic
from npcnn.variables import Variable, Weight, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

Array = np.ndarray
Back = Callable[[Array], "tuple[Array | None, ...]"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}  # name → function of npcnn.ops
_numbers = itertools.count()
_recording: ContextVar[Recording | None] = ContextVar("recording", default=None)


class Tensor:
    """An array, and how to go back from it to what it was made from.

    It computes with Python's operators, with NumPy's functions, and with those of `npcnn.ops`.

    Args:
        value: the array.
        sources: what it was made from.
        back: from the gradient by the value to those by each source.

    >>> from npcnn import ops
    >>> x = Tensor(np.array([1.0, 2.0]))
    >>> y = ops.sum(x ** 2)
    >>> float(y), gradients([(y, np.array(1.0))])[x].tolist()
    (5.0, [2.0, 4.0])
    """

    def __init__(
        self, value: Array, sources: tuple[Tensor | None, ...] = (), back: Back | None = None
    ) -> None:
        self.value, self.sources, self.back = np.asarray(value), sources, back
        self.number = next(_numbers)

    shape = property(lambda self: self.value.shape)
    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    T = property(lambda self: FUNCTIONS["transpose"](self))

    def numpy(self) -> Array:
        """Return the plain array."""
        return self.value

    def item(self) -> Any:
        """Return the one number."""
        return self.value.item()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[k] for k in range(len(self.value)))

    def __bool__(self) -> bool:
        require(self.size == 1, "a condition", "one number", self.value, "use ops.where")
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __repr__(self) -> str:
        return f"<Tensor shape={self.shape}, dtype={self.dtype}>"

    def __getitem__(self, key: Any) -> Any:
        return FUNCTIONS["get_item"](self, key)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            raise _unknown(f"{ufunc.__name__}.{method}")
        return _named(ufunc.__name__)(*inputs)

    def __array_function__(self, function: Any, kinds: Any, args: Any, kwargs: Any) -> Any:
        return _named(function.__name__)(*args, **kwargs)


# Python's operators, and NumPy's names for what has another one here.
_OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide",
    "floordiv": "floor_divide", "mod": "mod", "pow": "power", "matmul": "matmul",
}  # fmt: skip
_ONE_WAY = {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
    "ne": "not_equal", "and": "logical_and", "or": "logical_or",
}  # fmt: skip
_UNARY = {"neg": "negative", "abs": "absolute", "invert": "logical_not"}
_METHODS = (
    "mean", "sum", "max", "min", "std", "var", "prod", "argmax", "argmin", "all", "any", "reshape",
    "transpose", "astype", "squeeze", "round", "clip",
)  # fmt: skip
_ALIASES = {
    "bitwise_and": "logical_and", "bitwise_or": "logical_or", "invert": "logical_not",
    "remainder": "mod", "amax": "max", "amin": "min", "divide": "true_divide", "astype": "cast",
    "float_power": "power", "matrix_transpose": "transpose", "fabs": "absolute",
}  # fmt: skip


def _named(name: str) -> Callable[..., Any]:
    found = FUNCTIONS.get(_ALIASES.get(name, name))
    if found is None:
        raise _unknown(name)
    return found


def _unknown(name: str) -> DtypeError:
    fix = "compute with npcnn.ops, or write values and gradient (docs/extending.md)"
    return DtypeError(message(f"np.{name}", "a function whose gradient is known", "it", fix))


def _operator(name: str, swapped: bool = False) -> Callable[..., Any]:
    def both(self: Tensor, other: Any) -> Any:
        return _named(name)(other, self) if swapped else _named(name)(self, other)

    return both


def _unary(name: str) -> Callable[..., Any]:
    return lambda self: _named(name)(self)


def _method(name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if name in ("reshape", "transpose") and len(args) > 1:
            args = (args,)
        return _named(name)(self, *args, **kwargs)

    return method


for _sign, _name in _OPERATORS.items():
    setattr(Tensor, f"__{_sign}__", _operator(_name))
    setattr(Tensor, f"__r{_sign}__", _operator(_name, swapped=True))
for _sign, _name in _ONE_WAY.items():
    setattr(Tensor, f"__{_sign}__", _operator(_name))
for _sign, _name in _UNARY.items():
    setattr(Tensor, f"__{_sign}__", _unary(_name))
for _name in _METHODS:
    setattr(Tensor, _name, _method(_name))
Tensor.__hash__ = object.__hash__  # type: ignore[method-assign]


class Recording:
    """What a layer's weights stand for while its `call` is recorded.

    Attributes:
        weights: (layer, parameter) → its Tensor.
        losses: what `add_loss` was given.
    """

    def __init__(self) -> None:
        self.weights: dict[tuple[int, str], Tensor] = {}
        self.losses: list[Tensor] = []

    def of(self, weight: Weight) -> Tensor:
        """Return the Tensor of a weight, the same each time."""
        key = id(weight.layer), weight.name
        if key not in self.weights:
            self.weights[key] = Tensor(weight.value)
        return self.weights[key]


@contextmanager
def recording() -> Iterator[Recording]:
    """Let weights be Tensors within."""
    own = Recording()
    token = _recording.set(own)
    try:
        yield own
    finally:
        _recording.reset(token)


def add_loss(loss: Any, where: str) -> None:
    """Note what a layer's `call` adds to the loss."""
    own = _recording.get()
    if own is None or is_symbolic(loss):
        fix = "compute it from the input with npcnn.ops, in a layer without layers in it"
        raise DtypeError(message(f"{where}.add_loss()", "a number, in call()", shown(loss), fix))
    for one in loss if isinstance(loss, (list, tuple)) else [loss]:
        own.losses.append(one if isinstance(one, Tensor) else Tensor(np.asarray(plain(one))))


def read(variable: Any) -> Any:
    """Return a variable's array; a weight's Tensor while a layer is recorded."""
    own = _recording.get()
    return own.of(variable) if own is not None and isinstance(variable, Weight) else variable.value


def plain(value: Any) -> Any:
    """Return what a function computes with: arrays as they are, lists as arrays, numbers weak."""
    if isinstance(value, Variable):
        value = read(value)
    if isinstance(value, Tensor):
        return value.value
    if isinstance(value, (bool, int, float)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, np.generic):  # NumPy's numbers count as Python's, as in Keras
        return value.item()
    if isinstance(value, np.ndarray):
        return value.view(np.ndarray) if hasattr(value, "numpy") else value
    array = np.asarray([plain(one) for one in value] if isinstance(value, (list, tuple)) else value)
    if array.dtype.kind not in "fiub":
        raise DtypeError(message("npcnn.ops", "numbers", shown(value), "give arrays or numbers"))
    return array.astype(config.floatx()) if array.dtype.kind == "f" else array


def op(arrays: int = 1, listed: bool = False) -> Callable[[Any], Callable[..., Any]]:
    """Make a function of `npcnn.ops` of one that returns a value, and how to go back from it.

    Args:
        arrays: how many of its arguments, the first, are numbers.
        listed: whether the first is a list of them.
    """

    def wrap(function: Callable[..., tuple[Any, Back | None]]) -> Callable[..., Any]:
        signature = inspect.signature(function)
        names = list(signature.parameters)[:arrays]

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            how = dict(signature.bind(*args, **kwargs).arguments)
            given = [how.pop(name) for name in names if name in how]
            given = list(given[0]) if listed else given
            if is_symbolic(given):
                from npcnn.layers.operation import symbolic

                return symbolic(call, given, how, listed)
            return run(function, given, how, listed)

        FUNCTIONS[function.__name__] = call
        return listed_in(function.__module__)(call)

    return wrap


def listed_in(room: str) -> Callable[[Any], Any]:
    """Mark a function as one of `npcnn.ops`."""

    def mark(function: Any) -> Any:
        function.of_ops = room
        return function

    return mark


def run(function: Any, given: list[Any], how: dict[str, Any], listed: bool) -> Any:
    """Compute, and note how to go back if there is somewhere to go back to."""
    given = [read(one) if isinstance(one, Variable) else one for one in given]
    sources = tuple(one if isinstance(one, Tensor) else None for one in given)
    values = [plain(one) for one in given]
    value, back = function(values, **how) if listed else function(*values, **how)
    value = single(np.asarray(value), values)
    if all(source is None for source in sources):
        return answer(value) if value.dtype.kind == "f" and not value.ndim else value
    return Tensor(value, sources, back)


def single(value: Array, given: list[Any]) -> Array:
    """Return float64 as float32 where nobody asked for float64."""
    strong = any(isinstance(one, np.ndarray) and one.dtype == "float64" for one in given)
    if value.dtype == "float64" and not strong:
        return value.astype(config.floatx())
    return value


def gradients(ends: list[tuple[Tensor, Array]]) -> dict[Tensor, Array]:
    """Return Tensor → gradient, for all that the ends hang on.

    Args:
        ends: each with the gradient by it.

    Raises:
        ArgumentError: an end hangs on something only through what has no gradient.
    """
    found: dict[Tensor, Array] = {}
    todo = [end for end, _ in ends]
    seen: dict[int, Tensor] = {}
    while todo:
        one = todo.pop()
        if one.number not in seen:
            seen[one.number] = one
            todo += [source for source in one.sources if source is not None]
    for end, gradient in ends:
        found[end] = found[end] + gradient if end in found else gradient
    for number in sorted(seen, reverse=True):
        one = seen[number]
        if one not in found or one.back is None:
            continue
        for source, part in zip(one.sources, one.back(found[one]), strict=True):
            if source is not None and part is not None:
                own = unbroadcast(np.asarray(part), source.shape).astype(source.dtype, copy=False)
                found[source] = found[source] + own if source in found else own
    return found


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Return a gradient summed over the axes along which numbers of this shape were repeated.

    >>> unbroadcast(np.ones((3, 2)), (1, 2)).tolist()
    [[3.0, 3.0]]
    """
    if gradient.shape == shape:
        return gradient
    gradient = np.broadcast_to(gradient, np.broadcast_shapes(gradient.shape, shape))
    extra = gradient.ndim - len(shape)
    gradient = gradient.sum(axis=tuple(range(extra))) if extra else gradient
    axes = tuple(k for k, n in enumerate(shape) if n == 1 and gradient.shape[k] != 1)
    return gradient.sum(axis=axes, keepdims=True) if axes else gradient


def require(condition: Any, where: str, expected: str, got: Any, fix: str) -> None:
    """Raise ArgumentError unless something holds."""
    if not condition:
        raise ArgumentError(message(where, expected, shown(got), fix))
