"""Pictures of a data set: a sheet of samples, and what a model got wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.arguments import Numbers, PositiveInt
from npcnn.checks import ArgumentError, message
from npcnn.figures import style
from npcnn.plots.arrays import Array, as_images, as_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PER_ROW = 8  # mistakes side by side


@style.styled
def sample_sheet(
    images: Numbers, labels: Numbers, columns: PositiveInt = 20, title: str = ""
) -> Figure:
    """Draw a sheet of samples, one row a class: the first ones of each, ink on paper.

    Args:
        images: (n, rows, columns) or (n, rows, columns, 1), any numbers; the largest is black.
        labels: integers (n,), or one-hot rows (n, classes).
        columns: how many samples a class.
        title: a text for the head; one is made if it is empty.

    Raises:
        ArgumentError, DtypeError: images or labels are not as said above.

    >>> from npcnn.datasets import draw_digits
    >>> figure = sample_sheet(*draw_digits(50, seed=1), columns=5)
    >>> figure.axes[0].images[0].get_array().shape  # ten rows of five images and their gaps
    (298, 148)
    """
    images = as_images(images, "sample_sheet(images)")
    labels = as_labels(labels, len(images), "sample_sheet(labels)")
    classes, counts = np.unique(labels, return_counts=True)
    columns = min(columns, int(counts.max()))
    gap = max(1, images.shape[1] // 12)
    sheet = mosaic([images[labels == k][:columns] for k in classes], columns, gap)
    height = 0.75 + sheet.shape[0] / sheet.shape[1] * (style.WIDTH - 0.8) + 0.15
    title = title or f"{len(images):,} images of {len(classes)} classes"
    note = f"the first {columns} of each class"
    figure = style.new_figure(title, note, height=height)
    axes = style.bare(figure.add_subplot())
    axes.imshow(sheet, cmap=style.GREY, aspect="equal")
    pitch = images.shape[1] + gap
    axes.set_yticks([pitch * row + images.shape[1] / 2 for row in range(len(classes))])
    axes.set_yticklabels([str(k) for k in classes], fontsize=14)
    axes.tick_params(length=0, pad=6)
    return figure


def mosaic(rows: list[Array], columns: int, gap: int) -> Array:
    """Return one picture of images in rows, with paper (the smallest value) between them.

    Args:
        rows: arrays (≤ columns, H, W), one a row of the picture.
        columns: images in a full row.
        gap: pixels between images.

    >>> mosaic([np.ones((2, 3, 3)), np.ones((1, 3, 3))], columns=2, gap=1).shape
    (7, 7)
    """
    height, width = rows[0].shape[1:]
    paper = min(row.min() for row in rows if row.size)
    shape = (len(rows) * (height + gap) - gap, columns * (width + gap) - gap)
    sheet = np.full(shape, min(paper, 0), np.float32)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            top, left = i * (height + gap), j * (width + gap)
            sheet[top : top + height, left : left + width] = image
    return sheet


@style.styled
def confident_mistakes(
    images: Numbers, y_true: Numbers, probabilities: Numbers, count: PositiveInt = 24,
    title: str = "",
) -> Figure:  # fmt: skip
    """Draw the samples a model got wrong with the greatest confidence, the surest first.

    Args:
        images: (n, rows, columns) or (n, rows, columns, 1).
        y_true: the true classes: integers (n,), or one-hot rows.
        probabilities: the model's outputs (n, classes).
        count: how many to draw at most.
        title: a text for the head; one that counts the mistakes is made if it is empty.

    Raises:
        ArgumentError, DtypeError: an array is not as said above.

    >>> images = np.zeros((2, 28, 28), np.uint8)
    >>> figure = confident_mistakes(images, [1, 0], [[0.9, 0.1], [0.8, 0.2]])
    >>> len(figure.axes), figure.axes[0].get_title()
    (1, '0 (true: 1)')
    """
    images = as_images(images, "confident_mistakes(images)")
    y_true = as_labels(y_true, len(images), "confident_mistakes(y_true)")
    scores = _probabilities(probabilities, len(images))
    y_pred = scores.argmax(axis=1)
    wrong = np.flatnonzero(y_pred != y_true)
    surest = wrong[np.argsort(-scores[wrong, y_pred[wrong]], kind="stable")][:count]
    if len(surest) == 0:
        title = title or f"No mistakes among {len(images):,} images"
        note = "every image was given its true class"
        return style.new_figure(title, note, height=1.2, arranged=False)
    title = title or f"{len(wrong):,} mistakes among {len(images):,} images"
    what = "the one there is" if len(wrong) == 1 else f"the {len(surest)} most confident"
    note = f"{what}: the model's answer (true: the label), and how sure it was"
    rows = math.ceil(len(surest) / PER_ROW)
    figure, grid = style.gallery(title, note, rows, PER_ROW)
    for place, i in enumerate(surest):
        axes = style.bare(figure.add_subplot(grid[divmod(place, PER_ROW)]))
        axes.imshow(images[i], cmap=style.GREY)
        axes.set_title(f"{y_pred[i]} (true: {y_true[i]})", fontsize=12, loc="center", pad=3)
        sure = f"{scores[i, y_pred[i]]:.1%}"
        axes.set_xlabel(sure, fontsize=11, color=style.MUTED, labelpad=2)
    return figure


def _probabilities(given: Any, n: int) -> Array:
    scores = np.asarray(given)
    if scores.ndim != 2 or len(scores) != n or scores.dtype.kind != "f" or scores.shape[1] == 0:
        where = "confident_mistakes(probabilities)"
        got = f"{scores.dtype} {scores.shape}"
        fix = "give what model.predict(images) returns"
        raise ArgumentError(message(where, f"floats ({n}, classes)", got, fix))
    return scores
