"""How every picture looks: sizes, colours, titles. Readable when shown 800 pixels wide.

Pictures are plain `matplotlib.figure.Figure` objects on an Agg canvas. pyplot is never touched, so
nothing is kept alive behind the caller's back and no display is needed. A picture is made inside
`styled`, which sets matplotlib's parameters for that call only.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from npcnn.arguments import AFigure, Path, checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis, YAxis
    from matplotlib.figure import Figure

DPI = 100
WIDTH = 10.0  # inches: 1000 pixels

# Colours that people of all kinds of colour vision tell apart. Source: M. Okabe, K. Ito,
# "Color Universal Design", 2008.
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE, BLACK = "#0072B2", "#D55E00", "#CC79A7", "#000000"
PALETTE = (BLUE, VERMILLION, GREEN, ORANGE, SKY, PURPLE, BLACK)
INK, MUTED, FAINT, PAPER = "#1A1A1A", "#5F5F5F", "#D9D9D9", "#FFFFFF"
EDGE = "#B5B5B5"  # frames of pictures with white edges

GREY = "gray_r"  # ink on paper: 0 is white
DIVERGING = "RdBu_r"  # for signed values: negative blue, 0 white, positive red

PARAMETERS: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 12,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": PAPER,
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 12,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "figure.dpi": DPI,
    "figure.facecolor": PAPER,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "image.interpolation": "nearest",
    "legend.fontsize": 11,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "savefig.bbox": "standard",
    "savefig.dpi": DPI,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 11,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 11,
}

P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make a function check its arguments and draw in this style, whatever matplotlib is set to."""
    draw = checked(draw)

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        import matplotlib

        with matplotlib.rc_context(PARAMETERS):
            figure = draw(*args, **kwargs)
            figure.draw_without_rendering()  # ticks and layout are made when first drawn: now
            return figure

    wrapper.declared = True  # type: ignore[attr-defined]
    return wrapper


def new_figure(
    title: str, note: str = "", height: float = 5.0, width: float = WIDTH, arranged: bool = True
) -> Figure:
    """Return an empty figure with a title, and a smaller line under it.

    Args:
        title: what is seen.
        note: how to read it; may be left out.
        height: in inches of 100 pixels.
        width: likewise.
        arranged: whether axes arrange themselves below the title (matplotlib's constrained
            layout); False for a picture that says where everything goes.

    >>> figure = new_figure("Nothing yet", height=2.0)
    >>> figure.get_size_inches().tolist(), figure.texts[0].get_text()
    ([10.0, 2.0], 'Nothing yet')
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure: Figure = _shown_figure()(figsize=(width, height))
    FigureCanvasAgg(figure)
    left = 0.2 / width
    figure.text(left, 1 - 0.14 / height, title, fontsize=15, fontweight="bold", va="top")
    if note:
        figure.text(left, 1 - 0.44 / height, note, fontsize=11, color=MUTED, va="top")
    head = 0.75 if note else 0.5
    if arranged:
        figure.set_layout_engine("constrained", rect=(0.01, 0.0, 0.98, 1.0 - head / height))
    return figure


def gallery(title: str, note: str, rows: int, columns: int) -> tuple[Figure, Any]:
    """Return a figure, and a grid in it for small square pictures with a line above and below each.

    Where they stand is worked out here: to arrange a hundred axes takes matplotlib seconds.
    """
    height = 0.75 + rows * 1.75
    figure = new_figure(title, note, height=height, arranged=False)
    edges = {"left": 0.015, "right": 0.985, "top": 1 - 1.05 / height, "bottom": 0.32 / height}
    return figure, figure.add_gridspec(rows, columns, wspace=0.12, hspace=0.55, **edges)


@functools.cache
def _shown_figure() -> Any:
    """Return the class of all figures: matplotlib's, which a notebook shows as a picture.

    Made when first needed, since importing this file must not import matplotlib.
    """
    from matplotlib.figure import Figure

    return type("Figure", (Figure,), {"_repr_png_": png, "__module__": Figure.__module__})


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """Return a figure as the bytes of a PNG file, with so many dots an inch.

    >>> png(new_figure("Nothing yet", height=1.0))[1:4]
    b'PNG'
    """
    import matplotlib

    with matplotlib.rc_context(PARAMETERS), io.BytesIO() as file:
        figure.savefig(file, format="png", dpi=dpi)
        return file.getvalue()


def whole_numbers(axis: XAxis) -> None:
    """Put ticks at whole numbers only, such as steps and epochs, each once."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    low, high = axis.get_view_interval()
    if high - low < 1:  # a single one: matplotlib would write 0.96 to 1.04
        middle = round((low + high) / 2)
        axis.axes.set_xlim(middle - 1, middle + 1)
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def powers(axis: YAxis, values: np.ndarray) -> None:
    """Scale an axis by powers of ten if the values span one, and let no two labels be alike."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    positive = values[values > 0]
    if not positive.size or positive.max() < 10 * positive.min():
        return  # matplotlib's own ticks for what lies close together
    axis.axes.set_yscale("log")
    narrow = positive.max() < 300 * positive.min()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,), numticks=6))
    axis.set_major_formatter(StrMethodFormatter("{x:.0e}" if positive.max() < 1e-3 else "{x:g}"))
    axis.set_minor_locator(NullLocator())


def bare(axes: Axes) -> Axes:
    """Take ticks and frame off an axes that shows a picture."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return axes


@checked
def save_figure(figure: AFigure, path: Path) -> None:
    """Write a figure as a PNG file, whole or not at all.

    Raises FileError if the place cannot be written.

    >>> import pathlib, tempfile
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "empty.png"
    >>> save_figure(new_figure("Nothing yet", arranged=False), target)
    >>> target.read_bytes()[1:4]
    b'PNG'
    """
    write(figure, path)


def write(figure: Figure, path: str, dpi: int = DPI) -> None:
    """Write a figure as a PNG file with so many dots an inch."""
    from npcnn.files import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_bytes(png(figure, dpi))
