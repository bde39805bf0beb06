"""Pictures turned, shifted, zoomed, sheared and flipped; see npcnn/affine.py."""

from __future__ import annotations

import itertools

import numpy as np

from npcnn.affine import SLOTS, Ranges
from npcnn.contracts import op
from npcnn.reference.dropout import GOLDEN, mixed, uniform

Array = np.ndarray


@op
def random_affine(
    x: Array, key: int, ranges: Ranges, size: tuple[int, int], step: Array | None = None
) -> Array:
    """Return a transformation for each sample, drawn by (key, step, sample).

    Args:
        x: (N, H, W, C), of which only the shape is read.
        key: 64 bits.
        ranges: what is drawn from.
        size: rows and columns of the result.
        step: None, or an array of one int64 that goes into the key.

    Returns:
        float64 (N, 6): a pixel (column, row) = (x, y) of the result is read at
        (a·x + b·y + c, d·x + e·y + f).

    >>> x = np.zeros((1, 4, 5, 1), "float32")
    >>> random_affine(x, 0, Ranges(flip=(0.0, 1.0)), (4, 5)) + 0.0
    array([[-1.,  0.,  4.,  0.,  1.,  0.]])
    """
    n, height, width, _ = x.shape
    if step is not None:
        key = mixed(np.uint64(key) + step.astype(np.uint64).reshape(1) + GOLDEN)[0]
    u = uniform(key, (n, SLOTS)).T

    def drawn(slot: int, low: float, high: float) -> Array:
        return low + u[slot] * (high - low)

    angle, shear = drawn(0, *ranges.rotation), drawn(1, *ranges.shear)
    zoom_y, zoom_x = drawn(2, *ranges.zoom[0]), drawn(3, *ranges.zoom[1])
    if ranges.one_zoom:
        zoom_x = zoom_y
    shift_y, shift_x = drawn(4, *ranges.shift[0]), drawn(5, *ranges.shift[1])
    flip_y, flip_x = u[6] < ranges.flip[0], u[6 if ranges.one_flip else 7] < ranges.flip[1]
    zoom_y, zoom_x = np.where(flip_y, -zoom_y, zoom_y), np.where(flip_x, -zoom_x, zoom_x)
    rows, columns = ranges.places
    if rows:
        shift_y = shift_y + np.floor(u[4, :1] * rows)
    if columns:
        shift_x = shift_x + np.floor(u[5, :1] * columns)
    cos, sin, tan = np.cos(angle), np.sin(angle), np.tan(shear)
    a, b = cos * zoom_x, (cos * tan - sin) * zoom_y
    d, e = sin * zoom_x, (sin * tan + cos) * zoom_y
    y_in, x_in, y_out, x_out = ((n - 1) / 2 for n in (height, width, *size))
    c = x_in + shift_x - (a * x_out + b * y_out)
    f = y_in + shift_y - (d * x_out + e * y_out)
    return np.stack([a, b, c, d, e, f], axis=1)


@op
def warp(
    x: Array, matrices: Array, size: tuple[int, int], interpolation: str, fill_mode: str,
    fill_value: float,
) -> Array:  # fmt: skip
    """Return pictures read at transformed places; between pixels bilinearly, or at the nearest.

    Args:
        x: (N, H, W, C), float32 or float64.
        matrices: float64 (N, 6), as `random_affine` returns them.
        size: rows and columns of the result.
        interpolation: one of npcnn.affine.INTERPOLATIONS.
        fill_mode: one of npcnn.affine.FILL_MODES.
        fill_value: what 'constant' fills with.

    Returns:
        (N, *size, C).

    >>> x = np.arange(3.0).reshape(1, 1, 3, 1)
    >>> shift = np.array([[1, 0, 0.5, 0, 1, 0]])
    >>> warp(x, shift, (1, 3), "bilinear", "nearest", 0.0).ravel()
    array([0.5, 1.5, 2. ])
    """
    y = np.zeros((len(x), *size, x.shape[3]), x.dtype)
    n = np.arange(len(x))[:, None, None]
    corners = _corners(x.shape, matrices, size, interpolation, fill_mode)
    for rows, columns, weights, inside in corners:
        values = np.where(inside[..., None], x[n, rows, columns], np.array(fill_value, x.dtype))
        y += weights[..., None].astype(x.dtype) * values
    return y


@op
def warp_backward(
    grad_y: Array, matrices: Array, size: tuple[int, int], interpolation: str, fill_mode: str
) -> Array:
    """Return grad_x: each gradient goes to the pixels its place was read from; `size` is x's."""
    grad_x = np.zeros((len(grad_y), *size, grad_y.shape[3]), grad_y.dtype)
    n = np.arange(len(grad_y))[:, None, None]
    corners = _corners(grad_x.shape, matrices, grad_y.shape[1:3], interpolation, fill_mode)
    for rows, columns, weights, inside in corners:
        share = (weights * inside)[..., None].astype(grad_y.dtype)
        np.add.at(grad_x, (n, rows, columns), share * grad_y)
    return grad_x


def _corners(shape, matrices, size, interpolation, fill_mode):  # type: ignore[no-untyped-def]
    """Yield (rows, columns, weights, inside), each (N, *size), of the pixels that are read."""
    a, b, c, d, e, f = matrices.T[:, :, None, None]
    y, x = np.arange(size[0])[:, None], np.arange(size[1])
    along_y = _neighbours(d * x + e * y + f, shape[1], interpolation, fill_mode)
    along_x = _neighbours(a * x + b * y + c, shape[2], interpolation, fill_mode)
    for (rows, weight_y, in_y), (columns, weight_x, in_x) in itertools.product(along_y, along_x):
        yield rows, columns, weight_y * weight_x, in_y & in_x


def _neighbours(place, size, interpolation, fill_mode):  # type: ignore[no-untyped-def]
    """Return (index, weight, whether it is a pixel) of what is read along one axis."""
    seen = np.abs(place) < 1e9  # neither NaN nor beyond what integers are exact for
    place = np.where(seen, place, 0.0)
    if fill_mode == "scipy constant":
        seen = seen & (place >= 0) & (place <= size - 1)
        place = np.where(seen, place, 0.0)
    if fill_mode == "scipy wrap" and size > 1:
        end = size - 1
        up, down = end * (np.floor(-place / end) + 1), end * np.floor(place / end)
        place = np.where(place < 0, place + up, np.where(place > end, place - down, place))
    if interpolation != "bilinear":
        near = np.rint(place) if interpolation == "nearest" else np.floor(place + 0.5)
        index, is_pixel = _index(near.astype(np.int64), size, fill_mode)
        return [(index, np.ones_like(place), is_pixel & seen)]
    low = np.floor(place)
    found = []
    for corner, weight in ((low, 1 - (place - low)), (low + 1, place - low)):
        index, is_pixel = _index(corner.astype(np.int64), size, fill_mode)
        found.append((index, weight, is_pixel & seen))
    return found


def _index(index, size, fill_mode):  # type: ignore[no-untyped-def]
    """Return a pixel for each index along one axis, and whether it is one; see FILL_MODES."""
    inside = np.ones(index.shape, bool)
    if fill_mode in ("constant", "scipy constant"):
        inside = (index >= 0) & (index < size)
    if fill_mode == "reflect":
        index = (np.abs((2 * index + 1 + 2 * size) % (4 * size) - 2 * size) - 1) // 2
    elif fill_mode == "wrap":
        index = index % size
    elif fill_mode == "mirror" and size > 1:
        index = np.abs((index + size - 1) % (2 * size - 2) - (size - 1))
    return np.clip(index, 0, size - 1), inside
