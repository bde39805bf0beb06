"""Numbers that know what they were made from, so that one can go back from a result to all of it.

A function of `npcnn.ops` that is given plain arrays returns plain arrays. Given a `Tensor`, it
returns a `Tensor` that holds how to go back; given a symbolic tensor, the next symbolic one. What a
program's own loss, layer, activation or regularizer computes is recorded so, and `gradients` walks
through it backwards: reverse mode differentiation.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.checks import ArgumentError, DtypeError, message, shown
from npcnn.symbolic import FUNCTIONS as FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

Array = np.ndarray
# From the gradient to those by the sources, or to functions that find them if they are asked for.
Back = Callable[[Array], "tuple[Array | Callable[[], Array] | None, ...]"]

NAMED: dict[str, Callable[..., Any]] = {}  # name → function of npcnn.ops
_numbers = itertools.count()


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

    def __reduce__(self) -> Any:
        return Tensor, (self.value,)  # a copy has come from nowhere

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

    def __index__(self) -> int:
        return int(self.value.__index__())

    def __format__(self, spec: str) -> str:
        return format(self.value if spec else repr(self), spec)

    def __pos__(self) -> Tensor:
        return self

    def __repr__(self) -> str:
        return f"<Tensor shape={self.shape}, dtype={self.dtype}>"

    def __getitem__(self, key: Any) -> Any:
        return FUNCTIONS["get_item"](self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        fix = "use ops.where or ops.slice_update"
        raise DtypeError(message("x[…] = …, in a formula", "arrays to stay", "another", fix))

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
    "transpose", "astype", "squeeze", "round", "clip", "flatten", "cumsum", "dot", "swapaxes",
)  # fmt: skip
_ALIASES = {
    "bitwise_and": "logical_and", "bitwise_or": "logical_or", "invert": "logical_not",
    "remainder": "mod", "amax": "max", "amin": "min", "divide": "true_divide", "astype": "cast",
    "float_power": "power", "matrix_transpose": "transpose", "flatten": "ravel",
}  # fmt: skip


def _named(name: str) -> Callable[..., Any]:
    found = NAMED.get(_ALIASES.get(name, name))
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


def gradients(
    ends: list[tuple[Tensor, Array]], wanted: list[Tensor] | None = None
) -> dict[Tensor, Array]:
    """Return Tensor → gradient, for all that the ends hang on.

    Args:
        ends: each with the gradient by it.
        wanted: where it leads to no other, the way back is left out.

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
    leads = seen.keys() if wanted is None else _leading(seen, {one.number for one in wanted})
    for end, gradient in ends:
        found[end] = found[end] + gradient if end in found else gradient
    with np.errstate(all="ignore"):
        for number in sorted(leads, reverse=True):
            one = seen[number]
            if one not in found or one.back is None:
                continue
            for source, part in zip(one.sources, one.back(found[one]), strict=True):
                if source is not None and part is not None and source.number in leads:
                    part = part() if callable(part) else part
                    own = unbroadcast(np.asarray(part), source.shape)
                    own = own.astype(source.dtype, copy=False)
                    found[source] = found[source] + own if source in found else own
    return found


def _leading(seen: dict[int, Tensor], wanted: set[int]) -> set[int]:
    """Return the numbers of those that lead to what is wanted: sources have lower numbers."""
    leads = wanted & seen.keys()
    for number in sorted(seen):
        if any(source is not None and source.number in leads for source in seen[number].sources):
            leads.add(number)
    return leads


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
