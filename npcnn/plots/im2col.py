"""A convolution as the matrix product that it is: picture, columns, kernel, product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.arguments import ATrace, Count, WhichLayer
from npcnn.checks import ArgumentError, message
from npcnn.figures import style
from npcnn.plots import signed

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Array = np.ndarray


@style.styled
def im2col(
    trace: ATrace, layer: WhichLayer, sample: Count = 0, row: Count = 0, col: Count = 0,
    filter: Count = 0, title: str = "",
) -> Figure:  # fmt: skip
    """Draw im2col laid out, with one window marked in all four matrices.

    The picture; the columns matrix, a row for each window; the kernel matrix, a column for each
    filter; their product, a row for each output pixel. The marked window is one row of the second
    and, for one filter, one cell of the last.

    Args:
        trace: from `npcnn.trace`.
        layer: a convolution's name or place.
        sample: which of the batch.
        row: of the output pixel.
        col: its column.
        filter: which filter.
        title: a text for the head; one is made if it is empty.

    Raises:
        ArgumentError: the layer is no convolution, or there is no such pixel.

    >>> from npcnn import Sequential, layers
    >>> from npcnn.inspection import trace
    >>> model = Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten()])
    >>> model.add(layers.Dense(3, activation="softmax"))
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> step = trace(model, np.ones((1, 8, 8, 1)), [1])
    >>> figure = im2col(step, "conv2d", row=2, col=3)
    >>> len(figure.axes)
    4
    """
    from npcnn.inspection.windows import ConvWindow
    from npcnn.reference import conv

    window = trace.window(layer, sample, row, col, filter)
    if not isinstance(window, ConvWindow):
        got = f"{type(trace[layer].layer).__name__} {trace[layer].name!r}"
        raise ArgumentError(message("im2col(layer)", "a convolution", got, "name a Conv2D"))
    seen = trace[layer]
    made: Any = seen.layer
    columns = conv.im2col(
        seen.input[sample : sample + 1], made.kernel_size, made.strides, made.padding,
        made.dilation_rate,
    )  # fmt: skip
    rows, cols = columns.shape[1:3]
    matrix = columns.reshape(rows * cols, -1)
    kernel = seen.kernel.reshape(-1, seen.kernel.shape[3])
    product = matrix.astype(np.float64) @ kernel
    taps, count = kernel.shape
    title = title or f"{seen.name}: a convolution is one matrix product"
    note = (
        f"orange: the window of row {row}, column {col} in the picture, as row {row * cols + col} "
        f"of the columns, times filter {filter}, gives {signed.short(window.total)}"
    )
    figure = style.new_figure(title, note, height=6.6)
    figure.set_layout_engine("none")
    _picture(figure, seen.input[sample], window)
    return _matrices(figure, matrix, kernel, product, (row * cols + col, filter, taps, count))


def _picture(figure: Figure, image: Array, window: Any) -> None:
    """Draw the input's channels one under the other, with the window in each."""
    channels = image.shape[2]
    shown = min(channels, 5)
    size = min(2.6, 5.0 / shown - 0.08)
    tall = float(figure.get_size_inches()[1])
    top = tall - 1.35
    for c in range(shown):
        bottom = top - (c + 1) * (size + 0.08) + 0.08
        place = (0.25 / style.WIDTH, bottom / tall, size / style.WIDTH, size / tall)
        axes = figure.add_axes(place)
        signed.draw_map(axes, image[:, :, c], signed.limit(image))
        signed.outline(axes)
        height = (window.patch.shape[0] - 1) * window.dilation[0] + 1
        width = (window.patch.shape[1] - 1) * window.dilation[1] + 1
        signed.mark(axes, window.top, window.left, height, width)
        axes.set_xlim(-1.5, image.shape[1] + 0.5)
        axes.set_ylim(image.shape[0] + 0.5, -1.5)
        if c == 0:
            more = f", {shown} of {channels} channels" if channels > shown else ""
            more = f", {channels} channels" if 1 < channels <= shown else more
            axes.set_title(f"input {image.shape[0]}×{image.shape[1]}{more}")


def _matrices(
    figure: Figure, matrix: Array, kernel: Array, product: Array, at: tuple[int, int, int, int]
) -> Figure:
    row, filter, taps, count = at
    tall = float(figure.get_size_inches()[1])
    bottom, height = 0.45, tall - 1.35 - 0.45
    wide = 3.0
    left = 3.25
    windows = len(matrix)
    unit = max(windows / 110, 1.0)  # so that the marked row can be seen

    axes = _axes(figure, left, bottom, wide, height)
    signed.draw_map(axes, matrix, aspect="auto")
    signed.outline(axes)
    axes.set_title(f"columns {windows}×{taps}")
    axes.set_xlabel("one window a row", fontsize=11, color=style.MUTED)
    _mark_row(axes, row, 0, taps, unit)

    left += wide + 0.55
    _sign(figure, left - 0.28, bottom + height / 2, "×")
    wide = min(1.1, max(0.6, 0.17 * count))
    low = min(height, max(0.9, 0.07 * taps + 0.5))
    axes = _axes(figure, left, bottom + (height - low) / 2, wide, low)
    signed.draw_map(axes, kernel, signed=True, aspect="auto")
    signed.outline(axes)
    axes.set_title(f"kernel {taps}×{count}")
    axes.set_xlabel("one filter\na column", fontsize=11, color=style.MUTED)
    signed.mark(axes, 0, filter, taps, 1)

    left += 1.1 + 0.55
    _sign(figure, left - 0.28, bottom + height / 2, "=")
    wide = min(1.1, max(0.6, 0.17 * count))
    axes = _axes(figure, left, bottom, wide, height)
    signed.draw_map(axes, product, signed=True, aspect="auto")
    signed.outline(axes)
    axes.set_title(f"product {windows}×{count}")
    axes.set_xlabel("one pixel a row", fontsize=11, color=style.MUTED)
    _mark_row(axes, row, filter, 1, unit, left_side=False)
    return figure


def _mark_row(
    axes: Any, row: int, left: float, width: float, unit: float, left_side: bool = True
) -> None:
    """Frame one row of a tall matrix, and point at it from the side."""
    signed.mark(axes, row - unit / 2 + 0.5, left, unit, width)
    axes.annotate(
        str(row), (0 if left_side else 1, row), (-5 if left_side else 5, 0),
        xycoords=("axes fraction", "data"), textcoords="offset points",
        ha="right" if left_side else "left", va="center", fontsize=10, color=style.VERMILLION,
    )  # fmt: skip


def _axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Any:
    across, tall = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / tall, width / across, height / tall))


def _sign(figure: Figure, left: float, bottom: float, text: str) -> None:
    across, tall = figure.get_size_inches()
    figure.text(left / across, bottom / tall, text, fontsize=22, ha="center", va="center")
