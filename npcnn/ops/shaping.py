"""Numbers in another order or shape: reshaping, joining, choosing; and products of matrices."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from npcnn.checks import positive_int, whole
from npcnn.ops.dtypes import dtype_of
from npcnn.ops.entry import Places, listed_in, op, plain
from npcnn.ops.pointwise import Made
from npcnn.ops.tape import require

Array = np.ndarray


@op(1)
def reshape(x: Any, newshape: Any) -> Made:
    """Return the same numbers in another shape."""
    x = np.asarray(x)
    shape = tuple(whole(n, "ops.reshape") for n in np.atleast_1d(newshape))
    return x.reshape(shape), lambda g: (g.reshape(x.shape),)


@op(1)
def transpose(x: Any, axes: Places | None = None) -> Made:
    """Return x with its axes in another order."""
    back = None if axes is None else np.argsort(axes)
    return np.transpose(x, axes), lambda g: (np.transpose(g, back),)


@op(1)
def swapaxes(x: Any, axis1: int, axis2: int) -> Made:
    """Return x with two axes in each other's place."""
    return np.swapaxes(x, axis1, axis2), lambda g: (np.swapaxes(g, axis1, axis2),)


@op(1)
def moveaxis(x: Any, source: Any, destination: Any) -> Made:
    """Return x with axes in other places.

    >>> moveaxis(np.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    y = np.moveaxis(x, source, destination)
    return y, lambda g: (np.moveaxis(g, destination, source),)


@op(1)
def expand_dims(x: Any, axis: Places) -> Made:
    """Return x with a new axis of 1."""
    return np.expand_dims(x, axis), lambda g: (g.reshape(np.shape(x)),)


@op(1)
def squeeze(x: Any, axis: Places | None = None) -> Made:
    """Return x without its axes of 1."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    return np.squeeze(x, axis), lambda g: (g.reshape(np.shape(x)),)


@op(1)
def ravel(x: Any) -> Made:
    """Return the numbers in a row."""
    return np.ravel(x), lambda g: (g.reshape(np.shape(x)),)


@op(1)
def broadcast_to(x: Any, shape: Any) -> Made:
    """Return x repeated to a shape."""
    return np.broadcast_to(x, tuple(shape)), lambda g: (g,)


@op(1)
def flip(x: Any, axis: Places | None = None) -> Made:
    """Return x in the opposite order."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    return np.flip(x, axis), lambda g: (np.flip(g, axis),)


@op(1)
def roll(x: Any, shift: Places, axis: Places | None = None) -> Made:
    """Return x moved round along an axis.

    >>> roll([1, 2, 3], 1).tolist()
    [3, 1, 2]
    """
    back = tuple(-s for s in shift) if isinstance(shift, (list, tuple)) else -shift
    return np.roll(x, shift, axis), lambda g: (np.roll(g, back, axis),)


@op(1)
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Made:
    """Return x with numbers around it: zeros, `constant_values`, or its own at the border.

    >>> pad([1.0, 2.0], ((1, 0),)).tolist(), pad([1.0, 2.0], ((1, 1),), "symmetric").tolist()
    ([0.0, 1.0, 2.0], [1.0, 1.0, 2.0, 2.0])
    """
    x = np.asarray(x)
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2))
    how = {} if constant_values is None else {"constant_values": plain(constant_values)}
    y = np.pad(x, widths, mode, **how)  # type: ignore[call-overload]
    if mode == "constant":
        inner = tuple(slice(a, a + n) for (a, _), n in zip(widths.tolist(), x.shape, strict=True))
        return y, lambda g: (g[inner],)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        return y, None
    places = np.pad(np.arange(x.size).reshape(x.shape), widths, mode)  # type: ignore[call-overload]
    return y, lambda g: (_gathered(g, places, x.shape),)


def _gathered(g: Array, places: Array, shape: Any) -> Array:
    """Return the sums of gradients by where in a row of numbers each came from."""
    size = int(np.prod(shape))
    return np.bincount(places.ravel(), g.ravel(), size).astype(g.dtype).reshape(shape)


@op(1)
def tile(x: Any, repeats: Places) -> Made:
    """Return x several times over along its axes."""
    x = np.asarray(x)
    times = tuple(np.atleast_1d(repeats).tolist())
    times = (1,) * (x.ndim - len(times)) + times
    shape = (1,) * (len(times) - x.ndim) + x.shape
    pairs = [n for pair in zip(times, shape, strict=True) for n in pair]
    every = tuple(range(0, len(pairs), 2))
    return np.tile(x, times), lambda g: (g.reshape(pairs).sum(axis=every).reshape(x.shape),)


@op(1)
def repeat(x: Any, repeats: Places, axis: int | None = None) -> Made:
    """Return each entry several times, one after the other.

    >>> repeat([1, 2], 2).tolist()
    [1, 1, 2, 2]
    """
    x = np.asarray(x)
    y = np.repeat(x, repeats, axis)
    own = np.arange(x.size).reshape(x.shape)
    return y, lambda g: (_gathered(g, np.repeat(own, repeats, axis), x.shape),)


@op(1, listed=True)
def concatenate(xs: Any, axis: int = 0) -> Made:
    """Return arrays joined along an axis."""
    if axis is None:
        ends = np.cumsum([np.size(x) for x in xs])[:-1]
        return np.concatenate(xs, None), lambda g: tuple(
            part.reshape(np.shape(x)) for part, x in zip(np.split(g, ends), xs, strict=True)
        )
    ends = np.cumsum([np.shape(x)[axis] for x in xs])[:-1]
    return np.concatenate(xs, axis), lambda g: tuple(np.split(g, ends, axis))


@op(1, listed=True)
def stack(x: Any, axis: int = 0) -> Made:
    """Return arrays joined along a new axis.

    >>> stack([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    return np.stack(x, axis), lambda g: tuple(np.moveaxis(g, axis, 0))


@op(1)
def get_item(x: Any, key: Any) -> Made:
    """Return x[key]."""
    x = np.asarray(x)
    key = tuple(map(_index, key)) if isinstance(key, tuple) else _index(key)
    once = all(
        one is None or one is ... or isinstance(one, (slice, int))
        for one in (key if isinstance(key, tuple) else (key,))
    )

    def back(g: Array) -> Any:
        whole = np.zeros(x.shape, g.dtype)
        if once:  # no place twice
            whole[key] = g
        else:
            np.add.at(whole, key, g)
        return (whole,)

    return x[key], back


def _index(key: Any) -> Any:
    if isinstance(key, slice):
        return slice(
            *(None if one is None else int(one) for one in (key.start, key.stop, key.step))
        )
    return np.asarray(key) if hasattr(key, "__array__") and np.ndim(key) else key


@op(1)
def take(x: Any, indices: Any, axis: int | None = None) -> Made:
    """Return the entries at these places along an axis.

    >>> take([10, 20, 30], [2, 0]).tolist()
    [30, 10]
    """
    x, places = np.asarray(x), _places(indices)
    y = np.take(x, places, axis)
    own = np.arange(x.size).reshape(x.shape)
    return y, lambda g: (_gathered(g, np.take(own, places, axis), x.shape),)


def _places(indices: Any) -> Array:
    """Return places as whole numbers."""
    places = np.asarray(indices)
    whole = places.dtype.kind in "iu" or not places.size
    require(whole, "indices", "whole numbers", indices, "cast them to 'int32'")
    return places.astype(np.int64)


@op(1)
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Made:
    """Return, row by row, the entries at these places.

    >>> take_along_axis([[3, 1], [5, 7]], [[1], [0]], axis=1).tolist()
    [[1], [5]]
    """
    x, places = np.asarray(x), _places(indices)
    own = np.arange(x.size).reshape(x.shape)

    def back(g: Array) -> Any:
        return (_gathered(g, np.take_along_axis(own, places, axis), x.shape),)

    return np.take_along_axis(x, places, axis), back


@op(1)
def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Made:
    """Return a row of zeros with a one for each class number.

    >>> one_hot([0, 2], 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    require(not sparse, "ops.one_hot(sparse)", "False", sparse, "arrays here are dense")
    labels = np.asarray(x).astype(int)
    hot = labels[..., np.newaxis] == np.arange(positive_int(num_classes, "ops.one_hot"))
    return np.moveaxis(hot.astype(dtype_of(dtype)), -1, axis), None


@op(2)
def matmul(x1: Any, x2: Any) -> Made:
    """Return the product of matrices, or of stacks of them.

    >>> matmul([[1, 2]], [[3], [4]]).tolist()
    [[11]]
    """
    x1, x2 = np.asarray(x1), np.asarray(x2)

    def back(g: Array) -> Any:
        a = x1[np.newaxis] if x1.ndim == 1 else x1
        b = x2[:, np.newaxis] if x2.ndim == 1 else x2
        g = g[..., np.newaxis] if x2.ndim == 1 else g
        g = g[..., np.newaxis, :] if x1.ndim == 1 else g

        def by_x1() -> Array:
            by_a = g @ np.swapaxes(b, -1, -2)
            return by_a[..., 0, :] if x1.ndim == 1 else by_a

        def by_x2() -> Array:
            if b.ndim == 2:  # one product, and not the sum of many
                rows, sums = a.reshape(-1, a.shape[-1]), g.reshape(-1, g.shape[-1])
                by_b = rows.T @ sums
            else:
                by_b = np.swapaxes(a, -1, -2) @ g
            return by_b[..., 0] if x2.ndim == 1 else by_b

        return by_x1, by_x2

    return np.matmul(x1, x2), back


@op(2)
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Made:
    """Return the sum of products over axes of both: so many, or those of two lists.

    >>> tensordot([[1, 2]], [[3], [4]], axes=1).tolist()
    [[11]]
    """
    x1, x2 = np.asarray(x1), np.asarray(x2)
    if np.ndim(axes) == 0:
        most = min(x1.ndim, x2.ndim)
        require(
            whole(axes, "axes") in range(most + 1), "axes", f"at most {most}", axes, "give fewer"
        )
        axes = [range(x1.ndim - axes, x1.ndim), range(axes)]
    one, two = (
        [int(a) % x.ndim for a in np.atleast_1d(own)] for own, x in zip(axes, (x1, x2), strict=True)
    )
    letters = [*range(x1.ndim)], [*range(x1.ndim, x1.ndim + x2.ndim)]
    for a, b in zip(one, two, strict=True):
        letters[1][b] = letters[0][a]
    kept = [a for k in (0, 1) for a in letters[k] if (a in letters[0]) != (a in letters[1])]

    def back(g: Array) -> Any:
        return (
            np.einsum(g, kept, x2, letters[1], letters[0]),
            np.einsum(g, kept, x1, letters[0], letters[1]),
        )

    return np.tensordot(x1, x2, (one, two)), back


@op(2)
def dot(x1: Any, x2: Any) -> Made:
    """Return the sum of products over the last axis of one and the last but one of the other."""
    x1, x2 = np.asarray(x1), np.asarray(x2)
    if not x1.ndim or not x2.ndim:
        return x1 * x2, lambda g: (g * x2, g * x1)
    place = max(x2.ndim - 2, 0)

    def back(g: Array) -> Any:
        others = list(range(x1.ndim - 1, g.ndim))
        by_first = np.tensordot(g, np.moveaxis(x2, place, -1), (others, list(range(len(others)))))
        rows = list(range(x1.ndim - 1))
        by_second = np.tensordot(x1, g, (rows, rows))
        return by_first, np.moveaxis(by_second, 0, place)

    return np.dot(x1, x2), back


@op(1, listed=True)
def _einsum(operands: Any, subscripts: str) -> Made:
    """Return the sum of products that the subscripts describe."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if not arrow:
        every = inputs.replace(",", "").replace(".", "")
        output = ("..." if "." in inputs else "") + "".join(
            sorted(letter for letter in set(every) if every.count(letter) == 1)
        )

    y = np.einsum(f"{inputs}->{output}", *operands)
    terms, output = _spelled(terms, output, operands)

    def back(g: Array) -> Any:
        return tuple(_back_to(k, terms, output, operands, g) for k in range(len(terms)))

    return y, back


def _spelled(terms: list[str], output: str, operands: Any) -> tuple[list[str], str]:
    """Return subscripts with letters in place of dots, the last ones the same in all."""
    counts = [
        np.ndim(one) - len(term) + 3 if "." in term else 0
        for term, one in zip(terms, operands, strict=True)
    ]
    most, used = max(counts), set("".join(terms))
    free = [letter for letter in string.ascii_letters if letter not in used][:most]
    found = [
        term.replace("...", "".join(free[most - n :]))
        for term, n in zip(terms, counts, strict=True)
    ]
    return found, output.replace("...", "".join(free))


def _back_to(k: int, terms: list[str], output: str, operands: Any, g: Array) -> Array:
    """Return the gradient by one of the operands; letters that it has alone are repeated."""
    term, shape = terms[k], np.shape(operands[k])
    others = [t for j, t in enumerate(terms) if j != k]
    arrays = [o for j, o in enumerate(operands) if j != k]
    require(len(set(term)) == len(term), "ops.einsum", "no letter twice", term, "take trace")
    known = set(output).union(*others)
    own = "".join(letter for letter in term if letter in known)
    found = np.einsum(f"{','.join([output, *others])}->{own}", g, *arrays)
    sizes = [n for letter, n in zip(term, shape, strict=True) if letter in known]
    for axis, size in enumerate(sizes):
        if size == 1 != found.shape[axis]:  # it was repeated for the others
            found = found.sum(axis=axis, keepdims=True)
    whole = [n if letter in known else 1 for letter, n in zip(term, shape, strict=True)]
    return np.broadcast_to(found.reshape(whole), shape)


@listed_in("shaping")
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Return the sum of products that the subscripts describe, such as 'ij,jk->ik'.

    >>> einsum("ij,j->i", [[1, 2], [3, 4]], [1, 1]).tolist()
    [3, 7]
    """
    return _einsum(list(operands), subscripts)
