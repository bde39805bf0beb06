"""Small pictures of arrays, the way all pictures of the inside draw them.

Signed values lie on a diverging map with 0 in the middle, white; values that are never negative
are ink on paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.plots import style

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


def outline(axes: Axes, color: str = style.FAINT, width: float = 0.8) -> None:
    """Put a thin frame around axes that show a picture with white edges."""
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(color)
        spine.set_linewidth(width)


def mark(
    axes: Axes, top: float, left: float, height: float, width: float, color: str = style.ORANGE,
    line: float = 2.0,
) -> None:  # fmt: skip
    """Draw a box around cells of a matrix."""
    from matplotlib.patches import Rectangle

    corner = (left - 0.5, top - 0.5)
    axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=color, linewidth=line))


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
