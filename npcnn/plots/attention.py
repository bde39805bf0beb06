"""Which pixels an answer hangs on, and which pictures a filter waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.plots import signed, style
from npcnn.plots.sheets import _check_sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from npcnn.inspection import Trace
    from npcnn.model import Sequential

Array = np.ndarray


@style.styled
def saliency(
    trace: Trace, sample: int = 0, occluded: Array | None = None, title: str = "",
    what: str = "probability lost when covered",
) -> Figure:  # fmt: skip
    """Draw the gradient of the loss by each pixel, and what covering a place costs.

    Args:
        trace: from `npcnn.trace`.
        sample: which of the batch.
        occluded: (H, W) from `npcnn.inspection.occlusion_map`, or None to leave it out.
        title: a text for the head; one is made if it is empty.
        what: over the map of `occluded`.

    Raises:
        ArgumentError: there is no such sample.
    """
    _check_sample(trace, sample, "saliency(sample)")
    image = trace.layers[0].input[sample].mean(axis=-1)
    gradient = trace.layers[0].grad_input[sample]
    signed_sum = gradient.sum(axis=-1)
    panels = [
        ("the picture", image, None, False),
        ("gradient by each pixel", signed_sum, "gradient", True),
    ]
    if occluded is not None:
        panels.append((what, occluded, "probability", True))
    title = title or "Which pixels the answer hangs on"
    note = "gradient: red pixels, made darker, raise the loss; blue ones lower it"
    figure = style.new_figure(title, note, height=4.3 if occluded is not None else 5.0)
    grid = figure.add_gridspec(1, len(panels), wspace=0.05)
    edge = _contour(image)
    for k, (name, array, key, two_sided) in enumerate(panels):
        axes = figure.add_subplot(grid[0, k])
        drawn = signed.draw_map(axes, array, signed=two_sided)
        signed.outline(axes)
        axes.set_title(name)
        if key is not None:
            axes.contour(image, levels=[edge], colors=style.INK, linewidths=0.8)
            signed.colour_key(figure, drawn, axes, key, orientation="horizontal", shrink=0.8)
    return figure


def _contour(image: Array) -> float:
    """Return the level of the outline drawn over the maps: halfway between paper and ink."""
    return float((image.min() + image.max()) / 2)


@style.styled
def exciting_pictures(
    model: Sequential, x: Any, layer: Any, count: int = 8, filters: Any = None, title: str = ""
) -> Figure:
    """Draw, for each filter of a layer, the pictures that excite it most, and the place in them.

    The box holds all the pixels that the filter's largest activation depends on.

    Args:
        model: built.
        x: samples (n, H, W, 1) to choose from.
        layer: a convolution's or pooling's name or place.
        count: how many pictures a filter.
        filters: which filters; None for all, ten at most.
        title: a text for the head; one is made if it is empty.

    Raises:
        ArgumentError, DtypeError: layer or data do not fit.
    """
    from npcnn.inspection import most_exciting

    found = most_exciting(model, x, layer, count, filters)
    found = found if filters is not None else found[:10]
    name = model.layers[layer].name if isinstance(layer, int) else layer
    title = title or f"What the filters of {name} wait for"
    note = (
        f"a row is a filter, its largest activation, and the {count} of {len(x):,} pictures that "
        "excite it most"
    )
    pitch = (style.WIDTH - 1.3) / count
    figure = style.new_figure(title, note, height=0.75 + len(found) * (pitch + 0.04) + 0.05)
    grid = figure.add_gridspec(len(found), count, wspace=0.0, hspace=0.0)
    images = np.asarray(x)
    for r, one in enumerate(found):
        for k, (picture, value, box) in enumerate(
            zip(one.pictures, one.values, one.boxes, strict=True)
        ):
            axes = figure.add_subplot(grid[r, k])
            image = images[picture].astype(np.float64).mean(axis=-1)
            signed.draw_map(axes, image, signed=False)
            signed.outline(axes)
            if value > 0:
                signed.mark(axes, *box, color=style.VERMILLION, line=1.8)
            axes.set_xlim(-0.5, image.shape[1] - 0.5)
            axes.set_ylim(image.shape[0] - 0.5, -0.5)
            if k == 0:
                most = signed.short(float(value)) if value > 0 else "dead"
                axes.set_ylabel(
                    f"filter {one.filter}\n{most}", rotation=0, ha="right", va="center", labelpad=6
                )
    return figure
