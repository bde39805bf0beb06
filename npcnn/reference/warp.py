"""Pictures turned, shifted, zoomed, sheared, flipped and bent; see npcnn/affine.py."""

from __future__ import annotations

import itertools

import numpy as np

from npcnn.affine import pixels
from npcnn.contracts import op

Array = np.ndarray


@op
def warp(
    x: Array, matrices: Array, size: tuple[int, int], interpolation: str, fill_mode: str,
    fill_value: float, field: Array | None = None,
) -> Array:  # fmt: skip
    """Return pictures read at transformed places; between pixels bilinearly, or at the nearest.

    Args:
        x: (N, H, W, C), float32 or float64.
        matrices: float64 (N, 6), as `random_affine` returns them.
        size: rows and columns of the result.
        interpolation: one of npcnn.affine.INTERPOLATIONS.
        fill_mode: one of npcnn.affine.FILL_MODES.
        fill_value: what 'constant' fills with.
        field: None, or (N, 2, *size): how many rows and columns further each place is read.

    Returns:
        (N, *size, C).

    >>> x = np.arange(3.0).reshape(1, 1, 3, 1)
    >>> shift = np.array([[1, 0, 0.5, 0, 1, 0]])
    >>> warp(x, shift, (1, 3), "bilinear", "nearest", 0.0).ravel()
    array([0.5, 1.5, 2. ])
    """
    y = np.zeros((len(x), *size, x.shape[3]), x.dtype)
    n = np.arange(len(x))[:, None, None]
    corners = _corners(x.shape, matrices, size, (interpolation, fill_mode), field)
    for rows, columns, weights, inside in corners:
        values = np.where(inside[..., None], x[n, rows, columns], np.array(fill_value, x.dtype))
        y += weights[..., None].astype(x.dtype) * values
    return y


@op
def warp_backward(
    grad_y: Array, matrices: Array, size: tuple[int, int], interpolation: str, fill_mode: str,
    field: Array | None = None,
) -> Array:  # fmt: skip
    """Return grad_x: each gradient goes to the pixels its place was read from; `size` is x's."""
    grad_x = np.zeros((len(grad_y), *size, grad_y.shape[3]), grad_y.dtype)
    n = np.arange(len(grad_y))[:, None, None]
    how = (interpolation, fill_mode)
    corners = _corners(grad_x.shape, matrices, grad_y.shape[1:3], how, field)
    for rows, columns, weights, inside in corners:
        share = (weights * inside)[..., None].astype(grad_y.dtype)
        np.add.at(grad_x, (n, rows, columns), share * grad_y)
    return grad_x


def _corners(shape, matrices, size, how, field):  # type: ignore[no-untyped-def]
    """Yield (rows, columns, weights, inside), each (N, *size), of the pixels that are read."""
    a, b, c, d, e, f = matrices.T[:, :, None, None]
    y, x = np.arange(size[0])[:, None], np.arange(size[1])
    further = (0.0, 0.0) if field is None else (field[:, 0], field[:, 1])
    along_y = _neighbours(d * x + e * y + f + further[0], shape[1], *how)
    along_x = _neighbours(a * x + b * y + c + further[1], shape[2], *how)
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
        index, is_pixel = pixels(near.astype(np.int64), size, fill_mode)
        return [(index, np.ones_like(place), is_pixel & seen)]
    low = np.floor(place)
    found = []
    for corner, weight in ((low, 1 - (place - low)), (low + 1, place - low)):
        index, is_pixel = pixels(corner.astype(np.int64), size, fill_mode)
        found.append((index, weight, is_pixel & seen))
    return found
