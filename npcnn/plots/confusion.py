"""The confusion matrix: which class is taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from npcnn.arguments import Numbers
from npcnn.checks import ArgumentError, message
from npcnn.figures import style
from npcnn.plots import signed
from npcnn.plots.arrays import Array, as_labels

MOST = 200  # classes whose counts can still be told apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


RIGHT = "#CFE6F5"  # the colour of the diagonal
MOST_WRITTEN = 20  # classes whose counts are written; of more, colour alone is seen


@style.styled
def confusion_matrix(y_true: Numbers, y_pred: Numbers, title: str = "") -> Figure:
    """Draw how many samples of each class were given which answer.

    counts[i, j] = how many samples of class i were answered j. The right answers on the diagonal
    are far more than the others and would drown them, so colour shows the wrong ones only. Up to
    20 classes the counts are written; of more the colours are explained at the side.

    Args:
        y_true: the true classes: integers (n,), or one-hot rows.
        y_pred: the answers: integers (n,), or the model's outputs (n, classes).
        title: a text for the head; one that counts the mistakes is made if it is empty.

    Raises:
        ArgumentError: labels are not as said above.

    >>> figure = confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1])
    >>> figure.texts[0].get_text()
    '1 of 4 samples wrong: accuracy 0.7500'
    """
    y_true = as_labels(y_true, None, "confusion_matrix(y_true)")
    answers = as_labels(y_pred, len(y_true), "confusion_matrix(y_pred)")
    classes = max(
        y_pred.shape[1] if y_pred.ndim == 2 else 0, int(max(y_true.max(), answers.max())) + 1
    )
    if classes > MOST:
        fix = "draw some of them"
        where = "confusion_matrix(y_true)"
        raise ArgumentError(message(where, f"{MOST} classes at most", str(classes), fix))
    y_pred = answers
    counts = count_pairs(y_true, y_pred, classes)
    wrong = int(len(y_true) - np.trace(counts))
    right = 1 - wrong / len(y_true)
    title = title or f"{wrong:,} of {len(y_true):,} samples wrong: accuracy {right:.4f}"
    note = "row: the true class; column: the model's answer"
    if classes <= MOST_WRITTEN:
        note += "; at the right, what share was right"
    figure = style.new_figure(title, note, height=8.2)
    axes = figure.add_subplot()
    _draw_counts(figure, axes, counts)
    axes.set_xlabel("answer")
    axes.set_ylabel("true class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _draw_counts(figure: Figure, axes: Axes, counts: Array) -> None:
    """Colour the wrong answers; write the counts, or explain the colours at the side."""
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    classes = len(counts)
    written = classes <= MOST_WRITTEN
    off_diagonal = np.where(np.eye(classes, dtype=bool), 0, counts)
    most = max(int(off_diagonal.max()), 1)
    shade = 1.6 if written else 1.0  # counts must be read on it
    image = axes.imshow(off_diagonal, cmap="Oranges", vmin=0, vmax=most * shade, aspect="auto")
    places = range(0, classes, -(-classes // MOST_WRITTEN))
    axes.set_xticks(places)
    axes.set_yticks(places)
    if written:
        _write_counts(axes, counts)
        between = [k + 0.5 for k in range(classes - 1)]
        axes.vlines(between, -0.5, classes - 0.5, color=style.PAPER, linewidth=2)
        axes.hlines(between, -0.5, classes - 0.5, color=style.PAPER, linewidth=2)
        _write_shares(axes, counts)
    else:
        image.set_data(np.ma.masked_array(off_diagonal, np.eye(classes, dtype=bool)))
        image.set_cmap(colormaps["Oranges"].with_extremes(bad=RIGHT))
        whole = MaxNLocator(6, integer=True)
        signed.colour_key(figure, image, axes, "samples taken for another class", ticks=whole)


def count_pairs(y_true: Array, y_pred: Array, classes: int) -> Array:
    """Return counts (classes, classes): rows the true class, columns the answer.

    >>> count_pairs(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    pairs = np.bincount(y_true * classes + y_pred, minlength=classes * classes)
    return pairs.reshape(classes, classes)


def _write_counts(axes: Axes, counts: Array) -> None:
    from matplotlib.patches import Rectangle

    size = 13 if len(counts) <= 12 else 170 / len(counts)
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            if i == j:
                axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, color=RIGHT))
            if count or i == j:
                axes.text(j, i, f"{count:,}", ha="center", va="center", fontsize=size)


def _write_shares(axes: Axes, counts: Array) -> None:
    totals = counts.sum(axis=1)
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(counts)))
    right.set_yticklabels(
        [
            f"{hits / total:.1%}" if total else "none"
            for hits, total in zip(np.diag(counts), totals, strict=True)
        ]
    )
    right.tick_params(length=0)
    right.spines[:].set_visible(False)
