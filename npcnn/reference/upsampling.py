"""Larger images, with the backward directly under it: rows and columns each by a matrix."""

from __future__ import annotations

from typing import Literal

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


def taps(length: int, factor: int, interpolation: str) -> Array:
    """Return what each of length · factor new places takes of each old one, a matrix.

    Nearest: all of the one it lies in. Bilinear: of the two whose centres it lies between, the
    nearer one more; at the edge all of the last.

    >>> taps(2, 2, "bilinear")
    array([[1.  , 0.  ],
           [0.75, 0.25],
           [0.25, 0.75],
           [0.  , 1.  ]])
    """
    matrix = np.zeros((length * factor, length))
    places = np.arange(length * factor)
    if interpolation == "nearest":
        matrix[places, places // factor] = 1
        return matrix
    centres = np.clip((places + 0.5) / factor - 0.5, 0, length - 1)
    before = centres.astype(int)
    np.add.at(matrix, (places, before), 1 - (centres - before))
    np.add.at(matrix, (places, np.minimum(before + 1, length - 1)), centres - before)
    return matrix


@op
def upsampling2d(
    x: Array, size: tuple[int, int], interpolation: Literal["nearest", "bilinear"]
) -> Array:
    """Return images whose rows and columns are size times as many.

    Args:
        x: (N, H, W, C), float32 or float64.
        size: how often rows and columns are repeated.
        interpolation: 'nearest' repeats, 'bilinear' goes straight from centre to centre.

    Returns:
        y (N, size[0] · H, size[1] · W, C).

    >>> upsampling2d(np.arange(2.0).reshape(1, 1, 2, 1), (1, 2), "nearest")[0, 0, :, 0]
    array([0., 0., 1., 1.])
    """
    rows, columns = (taps(x.shape[k + 1], size[k], interpolation) for k in range(2))
    return _resampled(x, rows, columns)


@op
def upsampling2d_backward(
    grad_y: Array, size: tuple[int, int], interpolation: Literal["nearest", "bilinear"]
) -> Array:
    """Return grad_x: each place gets back what it gave.

    >>> upsampling2d_backward(np.ones((1, 2, 2, 1)), (2, 2), "nearest").ravel()
    array([4.])
    """
    shape = [grad_y.shape[k + 1] // size[k] for k in range(2)]
    rows, columns = (taps(shape[k], size[k], interpolation) for k in range(2))
    return _resampled(grad_y, rows.T, columns.T)


def _resampled(x: Array, rows: Array, columns: Array) -> Array:
    """Return Σ over h, w of rows[i, h] · columns[j, w] · x[n, h, w, c]."""
    real = x.real.dtype
    tall = np.einsum("ih,nhwc->niwc", rows.astype(real), x)
    return np.einsum("jw,niwc->nijc", columns.astype(real), tall)
