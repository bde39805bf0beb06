"""Loops and branches, as Keras's programs for any backend write them; here they are Python's."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from npcnn.arguments import Function
from npcnn.checks import is_whole, whole
from npcnn.ops.entry import listed_in, plain, strong
from npcnn.ops.making import shape
from npcnn.ops.shaping import get_item, stack
from npcnn.ops.tape import Tensor, require
from npcnn.symbolic import is_symbolic

Array = np.ndarray


def _known(value: Any, where: str) -> Any:
    fix = "use ops.where, or decide in a layer's call()"
    require(not is_symbolic(value), where, "numbers", "a symbolic tensor", fix)
    return plain(value)


@listed_in("control")
def cond(pred: Any, true_fn: Function, false_fn: Function) -> Any:
    """Return what one of two functions gives, as a truth value says.

    >>> cond(True, lambda: "yes", lambda: "no")
    'yes'
    """
    return true_fn() if bool(_known(pred, "ops.cond(pred)")) else false_fn()


@listed_in("control")
def switch(index: Any, branches: Any, *operands: Any) -> Any:
    """Return what one of several functions makes of the operands; beyond the last, the last.

    >>> switch(1, [lambda x: x, lambda x: x + 1], 5)
    6
    """
    place = int(_known(index, "ops.switch(index)"))
    require(len(branches), "ops.switch(branches)", "functions", "none", "give one")
    return branches[builtins.min(builtins.max(place, 0), len(branches) - 1)](*operands)


def _mapped(function: Callable[..., Any], nested: Any) -> Any:
    """Return lists, tuples and dicts with each array replaced."""
    if isinstance(nested, dict):
        return {key: _mapped(function, one) for key, one in nested.items()}
    if isinstance(nested, (list, tuple)):
        return type(nested)([_mapped(function, one) for one in nested])
    return None if nested is None else function(nested)


def _length(nested: Any) -> int:
    """Return how many rows the first array has."""
    if isinstance(nested, (list, tuple, dict)):
        parts = list(nested.values()) if isinstance(nested, dict) else list(nested)
        require(parts, "ops.map(xs)", "arrays", "none", "give one")
        return _length(parts[0])
    require(shape(nested), "ops.map(xs)", "arrays with rows", nested, "give (n, …)")
    return int(shape(nested)[0])


def _stacked(rows: list[Any]) -> Any:
    first = rows[0]
    if isinstance(first, dict):
        return {key: _stacked([row[key] for row in rows]) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)([_stacked([row[k] for row in rows]) for k in range(len(first))])
    return None if first is None else stack(rows)


def _row(xs: Any, k: int) -> Any:
    return _mapped(lambda x: get_item(x if hasattr(x, "shape") else strong(x), k), xs)


@listed_in("control")
def map(f: Function, xs: Any) -> Any:
    """Return what a function gives for each row, stacked.

    >>> map(lambda x: x * x, np.array([1, 2, 3])).tolist()
    [1, 4, 9]
    """
    count = _length(xs)
    require(count, "ops.map(xs)", "rows", "none", "give one")
    return _stacked([f(_row(xs, k)) for k in range(count)])


@listed_in("control")
def vectorized_map(function: Function, elements: Any) -> Any:
    """Return what a function gives for each row, stacked.

    >>> vectorized_map(lambda x: x * x, np.array([1, 2, 3])).tolist()
    [1, 4, 9]
    """
    return map(function, elements)


@listed_in("control")
def scan(
    f: Function, init: Any, xs: Any = None, length: int | None = None,
    reverse: bool = False, unroll: Any = 1,
) -> tuple[Any, Any]:  # fmt: skip
    """Return what f carries to the end, from row to row, and what it gave for each, stacked.

    >>> total, sums = scan(lambda before, x: (before + x, before + x), 0, np.array([1, 2, 3]))
    >>> int(total), sums.tolist()
    (6, [1, 3, 6])
    """
    require(xs is not None or length is not None, "ops.scan", "xs or length", "none", "give one")
    count = int(length) if xs is None else _length(xs)  # type: ignore[arg-type]
    require(length in (None, count), "ops.scan(length)", f"{count}, xs's", length, "leave it out")
    carried, found = init, []
    order = range(count)
    for k in reversed(order) if reverse else order:
        carried, y = f(carried, None if xs is None else _row(xs, k))
        found.append(y)
    return carried, (_stacked(found[::-1] if reverse else found) if found else None)


@listed_in("control")
def while_loop(
    cond: Function, body: Function, loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:  # fmt: skip
    """Return the variables after `body` has made new ones of them for as long as `cond` holds.

    >>> while_loop(lambda k: k < 5, lambda k: k + 2, 0)
    6
    """
    several = isinstance(loop_vars, (list, tuple))
    held: Any = tuple(loop_vars) if several else (loop_vars,)
    done = 0
    while (maximum_iterations is None or done < maximum_iterations) and bool(
        _known(cond(*held), "ops.while_loop(cond)")
    ):
        found = body(*held)
        held = tuple(found) if isinstance(found, (list, tuple)) else (found,)
        done += 1
    return (type(loop_vars)(held) if isinstance(loop_vars, list) else held) if several else held[0]


@listed_in("control")
def fori_loop(lower: Any, upper: Any, body_fun: Function, init_val: Any) -> Any:
    """Return what `body_fun` has made of a value, for each whole number from lower to upper.

    >>> fori_loop(0, 3, lambda k, total: total + k, 10)
    13
    """
    value = init_val
    ends = (strong(_known(one, "ops.fori_loop")).item() for one in (lower, upper))
    first, last = (whole(one, "ops.fori_loop") for one in ends)
    for k in range(first, last):
        value = body_fun(k, value)
    return value


@listed_in("control")
def associative_scan(f: Function, elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """Return what f makes of the first row, of that and the second, and so on, stacked.

    >>> associative_scan(lambda x, y: x * y, np.array([1, 2, 3])).tolist()
    [1, 2, 6]
    """
    require(
        axis == 0 and is_whole(axis),
        "ops.associative_scan(axis)",
        "0",
        axis,
        "use moveaxis before and after",
    )
    count = _length(elems)
    order = range(count)
    found: list[Any] = []
    for k in reversed(order) if reverse else order:
        found.append(f(found[-1], _row(elems, k)) if found else _row(elems, k))
    return _stacked(found[::-1] if reverse else found)


@listed_in("control")
def vectorize(pyfunc: Function, *, excluded: Any = None, signature: Any = None) -> Any:
    """Return a function of arrays that calls another for each of their numbers.

    >>> vectorize(lambda a, b: max(a, b))([1, 5], [3, 2]).tolist()
    [3, 5]
    """
    inner = np.vectorize(pyfunc, excluded=excluded, signature=signature)

    def vectorized(*args: Any, **kwargs: Any) -> Array:
        found = inner(*[np.asarray(plain(one)) for one in args], **kwargs)
        return strong(found.tolist() if found.dtype == np.float64 else found)

    return vectorized


@listed_in("control")
def custom_gradient(f: Function) -> Callable[..., Any]:
    """Return a function whose gradient is what f gives beside its value: f(x) = (y, grad).

    `grad(*args, upstream=g)` returns the gradients by the arguments, one or a tuple of them.

    >>> def root(x):
    ...     y = np.sqrt(plain(x))
    ...     return y, lambda *args, upstream: upstream / (2 * y)
    >>> float(custom_gradient(root)(4.0))
    2.0
    """
    require(callable(f), "ops.custom_gradient", "a function", f, "of what is given, and its slope")

    def custom(*args: Any) -> Any:
        y, grad = f(*args)
        sources = tuple(one if isinstance(one, Tensor) else None for one in args)
        if all(one is None for one in sources):
            return y

        def back(g: Array) -> tuple[Any, ...]:
            found = grad(*args, upstream=g)
            parts = found if isinstance(found, (list, tuple)) else (found,)
            return tuple(None if one is None else np.asarray(plain(one)) for one in parts)

        return Tensor(np.asarray(plain(y)), sources, back)

    return custom
