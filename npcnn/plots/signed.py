"""Small pictures of arrays, the way all pictures of the inside draw them.

Signed values lie on a diverging map with 0 in the middle, white; values that are never negative
are ink on paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Array = np.ndarray


def limit(array: Array) -> float:
    """Return the largest size in an array, at least a hair above 0.

    >>> limit(np.array([-2.0, 1.0]))
    2.0
    """
    finite = np.asarray(array)[np.isfinite(array)]
    return float(np.abs(finite).max(initial=0.0)) or 1e-30


def draw_map(
    axes: Axes, array: Array, size: float | None = None, signed: bool | None = None, **kwargs: Any
) -> AxesImage:
    """Draw a matrix on bare axes.

    Args:
        axes: taken bare.
        array: (rows, columns).
        size: the value drawn in full colour; None for the largest in the array.
        signed: whether 0 is the middle of the map; None if any value is negative.
        kwargs: for imshow.
    """
    signed = bool((array < 0).any()) if signed is None else signed
    size = limit(array) if size is None else size
    style.bare(axes)
    kwargs = {"aspect": "equal", **kwargs}
    if signed:
        return axes.imshow(array, cmap=style.DIVERGING, vmin=-size, vmax=size, **kwargs)
    return axes.imshow(array, cmap=style.GREY, vmin=0, vmax=size, **kwargs)


def draw_tiles(
    axes: Axes, tiles: Array, columns: int, size: float | None = None, signed: bool | None = None,
    gap: float = 0.0,
) -> AxesImage:  # fmt: skip
    """Draw many matrices side by side, row under row.

    However many they are, they make one image and one set of lines: an axes for each would take
    minutes for a convolution of 64 filters over 32 channels.

    Args:
        axes: taken bare.
        tiles: (n, rows, columns), first to last.
        columns: how many side by side.
        size: the value drawn in full colour; None for the largest in the array.
        signed: whether 0 is the middle of the map; None if any value is negative.
        gap: points of paper between tiles; 0 for a thin frame around each.
    """
    from matplotlib.collections import LineCollection

    count, height, width = tiles.shape
    drawn = draw_map(axes, sheet(tiles, columns), size, signed)
    frames = []
    for y, x in (tile_corner(k, columns, height, width) for k in range(count)):
        right, bottom = x + width, y + height
        frames.append([(x, y), (right, y), (right, bottom), (x, bottom), (x, y)])
    colour = style.PAPER if gap else style.EDGE
    lines = LineCollection(frames, colors=colour, linewidths=gap or 0.8, clip_on=False)
    axes.add_collection(lines, autolim=False)
    return drawn


def sheet(tiles: Array, columns: int) -> Array:
    """Return tiles (n, rows, columns) in one matrix, `columns` side by side; NaN where none is.

    >>> sheet(np.arange(3.0).reshape(3, 1, 1), 2)
    array([[ 0.,  1.],
           [ 2., nan]])
    """
    count, height, width = tiles.shape
    rows = -(-count // columns)
    made = np.full((rows * columns, height, width), np.nan)
    made[:count] = tiles
    made = made.reshape(rows, columns, height, width).swapaxes(1, 2)
    return made.reshape(rows * height, columns * width)


def tile_corner(place: int, columns: int, height: int, width: int) -> tuple[float, float]:
    """Return the top and left edge of a tile that `draw_tiles` drew.

    >>> tile_corner(5, 4, 3, 2)
    (2.5, 1.5)
    """
    row, column = divmod(place, columns)
    return row * height - 0.5, column * width - 0.5


def tile_ticks(count: int, size: int, inches: float) -> tuple[list[float], list[int]]:
    """Return the middles of tiles in a row and their numbers: all, or every second, fourth, …

    Args:
        count: tiles in the row.
        size: cells of a tile.
        inches: how long the row is: numbers stand a fifth of an inch apart at least.

    >>> tile_ticks(3, 4, 1.0)
    ([1.5, 5.5, 9.5], [0, 1, 2])
    """
    pitch = 1
    while count / pitch > max(inches / 0.22, 1):
        pitch *= 2
    numbers = list(range(0, count, pitch))
    return [size * (k + 0.5) - 0.5 for k in numbers], numbers


def outline(axes: Axes) -> None:
    """Put a thin frame around axes that show a picture with white edges."""
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(style.FAINT)
        spine.set_linewidth(0.8)


def mark(axes: Axes, top: float, left: float, height: float, width: float) -> None:
    """Draw a box around cells of a matrix."""
    from matplotlib.patches import Rectangle

    how: Any = {"fill": False, "edgecolor": style.ORANGE, "linewidth": 2.0}
    axes.add_patch(Rectangle((left - 0.5, top - 0.5), width, height, **how))


def colour_key(figure: Figure, image: AxesImage, axes: Any, label: str, **kwargs: Any) -> None:
    """Put a thin colour bar beside axes."""
    kwargs = {"shrink": 0.9, "aspect": 30, "pad": 0.02, **kwargs}
    from matplotlib.ticker import MaxNLocator

    kwargs.setdefault("ticks", MaxNLocator(3 if "orientation" in kwargs else 6))
    bar = figure.colorbar(image, ax=axes, **kwargs)
    bar.outline.set_visible(False)
    bar.set_label(label, fontsize=11, color=style.MUTED)
    bar.ax.tick_params(labelsize=10)


def short(value: float) -> str:
    """Return a number as a label: two significant digits, all those before the point.

    >>> short(0.01234), short(123.4), short(-0.0)
    ('0.012', '123', '0')
    """
    value = value + 0.0
    return f"{value:.0f}" if 10 <= abs(value) < 1e5 else f"{value:.2g}"
