"""One picture through the whole network, on one sheet: what each layer made of it, or its share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.arguments import ATrace, Count
from npcnn.checks import ArgumentError, message
from npcnn.figures import style
from npcnn.plots import facts, signed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from npcnn.inspection import LayerTrace, Trace

Array = np.ndarray

MOST_MAPS, PER_ROW = 64, 16  # of one layer; what is more is left out, and said
PER_STRIP = 128  # numbers of a long vector in one row
MOST_BARS = 12
LEFT = 1.9  # inches for the names
SPACE = style.WIDTH - LEFT - 0.15  # inches for the pictures

Space = tuple[float, float, float, float]  # left, bottom, width, height in inches


@style.styled
def feature_maps(trace: ATrace, sample: Count = 0, title: str = "") -> Figure:
    """Draw what each layer made of one sample, from the picture to the probabilities.

    A row is a layer and has its own scale, from white (0, or blue for negative values) to its
    largest value, which stands on the left.

    Args:
        trace: from `npcnn.trace`.
        sample: which of the batch.
        title: a text for the head; one is made if it is empty.

    Raises:
        ArgumentError: there is no such sample.

    >>> from npcnn import Sequential, layers
    >>> from npcnn.inspection import trace
    >>> model = Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten()])
    >>> model.add(layers.Dense(3, activation="softmax"))
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> step = trace(model, np.ones((1, 8, 8, 1)), [1])
    >>> figure = feature_maps(step)
    >>> len(figure.axes)  # the picture, what the filters found, the answer
    3
    """
    _check_sample(trace, sample, "feature_maps(sample)")
    p = trace.outputs[sample]
    answer = int(p.argmax())
    article = "an" if str(answer)[0] == "8" or answer in (11, 18) else "a"
    made = f"What the network makes of one picture: {article} {answer}, {p[answer]:.1%} sure"
    title = title or made
    note = "a row is a layer, a square what one filter found; the darker, the more of it"
    rows = [("picture", trace.layers[0].input[sample])]
    rows += [(layer.name, layer.activation[sample]) for layer in _shown(trace)]
    return _sheet(title, note, rows, _target(trace, sample))


@style.styled
def gradient_maps(trace: ATrace, sample: Count = 0, title: str = "") -> Figure:
    """Draw the gradient of the loss by each layer's output, for one sample.

    Red: more of it would raise the loss. Blue: more would lower it. Rows have their own scales.

    Args:
        trace: from `npcnn.trace`.
        sample: which of the batch.
        title: a text for the head; one is made if it is empty.

    Raises:
        ArgumentError: there is no such sample.

    >>> from npcnn import Sequential, layers
    >>> from npcnn.inspection import trace
    >>> model = Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten()])
    >>> model.add(layers.Dense(3, activation="softmax"))
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> step = trace(model, np.ones((1, 8, 8, 1)), [1])
    >>> figure = gradient_maps(step)
    >>> len(figure.axes)
    3
    """
    _check_sample(trace, sample, "gradient_maps(sample)")
    title = title or "What the loss says to each layer about one picture"
    note = "red: more of this would raise the loss; blue: more would lower it; white: no matter"
    rows = [("picture", trace.layers[0].grad_input[sample])]
    for layer in _shown(trace):
        last = layer is trace.layers[-1] and "grad_pre_activation" in layer
        name = "grad_pre_activation" if last else "grad_activation"
        rows.append((layer.name + (" (logits)" if last else ""), layer[name][sample]))
    return _sheet(title, note, rows, _target(trace, sample), gradients=True)


def _shown(trace: Trace) -> list[LayerTrace]:
    """Return the layers worth a row: all but those that only fold or drop."""
    return [layer for layer in trace.layers if not facts.folds(layer) or layer is trace.layers[-1]]


def _target(trace: Trace, sample: int) -> int:
    y = trace.y[sample]
    return int(np.argmax(y)) if np.ndim(y) else int(y)


def _sheet(
    title: str, note: str, rows: list[tuple[str, Array]], target: int, gradients: bool = False
) -> Figure:
    """Draw a row of maps for a picture, a strip for a vector, bars for the last vector."""
    heights = [_height(array, k == len(rows) - 1) for k, (_, array) in enumerate(rows)]
    figure = style.new_figure(title, note, height=0.75 + sum(heights) + 0.1)
    figure.set_layout_engine("none")
    tall = float(figure.get_size_inches()[1])
    bottom = tall - 0.75
    for k, ((name, array), height) in enumerate(zip(rows, heights, strict=True)):
        bottom -= height
        label = f"{name}\n{'×'.join(map(str, array.shape))}\n{_range(array, gradients)}"
        middle = (bottom + height / 2) / tall
        figure.text(0.15 / style.WIDTH, middle, label, fontsize=11, va="center", linespacing=1.3)
        space = (LEFT, bottom + 0.06, SPACE, height - 0.12)
        if array.ndim == 3:
            _maps(figure, space, array, gradients)
        elif k == len(rows) - 1:
            _bars(figure, space, array, target, gradients)
        else:
            _strip(figure, space, array, gradients)
    return figure


def _height(array: Array, last: bool) -> float:
    """Return how tall a layer's row is, in inches."""
    if array.ndim == 3:
        columns, rows = _grid(array)
        return min(1.0, SPACE / columns) * array.shape[0] / array.shape[1] * rows + (
            0.34 if array.shape[2] > MOST_MAPS else 0.12
        )
    if last:
        return 1.45
    return max(0.8, 0.2 + 0.06 * -(-array.size // PER_STRIP))


def _grid(array: Array) -> tuple[int, int]:
    """Return how many maps stand side by side, and in how many rows."""
    shown = min(array.shape[2], MOST_MAPS)
    columns = min(shown, PER_ROW)
    return columns, -(-shown // columns)


def _range(array: Array, gradients: bool) -> str:
    if gradients:
        return f"±{signed.short(signed.limit(array))}"
    low, high = float(array.min()), float(array.max())
    low = 0.0 if 0 < low < 1e-3 * high else low
    return f"{signed.short(low)} to {signed.short(high)}"


def _axes(figure: Any, left: float, bottom: float, width: float, height: float) -> Any:
    """Add axes at a place given in inches."""
    across, tall = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / tall, width / across, height / tall))


def _maps(figure: Figure, space: Space, array: Array, gradients: bool) -> None:
    """Draw a layer's maps as one sheet of tiles, and say how many are left out."""
    left, bottom, _, height = space
    columns, rows = _grid(array)
    rest = array.shape[2] - MOST_MAPS
    wide = min(1.0, SPACE / columns) * columns
    tall = wide / columns * rows * array.shape[0] / array.shape[1]
    axes = _axes(figure, left, bottom + height - tall, wide, tall)
    two_sided = gradients or bool((array < 0).any())
    tiles = np.moveaxis(array[:, :, :MOST_MAPS], 2, 0)
    signed.draw_tiles(axes, tiles, columns, signed.limit(array), signed=two_sided)
    if rest > 0:
        text = f"and {rest} more"
        axes.set_xlabel(text, fontsize=10, color=style.MUTED, loc="right", labelpad=2)


def _strip(figure: Figure, space: Space, array: Array, gradients: bool) -> None:
    """Draw a vector in rows of 64 numbers or, if it is long, 128."""
    left, bottom, width, height = space
    flat = array.reshape(-1, 1, 1)
    axes = _axes(figure, left, bottom + 0.1, width, height - 0.2)
    two_sided = gradients or bool((array < 0).any())
    columns = min(len(flat), PER_STRIP // 2 if len(flat) <= PER_STRIP else PER_STRIP)
    matrix = signed.sheet(flat, columns)
    signed.draw_map(axes, matrix, signed.limit(array), signed=two_sided, aspect="auto")
    signed.outline(axes)


def _bars(figure: Figure, space: Space, array: Array, target: int, gradients: bool) -> None:
    """Draw a bar a class; of many classes those with the largest values, and the label's."""
    left, bottom, width, height = space
    values = array.ravel()
    named = list(range(len(values)))
    if len(values) > MOST_BARS:
        far = np.argsort(-np.abs(values), kind="stable")
        named = sorted([target, *(int(k) for k in far if k != target)][:MOST_BARS])
        target, values = named.index(target), values[named]
    axes = _axes(figure, left + 0.1, bottom + 0.3, width - 0.2, height - 0.55)
    if gradients:
        colors = [style.VERMILLION if v > 0 else style.BLUE for v in values]
    else:
        colors = [style.BLUE if k == target else style.MUTED for k in range(len(values))]
    axes.bar(range(len(values)), values, color=colors, width=0.7)
    axes.axhline(0, color=style.MUTED, linewidth=0.8)
    size = signed.limit(values)
    axes.set_ylim(-1.3 * size if gradients else 0, 1.3 * size)
    for k, value in enumerate(values):
        shown = 0.0 if abs(value) < 1e-3 * size else float(value)
        text = signed.short(shown) if gradients else f"{value:.1%}"
        away = 1 if value >= 0 else -1
        axes.annotate(
            text, (k, value), (0, 3 * away), textcoords="offset points", ha="center",
            va="bottom" if away > 0 else "top", fontsize=9.5, color=style.INK,
        )  # fmt: skip
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_xticks(range(len(values)))
    axes.set_xticklabels(
        [f"{k} (label)" if place == target else str(k) for place, k in enumerate(named)]
    )
    if array.size > MOST_BARS:
        text = f"the {MOST_BARS} largest of {array.size} classes"
        axes.set_title(text, fontsize=10, color=style.MUTED, loc="right")
    axes.tick_params(length=0, pad=8 if gradients else 2)


def _check_sample(trace: Trace, sample: int, where: str) -> None:
    if not isinstance(sample, (int, np.integer)) or not 0 <= sample < len(trace.x):
        fix = "the trace has no more"
        raise ArgumentError(message(where, f"0 to {len(trace.x) - 1}", repr(sample), fix))
