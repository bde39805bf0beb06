"""What stands in for a data set where none can be had, if the user asks: NPCNN_DATA=drawn.

Coloured shapes on a coloured ground: a network can learn them, and no result on them says anything
about the data set in whose place they stand. A warning says so.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from npcnn.checks import NpcnnWarning
from npcnn.datasets.drawn import draw_digits

Bytes = NDArray[np.uint8]
Split = tuple[Bytes, Bytes]
Floats = NDArray[np.float32]

VARIABLE = "NPCNN_DATA"
DRAWN = "drawn"  # as its value
SHAPES = 10
BLOCK = 500  # pictures drawn at once
NOISE = 12.0  # grey levels


def wanted() -> bool:
    """Tell whether the user asks for drawn pictures; a folder of that name is a folder."""
    return os.environ.get(VARIABLE) == DRAWN and not Path(DRAWN).is_dir()


def digits(name: str, train: int, test: int) -> tuple[Split, Split]:
    """Return drawn digits, those of training and those of the test differently seeded."""
    _say(name, "digits")
    return draw_digits(train, seed=1), draw_digits(test, seed=2)


def grey(name: str, train: int, test: int) -> tuple[Split, Split]:
    """Return drawn shapes of ten kinds, uint8 (n, 28, 28)."""
    _say(name, "grey shapes")
    parts = [draw_shapes(n, seed, 28, (SHAPES,)) for seed, n in ((1, train), (2, test))]
    (x_train, y_train), (x_test, y_test) = ((x.max(axis=3), y[:, 0]) for x, y in parts)
    return (x_train, y_train), (x_test, y_test)


def coloured(name: str, train: int, test: int, classes: tuple[int, ...]) -> tuple[Split, Split]:
    """Return drawn shapes, uint8 (n, 32, 32, 3); of 100 classes the colour counts, too."""
    _say(name, "coloured shapes")
    return draw_shapes(train, 1, 32, classes), draw_shapes(test, 2, 32, classes)


def draw_shapes(n: int, seed: int, side: int, classes: tuple[int, ...]) -> Split:
    """Draw ``n`` shapes: images uint8 ``(n, side, side, 3)``, labels ``(n, len(classes))``.

    The last label is that of 10 shapes, or of 10 shapes in 10 colours; one before it, coarser, is
    what it is divided by.

    >>> images, labels = draw_shapes(6, 0, 32, (20, 100))
    >>> images.shape, labels.shape
    ((6, 32, 32, 3), (6, 2))
    """
    rng = np.random.default_rng(seed)
    images = np.empty((n, side, side, 3), np.uint8)
    fine = rng.permutation(np.arange(n) % classes[-1])
    hues = fine // SHAPES / SHAPES if classes[-1] > SHAPES else rng.random(n)
    for start in range(0, n, BLOCK):
        part = slice(start, min(start + BLOCK, n))
        images[part] = _block(fine[part] % SHAPES, hues[part], side, rng)
    labels = [fine * some // classes[-1] for some in classes]
    return images, np.stack(labels, axis=1).astype(np.uint8)


def _block(shapes: NDArray[np.intp], hues: NDArray[np.float64], side: int,
           rng: np.random.Generator) -> Bytes:  # fmt: skip
    n = len(shapes)
    pixel = np.linspace(-1, 1, side, dtype=np.float32)
    angle = rng.normal(0, 0.15, (2, n, 1, 1)).astype(np.float32)
    middle = rng.uniform(-0.25, 0.25, (2, n, 1, 1)).astype(np.float32)
    size = rng.uniform(0.5, 0.8, (n, 1, 1)).astype(np.float32)
    x = (pixel - middle[0] + angle[0] * pixel[:, None]) / size
    y = (pixel[:, None] - middle[1] + angle[1] * pixel) / size
    ink = np.empty((n, side, side), np.float32)
    for shape in range(SHAPES):
        mine = shapes == shape
        ink[mine] = _shape(shape, x[mine], y[mine])
    soft = np.clip(0.5 + ink * (side * size / 2), 0, 1)[..., None]
    ground: Floats = _colour(rng.random(n), rng.uniform(20, 110, n)) * (1 + 0.3 * x[..., None])
    colour = _colour(hues, rng.uniform(170, 255, n))
    noise = rng.normal(0, NOISE, (n, side, side, 1)).astype(np.float32)
    return np.clip(ground + soft * (colour - ground) + noise, 0, 255).astype(np.uint8)


def _shape(shape: int, x: Floats, y: Floats) -> Floats:
    """Return how far within the shape a pixel lies; negative outside. The box is −1 to 1."""
    radius: Floats = np.hypot(x, y)
    square: Floats = 1 - np.maximum(abs(x), abs(y))
    if shape == 0:  # a disc
        return 1 - radius
    if shape == 1:  # a ring
        return 0.25 - abs(radius - 0.75)
    if shape == 2:  # a square
        return square
    if shape == 3:  # a frame
        return np.minimum(square, 0.4 - square)
    if shape == 4:  # a triangle
        return np.minimum(0.8 - y, 0.5 + y / 2 - abs(x))
    if shape == 5:  # a cross
        return np.minimum(square, 0.3 - np.minimum(abs(x), abs(y)))
    if shape == 6:  # a cross that leans
        return np.minimum(square, 0.3 - np.minimum(abs(x - y), abs(x + y)))
    if shape == 7:  # bars that lie
        return np.minimum(square, 0.25 * np.sin(8 * y))
    if shape == 8:  # bars that stand
        return np.minimum(square, 0.25 * np.sin(8 * x))
    return np.minimum(square, 0.25 * np.sin(6 * x) * np.sin(6 * y))  # a chessboard


def _colour(hue: NDArray[np.float64], bright: NDArray[np.float64]) -> Floats:
    """Return colours (n, 1, 1, 3) of a hue from 0 to 1 and a brightness."""
    wheel = 0.55 + 0.45 * np.cos(2 * np.pi * (hue[:, None] - np.arange(3) / 3))
    colours: Floats = (wheel * bright[:, None]).astype(np.float32)
    return colours[:, None, None]


def _say(name: str, what: str) -> None:
    text = f"{name}: drawn {what} stand in for the data set, since NPCNN_DATA is 'drawn'"
    warnings.warn(f"{text}; results on them say nothing about it.", NpcnnWarning, stacklevel=6)
