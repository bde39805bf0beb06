"""What an augmenter makes of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from npcnn.arguments import AnAugmenter, Numbers, PositiveInt
from npcnn.checks import ArgumentError, message
from npcnn.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray
MOST_ROWS = 40


@style.styled
def augmented_sheet(
    augmenter: AnAugmenter, images: Numbers, epochs: PositiveInt = 12, title: str = ""
) -> Figure:
    """Draw pictures as an augmenter changes them: at the left as they are, then epoch by epoch.

    Args:
        augmenter: a `datasets.Augmenter`.
        images: (n, rows, columns), or with 1 or 3 channels; any numbers, grey as ink on paper.
        epochs: how many are shown.
        title: a text for the head; one is made if it is empty.

    Raises:
        ArgumentError, DtypeError: images are not as said above.

    >>> from npcnn.datasets import Augmenter, draw_digits
    >>> figure = augmented_sheet(Augmenter(rotation=15), draw_digits(3, seed=1)[0], epochs=4)
    >>> figure.axes[0].images[0].get_array().shape  # three rows of five images and their gaps
    (88, 148)
    """
    shown = images[:MOST_ROWS]
    grey = shown.ndim == 3 or shown.shape[-1] == 1
    if shown.ndim not in (3, 4) or not shown.size or not (grey or shown.shape[-1] == 3):
        expected, fix = "pictures (n, rows, columns), grey or of 3 channels", "take some of them"
        raise ArgumentError(message("augmented_sheet(images)", expected, str(images.shape), fix))
    numbers = np.arange(len(shown))
    every = [shown.astype(np.float32), *(augmenter(shown, numbers, k) for k in range(epochs))]
    stacked = np.stack([one.reshape(*one.shape[:3], -1) for one in every], axis=1)
    sheet = _tiled(stacked, max(1, shown.shape[1] // 12), shown)
    height = 0.75 + sheet.shape[0] / sheet.shape[1] * (style.WIDTH - 0.3) + 0.15
    count = f"{len(shown)} pictures" if len(shown) > 1 else "One picture"
    note = "at the left as it is, then as each epoch sees it"
    figure = style.new_figure(title or f"{count} in {epochs} epochs", note, height=height)
    axes = style.bare(figure.add_subplot())
    axes.imshow(sheet[..., 0] if grey else sheet, cmap=style.GREY if grey else None)
    return figure


def _tiled(stacked: Array, gap: int, images: Array) -> Array:
    """Return one picture of (rows, columns, H, W, C), scaled to 0 … 1, with paper in between."""
    low, high = float(images.min()), float(images.max())
    scaled = np.clip((stacked - low) / max(high - low, 1e-30), 0, 1)
    rows, columns, height, width, channels = stacked.shape
    paper = 0.0 if channels == 1 else 1.0
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    sheet = np.full(shape, paper, np.float32)
    for i, j in np.ndindex(rows, columns):
        top, left = i * (height + gap), j * (width + gap)
        sheet[top : top + height, left : left + width] = scaled[i, j]
    return sheet
