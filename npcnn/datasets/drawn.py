"""Digits drawn by the computer from strokes, for a machine that has no data set and no network."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from npcnn.arguments import PositiveInt, checked
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.datasets.strokes import STYLES, Style

Floats = NDArray[np.float32]

SIDE = 28  # rows and columns of a picture
BOX = 20.0  # MNIST scales each digit, its ratio kept, to fit a box of 20 by 20 …
CENTRE = 14  # … and shifts it by whole pixels until its centre of mass lies in this one
SEGMENTS = 32  # straight pieces that a digit is drawn with
# How hands differ: the standard deviations (and, where there is one, the mean) of what is drawn.
WOBBLE = 0.05  # of every point by itself, in heights of the digit, as all lengths here
PROPORTION = 0.08  # of the middle of the digit against its ends
WAVE = 0.05, 3.5  # of a smooth wave over the whole digit: its height, its radians a length
WIDTH = 0.8, 0.28  # to height; the deviation is that of the logarithm
SLANT = 0.2, 0.25  # to the right
TURN = 0.15  # radians
PEN = 1.3, 0.33  # radius in pixels; the deviation is that of the logarithm
PRESSURE = 0.12  # of the radius within a digit
EDGE = 0.6, 1.2  # from, to: over how many pixels the ink fades away
FULL = 245.0, 256.0  # from, to: the brightest ink
BLOCK = 100  # samples drawn at once from one random generator: always all of them, see draw_digits


def _seed(value: Any, where: str) -> int:
    if not is_whole(value) or not 0 <= value < 1 << 1024:
        fix = "give a whole number of 0 or more"
        raise ArgumentError(message(where, "an integer from 0", shown(value), fix))
    return int(value)


@checked
def draw_digits(
    n: PositiveInt, seed: Annotated[int, _seed] = 0
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw ``n`` digits that look written by hand, white on black: ``(images, labels)``.

    A sample is one of several styles of its digit (``strokes.py``), its points shifted at random,
    bent by a smooth wave, then widened, slanted and turned; it is fitted into the 20 by 20 box and
    centred by mass as MNIST's digits are, and drawn with a pen of random width. The ink of a pixel
    falls off with its distance to the nearest piece of the line, which smooths the edges.
    These are *not* MNIST's pictures: they stand in where those cannot be had.

    Args:
        n: how many, at least 1.
        seed: a whole number from 0; the same seed gives the same pictures, and those of a smaller
            ``n`` are the first of those of a larger one.

    Returns:
        ``images``, uint8 ``(n, 28, 28)``, and ``labels``, uint8 ``(n,)``. Every ten in a row hold
        each digit once.

    Raises:
        ArgumentError: ``n`` is not a positive integer, or ``seed`` not one from 0.

    >>> images, labels = draw_digits(10, seed=1)
    >>> images.shape, images.dtype, sorted(labels.tolist())
    ((10, 28, 28), dtype('uint8'), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    try:
        images = np.empty((n, SIDE, SIDE), np.uint8)
        labels = np.empty(n, np.uint8)
    except (MemoryError, ValueError):  # ValueError: more bytes than can be counted
        fix = "draw them in parts"
        raise ArgumentError(
            message("draw_digits(n)", "as many as memory holds", str(n), fix)
        ) from None
    for block, start in enumerate(range(0, n, BLOCK)):
        # A whole block is drawn even if only its first samples are wanted: the bits of a sample
        # must not depend on n.
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block,)))
        stop = min(start + BLOCK, n)
        block_images, block_labels = _draw_block(rng)
        images[start:stop] = block_images[: stop - start]
        labels[start:stop] = block_labels[: stop - start]
    return images, labels


def _draw_block(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    tens = np.tile(np.arange(10, dtype=np.uint8), (BLOCK // 10, 1))
    labels = rng.permuted(tens, axis=1).ravel()
    starts, ends = _pen_path(_choose_styles(labels, rng), rng)
    radius = np.exp(rng.normal(np.log(PEN[0]), PEN[1], BLOCK)).clip(0.7, 2.6)
    edge = rng.uniform(*EDGE, BLOCK)
    starts, ends = _place(starts, ends, BOX - 2 * radius - edge, rng)
    ink = _ink(
        starts.astype(np.float32),
        ends.astype(np.float32),
        radius.astype(np.float32),
        edge.astype(np.float32),
        _pressure(BLOCK, rng),
    )
    full = rng.uniform(*FULL, (BLOCK, 1, 1))
    return centred((ink * full).astype(np.uint8)), labels


def _choose_styles(labels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return for each label the number of one of its digit's styles, drawn by their shares."""
    _, first, shares = _table()
    drawn = rng.random(len(labels))
    chosen = np.empty(len(labels), np.intp)
    for digit, share in enumerate(shares):
        mine = labels == digit
        chosen[mine] = first[digit] + np.searchsorted(share, drawn[mine], side="right")
    return chosen


def _pen_path(styles: NDArray[np.intp], rng: np.random.Generator) -> tuple[Any, Any]:
    """Return where each piece of each digit starts and ends, ``(n, SEGMENTS, 2)`` each."""
    (points, from_points, to_points), _, _ = _table()
    n = len(styles)
    moved = points[styles] + rng.normal(0, WOBBLE, (n, points.shape[1], 2))
    middle = rng.normal(0, PROPORTION, (n, 1, 2))
    wave = rng.normal(0, WAVE[1], (n, 2, 2))  # for x and for y, its radians along x and along y
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 2))
    height = rng.normal(0, WAVE[0], (n, 1, 2))
    angle = rng.normal(0, TURN, n)
    slant = rng.normal(*SLANT, n)
    width = np.exp(rng.normal(np.log(WIDTH[0]), WIDTH[1], n))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    lean = np.array([[width, -slant], [np.zeros(n), np.ones(n)]])
    matrix = np.einsum("ijn,jkn->nik", turn, lean)

    def bend(weights: Floats) -> NDArray[np.float64]:
        line = weights[styles] @ moved
        line += middle * np.sin(np.pi * line)
        line += height * np.sin(line @ wave + phase)
        return np.einsum("nik,nsk->nsi", matrix, line)

    return bend(from_points), bend(to_points)


def _place(starts: Any, ends: Any, room: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Scale every digit to the room it has, and bring its middle near that of the picture."""
    low = np.minimum(starts, ends).min(axis=1)
    high = np.maximum(starts, ends).max(axis=1)
    scale = room / (high - low).max(axis=1)
    starts, ends = starts * scale[:, None, None], ends * scale[:, None, None]
    length = np.sqrt(((ends - starts) ** 2).sum(axis=2)) + 1e-6
    mass = (length[:, :, None] * (starts + ends) / 2).sum(axis=1) / length.sum(axis=1)[:, None]
    shift = CENTRE + rng.uniform(0, 1, mass.shape) - mass
    return starts + shift[:, None], ends + shift[:, None]


def _ink(starts: Floats, ends: Floats, radius: Floats, edge: Floats, pressure: Floats) -> Floats:
    """Return the pictures, ``(n, 28, 28)`` from 0 to 1: 0 where no piece of the line is near."""
    n = len(starts)
    pixel = np.arange(SIDE, dtype=np.float32) + np.float32(0.5)
    nearest = np.full((n, SIDE, SIDE), np.inf, np.float32)  # squared distance to the line
    for s in range(SEGMENTS):
        start, along = starts[:, s, :, None], ends[:, s, :, None] - starts[:, s, :, None]
        right, down = pixel - start[:, 0], pixel - start[:, 1]  # (n, 28) each
        unit = along / ((along**2).sum(axis=1, keepdims=True) + np.float32(1e-6))
        # How far along the piece the pixel's foot lies: 0 at its start, 1 at its end.
        foot = (down * unit[:, 1])[:, :, None] + (right * unit[:, 0])[:, None, :]
        np.clip(foot, 0, 1, out=foot)
        across = right[:, None, :] - foot * along[:, 0, :, None]
        foot *= along[:, 1, :, None]
        np.subtract(down[:, :, None], foot, out=foot)
        across *= across
        foot *= foot
        across += foot
        across *= pressure[:, s, None, None]
        np.minimum(nearest, across, out=nearest)
    reach = radius[:, None, None] - np.sqrt(nearest)  # how deep in the ink the pixel lies
    return np.clip(reach / edge[:, None, None] + np.float32(0.5), 0, 1)


def centred(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shift every picture by whole pixels so that its centre of mass lies in pixel CENTRE."""
    n = len(images)
    pixel = np.arange(SIDE)
    mass = images.sum(axis=(1, 2), dtype=np.int64)
    rows = (images.sum(axis=2, dtype=np.int64) * (pixel + 0.5)).sum(axis=1) / mass
    columns = (images.sum(axis=1, dtype=np.int64) * (pixel + 0.5)).sum(axis=1) / mass
    margin = SIDE // 2  # what is shifted out is lost, what comes in is empty
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
    row = pixel + (np.floor(rows).astype(np.intp) - CENTRE + margin)[:, None]
    column = pixel + (np.floor(columns).astype(np.intp) - CENTRE + margin)[:, None]
    return padded[np.arange(n)[:, None, None], row[:, :, None], column[:, None, :]]


def _pressure(n: int, rng: np.random.Generator) -> Floats:
    """Return (n, SEGMENTS): what the squared distances are multiplied by; less where pressed."""
    along = np.linspace(0, 1, SEGMENTS)
    swing = rng.normal(0, PRESSURE, (n, 1)) * np.sin(
        along * rng.uniform(2, 10, (n, 1)) + rng.uniform(0, 2 * np.pi, (n, 1))
    )
    return np.exp(-2 * swing).astype(np.float32)


@functools.cache
def _table() -> Any:
    """Return the styles as arrays: ``(points, from_points, to_points), first, shares``.

    ``points`` is (styles, P, 2): the points of every style, padded; ``from_points`` and
    ``to_points`` are (styles, SEGMENTS, P): the starts and ends of the pieces are these times the
    points. ``first[digit]`` is the number of a digit's first style, ``shares[digit]`` their shares
    added up.
    """
    prepared = [_prepare(style) for digit in range(10) for style in STYLES[digit]]
    most = max(len(points) for points, _, _ in prepared)
    points = np.zeros((len(prepared), most, 2))
    weights = np.zeros((2, len(prepared), SEGMENTS, most))
    for i, (xy, start, end) in enumerate(prepared):
        points[i, : len(xy)] = xy
        weights[0, i, :, : len(xy)] = start
        weights[1, i, :, : len(xy)] = end
    counts = [len(STYLES[digit]) for digit in range(10)]
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    shares = []
    for digit in range(10):
        share = np.cumsum([style.share for style in STYLES[digit]])
        shares.append(share[:-1] / share[-1])
    return (points, weights[0], weights[1]), first, shares


def _prepare(style: Style) -> tuple[Any, Any, Any]:
    """Return a style's points and the weights that make its SEGMENTS pieces from them."""
    points: list[list[int]] = []
    curves: list[list[int]] = []  # numbers of the points on each stretch without a corner
    for stroke in style.strokes:
        curves.append([])
        for word in stroke.split():
            curves[-1].append(len(points))
            if word.endswith("!"):
                curves.append([len(points)])
            points.append([int(number) for number in word.rstrip("!").split(",")])
    xy = np.array(points) / 100
    lengths = np.array([np.hypot(*np.diff(xy[c], axis=0).T).sum() for c in curves])
    pieces = np.maximum(2, np.floor(lengths / lengths.sum() * SEGMENTS).astype(int))
    pieces[np.argmax(pieces)] += SEGMENTS - pieces.sum()
    start, end = [], []
    for curve, count in zip(curves, pieces, strict=True):
        line = np.zeros((count + 1, len(xy)))
        line[:, curve] = _spline_weights(len(curve), count)
        start.append(line[:-1])
        end.append(line[1:])
    return xy, np.concatenate(start), np.concatenate(end)


def _spline_weights(points: int, pieces: int) -> NDArray[np.float64]:
    """Return (pieces + 1, points): weights of a Catmull–Rom curve through the points.

    Between neighbours b and c (a before, d after) at t in [0, 1] the curve is
    b + t/2 (c - a) + t²/2 (2a - 5b + 4c - d) + t³/2 (3b - a - 3c + d); at an end of the curve the
    missing neighbour is the end point mirrored, 2b - c.
    """
    place = np.linspace(0, points - 1, pieces + 1)
    left = np.minimum(place.astype(int), points - 2)
    t = (place - left)[:, None]
    padded = np.zeros((points + 2, points))
    padded[1:-1] = np.eye(points)
    padded[0] = 2 * padded[1] - padded[2]
    padded[-1] = 2 * padded[-2] - padded[-3]
    a, b, c, d = (padded[left + i] for i in range(4))
    curve = 2 * b + t * (c - a) + t**2 * (2 * a - 5 * b + 4 * c - d)
    return (curve + t**3 * (3 * b - a - 3 * c + d)) / 2
