"""Whether a network knows how sure it may be, what it never learns, and how fast it should."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import numpy as np

from npcnn.arguments import Numbers, PositiveInt, instance
from npcnn.checks import ArgumentError, message
from npcnn.figures import style
from npcnn.plots.arrays import as_images, as_labels
from npcnn.plots.samples import PER_ROW

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from npcnn.inspection import AnswerRecord, Calibration, RateRange

ACalibration = Annotated[
    "Calibration",
    instance("npcnn.inspection", "Calibration", "give what npcnn.inspection.calibration returns"),
]
ARateRange = Annotated[
    "RateRange",
    instance("npcnn.inspection", "RateRange", "give what learning_rate_range returns"),
]
ARecord = Annotated[
    "AnswerRecord",
    instance("npcnn.inspection", "AnswerRecord", "give the callback that fit() was given"),
]


@style.styled
def calibration_curve(calibration: ACalibration, title: str = "") -> Figure:
    """Draw what share of answers is right, by how sure the network is of them; below, how many.

    On the dashed line it is right as often as it says. A bar below it is too sure of itself.

    Args:
        calibration: from `npcnn.inspection.calibration`.
        title: a text for the head; one with the expected calibration error is made if it is empty.

    >>> from npcnn.inspection import calibration
    >>> figure = calibration_curve(calibration([0, 1], [[0.8, 0.2], [0.6, 0.4]]))
    >>> figure.texts[0].get_text()
    'Expected calibration error 0.4000'
    """
    title = title or f"Expected calibration error {calibration.error:.4f}"
    note = "what share is right of the answers given with a confidence; dashed: as it should be"
    figure = style.new_figure(title, note, height=7.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    edges, wide = calibration.edges[:-1], np.diff(calibration.edges)
    shown = calibration.samples > 0
    upper.bar(
        edges[shown], calibration.accuracy[shown], wide[shown], align="edge", color=style.SKY,
        edgecolor=style.PAPER, label="right",
    )  # fmt: skip
    upper.plot([0, 1], [0, 1], color=style.MUTED, linestyle=(0, (4, 2)), linewidth=1.5)
    upper.plot(
        calibration.confidence[shown], calibration.accuracy[shown], "o", color=style.VERMILLION
    )
    upper.set_ylabel("share right")
    upper.set_ylim(0, 1.03)
    lower.bar(edges, calibration.samples, wide, align="edge", color=style.MUTED)
    lower.set_yscale("symlog", linthresh=1)
    lower.set_ylabel("samples")
    lower.set_xlabel("confidence: the probability of the answer")
    lower.set_xlim(0, 1)
    return figure


@style.styled
def rate_curve(found: ARateRange, title: str = "") -> Figure:
    """Draw a learning-rate range test: the loss of each step over its rate, and its running mean.

    Args:
        found: from `npcnn.inspection.learning_rate_range`.
        title: a text for the head; one is made if it is empty.

    >>> from npcnn.inspection import RateRange
    >>> found = RateRange([0.001, 0.01, 0.1], [2.0, 1.0, 3.0], [2.0, 1.5, 2.5], 0.01, 0.001)
    >>> rate_curve(found).axes[0].get_xscale()
    'log'
    """
    title = title or f"The loss falls fastest at a learning rate of {found.steepest:.2g}"
    note = f"each step has a larger rate; up to {found.largest:.2g} is safe"
    figure = style.new_figure(title, note, height=5.2)
    axes = figure.add_subplot()
    axes.plot(found.rates, found.losses, color=style.FAINT, linewidth=1.2, label="each step")
    axes.plot(found.rates, found.smooth, color=style.BLUE, label="running mean")
    for rate, color, name in (
        (found.steepest, style.VERMILLION, "steepest"), (found.largest, style.GREEN, "largest"),
    ):  # fmt: skip
        axes.axvline(rate, color=color, linestyle=(0, (4, 2)), linewidth=1.5, label=name)
    low, high = min(found.losses), min(max(found.losses), 1.3 * max(found.smooth[0], 1e-30))
    margin = 0.05 * (high - low) or 0.01
    axes.set_ylim(low - margin, high + margin)
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.legend(loc="upper left")
    return figure


@style.styled
def never_learned(
    record: ARecord, images: Numbers, labels: Numbers, count: PositiveInt = 40, title: str = ""
) -> Figure:
    """Draw the pictures that a network was seldom right about while it learnt, the worst first.

    Args:
        record: the `inspection.AnswerRecord` that `fit` was given.
        images: (n, rows, columns) or (n, rows, columns, 1), in the record's order.
        labels: integers (n,), or one-hot rows.
        count: how many to draw at most.
        title: a text for the head; one that counts those never answered right if it is empty.

    Raises:
        ArgumentError, DtypeError: an array is not as said above, or nothing was recorded.

    >>> from npcnn import Sequential, inspection, layers
    >>> x, y = np.zeros((4, 5, 5)), np.array([0, 0, 0, 1])
    >>> model = Sequential([layers.Flatten(input_shape=(5, 5)), layers.Dense(2)])
    >>> model.compile("sgd", "mse")
    >>> record = inspection.AnswerRecord(x, y)
    >>> _ = model.fit(x, np.eye(2)[y], verbose=0, callbacks=[record])
    >>> never_learned(record, x, y).texts[0].get_text()
    '1 of 4 pictures are never answered right'
    """
    images = as_images(images, "never_learned(images)")
    labels = as_labels(labels, len(images), "never_learned(labels)")
    if not record.looks or len(record.right) != len(images):
        got = f"{record.looks} looks at {len(record.right)}"
        expected = f"a record of {len(images)} pictures"
        fix = "give it to fit(callbacks=…) first"
        raise ArgumentError(message("never_learned(record)", expected, got, fix))
    worst = [k for k in record.hardest()[:count] if record.right[k] < record.looks]
    never = len(record.never())
    title = title or f"{never:,} of {len(images):,} pictures are never answered right"
    note = f"the label, and how often it was answered in {record.looks} looks"
    rows = math.ceil(len(worst) / PER_ROW)
    if not worst:
        return style.new_figure(title, note, height=1.2, arranged=False)
    figure, grid = style.gallery(title, note, rows, PER_ROW)
    for place, k in enumerate(worst):
        axes = style.bare(figure.add_subplot(grid[divmod(place, PER_ROW)]))
        axes.imshow(images[k], cmap=style.GREY)
        text = f"{labels[k]}: {record.right[k]} of {record.looks}"
        axes.set_title(text, fontsize=12, loc="center", pad=3)
    return figure
