"""Layers that bring pictures to another size, as the page does them: a share of each old pixel.

Resizing in all its ways, RandomCrop outside training, CenterCrop of what is too small, UpSampling2D
between centres: they treat rows and columns each by themselves, so that a new pixel is
Σ rows[i, h] · columns[j, w] · x[h, w], and the rest of the shares, of places beside the picture, a
constant. What the shares are is read off the layer itself, from pictures with a single row of ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

Array = np.ndarray

AT_ONCE = 4_000_000  # numbers of the pictures that are looked at in one piece
NOTHING = 1e-12  # shares below it are rounding


def resampling(layer: Any) -> dict[str, Any] | None:
    """Return rows and columns, [[old place, share], …] for each new one, and what fills the rest.

    None for a layer that does something else.

    >>> from npcnn import layers
    >>> layer = layers.UpSampling2D((1, 2), interpolation="bilinear")
    >>> layer.build((None, 1, 2, 1))
    >>> resampling(layer)["columns"]
    [[[0, 1.0]], [[0, 0.75], [1, 0.25]], [[0, 0.25], [1, 0.75]], [[1, 1.0]]]
    """
    config = {**layer.get_config(), "dtype": "float64"}
    config.pop("name", None)
    _, height, width, _ = layer.input_shape
    kind: Any = type(layer)
    return _measured(kind, json.dumps(config), height, width)


@lru_cache(maxsize=64)  # a page in training asks several times a second
def _measured(cls: Any, text: str, height: int, width: int) -> dict[str, Any] | None:
    config = json.loads(text)
    fill = float(config.get("fill_value", 0.0))
    plain = {**config, "fill_value": 0.0} if "fill_value" in config else config
    whole = _made(cls, plain, np.ones((1, height, width, 1)))[:, :, 0]
    i, j = np.unravel_index(np.abs(whole).argmax(), whole.shape)  # not of what is filled in
    rows = np.concatenate([_made(cls, plain, x)[:, j] for x in _lines(height, width, 0)], axis=-1)
    columns = np.concatenate([_made(cls, plain, x)[i] for x in _lines(height, width, 1)], axis=-1)
    columns /= whole[i, j]  # which is in both now
    x = np.random.default_rng(0).normal(size=(1, height, width, 1))
    expected = _made(cls, config, x)[:, :, 0]
    found = rows @ x[0, :, :, 0] @ columns.T
    found += fill * (1 - np.outer(rows.sum(axis=1), columns.sum(axis=1)))
    if not np.allclose(found, expected, rtol=0, atol=1e-9 * (1 + abs(fill))):
        return None
    return {"rows": _listed(rows), "columns": _listed(columns), "fill": fill}


def _made(cls: Any, config: dict[str, Any], x: Array) -> Array:
    """Return what a layer of this config makes of a picture (1, H, W, C)."""
    return np.asarray(cls.from_config(config)(x, training=False))[0]


def _lines(height: int, width: int, axis: int) -> Iterator[Array]:
    """Yield pictures with one row, or column, of ones in each channel: all of them, in order."""
    length, at_once = (height, width)[axis], max(1, AT_ONCE // (height * width))
    for start in range(0, length, at_once):
        chosen = np.arange(start, min(start + at_once, length))
        x = np.zeros((1, height, width, len(chosen)))
        np.moveaxis(x[0], axis, 0)[chosen, :, chosen - start] = 1
        yield x


def _listed(shares: Array) -> list[list[list[float]]]:
    return [
        [[int(k), float(row[k])] for k in np.flatnonzero(np.abs(row) > NOTHING)] for row in shares
    ]
