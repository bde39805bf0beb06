"""Which pixels an answer hangs on, and which pictures a filter waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.arguments import AModel, ATrace, Count, Listed, Numbers, PositiveInt, WhichLayer
from npcnn.checks import ArgumentError, message
from npcnn.figures import style
from npcnn.plots import signed
from npcnn.plots.arrays import as_places
from npcnn.plots.sheets import _check_sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


Array = np.ndarray

MOST_FILTERS = 10  # unless they are named


@style.styled
def saliency(
    trace: ATrace, sample: Count = 0, occluded: Numbers | None = None, title: str = "",
    what: str = "probability lost when covered", key: str = "probability",
) -> Figure:  # fmt: skip
    """Draw the gradient of the loss by each pixel, and what covering a place costs.

    Args:
        trace: from `npcnn.trace`.
        sample: which of the batch.
        occluded: (H, W) from `npcnn.inspection.occlusion_map`, or None to leave it out.
        title: a text for the head; one is made if it is empty.
        what: over the map of `occluded`.
        key: what its numbers are, under the colours that explain them.

    Raises:
        ArgumentError: there is no such sample.

    >>> from npcnn import Sequential, layers
    >>> from npcnn.inspection import trace
    >>> model = Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten()])
    >>> model.add(layers.Dense(3, activation="softmax"))
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> step = trace(model, np.ones((1, 8, 8, 1)), [1])
    >>> figure = saliency(step)
    >>> len(figure.axes)
    3
    """
    _check_sample(trace, sample, "saliency(sample)")
    image = trace.layers[0].input[sample].mean(axis=-1)
    gradient = trace.layers[0].grad_input[sample]
    if occluded is not None and occluded.shape != image.shape:
        fix = "give what npcnn.inspection.occlusion_map returned"
        where, got = "saliency(occluded)", str(occluded.shape)
        raise ArgumentError(message(where, f"a map {image.shape}", got, fix))
    signed_sum = gradient.sum(axis=-1)
    panels = [
        ("the picture", image, None, False),
        ("gradient by each pixel", signed_sum, "gradient", True),
    ]
    if occluded is not None:
        panels.append((what, occluded, key, True))
    title = title or "Which pixels the answer hangs on"
    note = "gradient: red pixels, made darker, raise the loss; blue ones lower it"
    figure = style.new_figure(title, note, height=4.3 if occluded is not None else 5.0)
    grid = figure.add_gridspec(1, len(panels), wspace=0.05)
    edge = _contour(image)
    for k, (name, array, unit, two_sided) in enumerate(panels):
        axes = figure.add_subplot(grid[0, k])
        drawn = signed.draw_map(axes, array, signed=two_sided)
        signed.outline(axes)
        axes.set_title(name)
        if unit is not None:
            axes.contour(image, levels=[edge], colors=style.INK, linewidths=0.8)
            signed.colour_key(figure, drawn, axes, unit, orientation="horizontal", shrink=0.8)
    return figure


def _contour(image: Array) -> float:
    """Return the level of the outline drawn over the maps: halfway between paper and ink."""
    return float((image.min() + image.max()) / 2)


@style.styled
def exciting_pictures(
    model: AModel,
    x: Numbers,
    layer: WhichLayer,
    count: PositiveInt = 8,
    filters: Listed | None = None,
    title: str = "",
) -> Figure:
    """Draw, for each filter of a layer, the pictures that excite it most, and the place in them.

    The box holds all the pixels that the filter's largest activation depends on.

    Args:
        model: built.
        x: samples (n, H, W, 1) to choose from.
        layer: a convolution's or pooling's name or place.
        count: how many pictures a filter.
        filters: which filters; None for the first ten.
        title: a text for the head; one is made if it is empty.

    Raises:
        ArgumentError, DtypeError: layer or data do not fit.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Conv2D(2, 3, input_shape=(8, 8, 1))])
    >>> figure = exciting_pictures(model, np.random.default_rng(0).random((9, 8, 8, 1)), 0, count=3)
    >>> len(figure.axes)
    1
    """
    from npcnn.inspection import most_exciting

    chosen = model.get_layer(index=layer) if isinstance(layer, int) else model.get_layer(layer)
    name, total = chosen.name, (chosen.output_shape or (0,))[-1]
    wanted = as_places(filters, total, MOST_FILTERS, "exciting_pictures(filters)")
    found = most_exciting(model, x, layer, count, wanted)
    few = len(found) < total
    title = (
        title
        or f"What {f'{len(found)} of the {total}' if few else 'the'} filters of {name} wait for"
    )
    images = np.asarray(x)
    count = len(found[0].pictures)
    note = f"a row: a filter, its largest activation, the {count} of {len(x):,} pictures with most"
    if few:
        note += f"; {len(found)} of {total} filters (filters=… shows others)"
    height, width = images.shape[1:3]
    across = (style.WIDTH - 1.3) / count
    down = min(across * height / width, max(30 / len(found), 0.36))
    figure = style.new_figure(title, note, height=0.75 + len(found) * (down + 0.04) + 0.05)
    axes = figure.add_subplot()
    shown = np.concatenate([one.pictures for one in found])
    tiles = images[shown].astype(np.float64).mean(axis=-1)
    signed.draw_tiles(axes, tiles, count, signed=False)
    _draw_boxes(axes, found, count, (height, width))
    places, _ = signed.tile_ticks(len(found), height, np.inf)
    axes.set_yticks(places, [_about(one, "\n" if down > 0.5 else ": ") for one in found])
    axes.tick_params(length=0, labelsize=11 if down > 0.5 else 10)
    return figure


def _about(found: Any, between: str) -> str:
    """Return a filter's number and how much its best picture excites it."""
    most = float(found.values[0])
    return f"filter {found.filter}{between}{signed.short(most) if most > 0 else 'dead'}"


def _draw_boxes(axes: Axes, found: list[Any], columns: int, tile: tuple[int, int]) -> None:
    """Frame what each filter saw, as far as it lies in the picture."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    boxes = []
    for row, one in enumerate(found):
        for k, (value, (top, left, height, width)) in enumerate(
            zip(one.values, one.boxes, strict=True)
        ):
            if value > 0:
                y, x = signed.tile_corner(row * columns + k, columns, *tile)
                first = max(top, 0), max(left, 0)
                last = min(top + height, tile[0]), min(left + width, tile[1])
                corner = x + first[1], y + first[0]
                boxes.append(Rectangle(corner, last[1] - first[1], last[0] - first[0]))
    axes.add_collection(
        PatchCollection(boxes, facecolors="none", edgecolors=style.VERMILLION, linewidths=1.8),
        autolim=False,
    )
