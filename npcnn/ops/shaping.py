"""Numbers in another order or shape: reshaping, joining, choosing; and products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.ops.pointwise import Made
from npcnn.ops.tape import op

Array = np.ndarray


@op(1)
def reshape(x: Any, newshape: Any) -> Made:
    """Return the same numbers in another shape."""
    x = np.asarray(x)
    shape = tuple(int(n) for n in np.atleast_1d(newshape))
    return x.reshape(shape), lambda g: (g.reshape(x.shape),)


@op(1)
def transpose(x: Any, axes: Any = None) -> Made:
    """Return x with its axes in another order."""
    back = None if axes is None else np.argsort(axes)
    return np.transpose(x, axes), lambda g: (np.transpose(g, back),)


@op(1)
def swapaxes(x: Any, axis1: int, axis2: int) -> Made:
    """Return x with two axes in each other's place."""
    return np.swapaxes(x, axis1, axis2), lambda g: (np.swapaxes(g, axis1, axis2),)


@op(1)
def moveaxis(x: Any, source: Any, destination: Any) -> Made:
    """Return x with axes in other places."""
    y = np.moveaxis(x, source, destination)
    return y, lambda g: (np.moveaxis(g, destination, source),)


@op(1)
def expand_dims(x: Any, axis: Any) -> Made:
    """Return x with a new axis of 1."""
    return np.expand_dims(x, axis), lambda g: (g.reshape(np.shape(x)),)


@op(1)
def squeeze(x: Any, axis: Any = None) -> Made:
    """Return x without its axes of 1."""
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
def flip(x: Any, axis: Any = None) -> Made:
    """Return x in the opposite order."""
    return np.flip(x, axis), lambda g: (np.flip(g, axis),)


@op(1)
def roll(x: Any, shift: Any, axis: Any = None) -> Made:
    """Return x moved round along an axis."""
    back = tuple(-s for s in shift) if isinstance(shift, (list, tuple)) else -shift
    return np.roll(x, shift, axis), lambda g: (np.roll(g, back, axis),)


@op(1)
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Made:
    """Return x with numbers around it: zeros, or `constant_values`."""
    x = np.asarray(x)
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2))
    how = {} if constant_values is None else {"constant_values": constant_values}
    y = np.pad(x, widths, mode=mode, **how)  # type: ignore[call-overload]
    inner = tuple(slice(a, a + n) for (a, _), n in zip(widths.tolist(), x.shape, strict=True))
    return y, (lambda g: (g[inner],)) if mode == "constant" else None


@op(1)
def tile(x: Any, repeats: Any) -> Made:
    """Return x several times over along its axes."""
    x = np.asarray(x)
    times = tuple(np.atleast_1d(repeats).tolist())
    times = (1,) * (x.ndim - len(times)) + times
    shape = (1,) * (len(times) - x.ndim) + x.shape
    pairs = [n for pair in zip(times, shape, strict=True) for n in pair]
    every = tuple(range(0, len(pairs), 2))
    return np.tile(x, times), lambda g: (g.reshape(pairs).sum(axis=every).reshape(x.shape),)


@op(1)
def repeat(x: Any, repeats: int, axis: int | None = None) -> Made:
    """Return each entry several times, one after the other."""
    x = np.asarray(x)
    own = x.ravel() if axis is None else x
    place = 0 if axis is None else axis % x.ndim
    split = (*own.shape[: place + 1], repeats, *own.shape[place + 1 :])
    y = np.repeat(x, repeats, axis)
    return y, lambda g: (g.reshape(split).sum(axis=place + 1).reshape(x.shape),)


@op(1, listed=True)
def concatenate(xs: Any, axis: int = 0) -> Made:
    """Return arrays joined along an axis."""
    ends = np.cumsum([np.shape(x)[axis] for x in xs])[:-1]
    return np.concatenate(xs, axis), lambda g: tuple(np.split(g, ends, axis))


@op(1, listed=True)
def stack(x: Any, axis: int = 0) -> Made:
    """Return arrays joined along a new axis."""
    return np.stack(x, axis), lambda g: tuple(np.moveaxis(g, axis, 0))


@op(1)
def get_item(x: Any, key: Any) -> Made:
    """Return x[key]."""
    x = np.asarray(x)
    key = tuple(map(_index, key)) if isinstance(key, tuple) else _index(key)

    def back(g: Array) -> Any:
        whole = np.zeros(x.shape, g.dtype)
        np.add.at(whole, key, g)
        return (whole,)

    return x[key], back


def _index(key: Any) -> Any:
    return np.asarray(key) if hasattr(key, "__array__") and np.ndim(key) else key


@op(1)
def take(x: Any, indices: Any, axis: int | None = None) -> Made:
    """Return the entries at these places along an axis."""
    x, places = np.asarray(x), np.asarray(indices)
    key = (..., places) if axis is None else (*(slice(None),) * (axis % x.ndim), places)
    own = x.ravel() if axis is None else x

    def back(g: Array) -> Any:
        whole = np.zeros(own.shape, g.dtype)
        np.add.at(whole, key, g)
        return (whole.reshape(x.shape),)

    return own[key], back


@op(1)
def take_along_axis(x: Any, indices: Any, axis: int = -1) -> Made:
    """Return, row by row, the entries at these places."""
    x, places = np.asarray(x), np.asarray(indices)

    def back(g: Array) -> Any:
        whole = np.zeros(x.shape, g.dtype)
        np.put_along_axis(whole, places, g, axis)
        return (whole,)

    return np.take_along_axis(x, places, axis), back


@op(1)
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> Made:
    """Return a row of zeros with a one for each class number."""
    labels = np.asarray(x).astype(int)
    hot = labels[..., np.newaxis] == np.arange(num_classes)
    return np.moveaxis(hot.astype(dtype or "float32"), -1, axis), None


@op(2)
def matmul(x1: Any, x2: Any) -> Made:
    """Return the product of matrices, or of stacks of them."""

    def back(g: Array) -> Any:
        a = x1[np.newaxis] if x1.ndim == 1 else x1
        b = x2[:, np.newaxis] if x2.ndim == 1 else x2
        g = g[..., np.newaxis] if x2.ndim == 1 else g
        g = g[..., np.newaxis, :] if x1.ndim == 1 else g
        by_a, by_b = g @ np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2) @ g
        return by_a[..., 0, :] if x1.ndim == 1 else by_a, by_b[..., 0] if x2.ndim == 1 else by_b

    return np.matmul(x1, x2), back


@op(2)
def tensordot(x1: Any, x2: Any, axes: int = 1) -> Made:
    """Return the sum of products over the last axes of one and the first of the other."""
    n = axes
    left, right = x1.shape[: x1.ndim - n], x2.shape[n:]
    a, b = x1.reshape(int(np.prod(left)), -1), x2.reshape(-1, int(np.prod(right)))

    def back(g: Array) -> Any:
        g = g.reshape(len(a), b.shape[1])
        return (g @ b.T).reshape(x1.shape), (a.T @ g).reshape(x2.shape)

    return (a @ b).reshape(*left, *right), back


@op(2)
def dot(x1: Any, x2: Any) -> Made:
    """Return the sum of products over the last axis of one and the last but one of the other."""
    if x1.ndim == 1 and x2.ndim == 1:
        return np.dot(x1, x2), lambda g: (g * x2, g * x1)

    def back(g: Array) -> Any:
        a, b = x1.reshape(-1, x1.shape[-1]), x2
        g = g.reshape(len(a), -1)
        b = b[:, np.newaxis] if b.ndim == 1 else b
        return (g @ b.T).reshape(x1.shape), (a.T @ g).reshape(x2.shape)

    return np.dot(x1, x2), back if x2.ndim <= 2 else None


@op(1, listed=True)
def einsum_of(operands: Any, subscripts: str) -> Made:
    """Return the sum of products that the subscripts describe."""
    inputs, _, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")

    def back(g: Array) -> Any:
        found = []
        for k, term in enumerate(terms):
            others = [t for j, t in enumerate(terms) if j != k]
            arrays = [o for j, o in enumerate(operands) if j != k]
            found.append(np.einsum(f"{','.join([output, *others])}->{term}", g, *arrays))
        return tuple(found)

    return np.einsum(subscripts, *operands), back


def einsum(subscripts: str, *operands: Any) -> Any:
    """Return the sum of products that the subscripts describe, such as 'ij,jk->ik'."""
    return einsum_of(list(operands), subscripts)
