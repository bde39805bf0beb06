"""Charts of models: the whole graph with its branches, one box a layer or a model within it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from npcnn import tables
from npcnn.arguments import AModel
from npcnn.checks import ArgumentError, message, one_of, positive_int, shown
from npcnn.checks import path as check_path
from npcnn.figures import style
from npcnn.layers.seen import activation_of
from npcnn.plots import facts
from npcnn.plots.chart import Box, chart
from npcnn.plots.labels import name_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 19  # letters of a name's line
ONE_LINE = 24  # letters up to which details stand in one line


def _png(value: Any, where: str) -> str | None:
    if value is None:
        return None
    name = check_path(value, where)
    if not name.lower().endswith(".png"):
        fix = "end the file's name so, or take the figure that is returned"
        raise ArgumentError(message(where, "a name ending in .png", shown(value), fix))
    return name


Dots = Annotated[int, partial(positive_int, fix="200 is Keras's", most=1200)]


def _down(value: Any, where: str) -> str:
    return one_of(value, ["TB"], where)


def _right_angled(value: Any, where: str) -> str:
    return one_of(value, ["ortho"], where)


def chart_of(model: Any, title: str) -> Figure:
    """Return the chart of a model with all that a box may say: settings, shape, parameters."""
    found, edges = facts.steps(model)
    boxes = []
    for step in found:
        lines = [tables.times(step.shapes[0][1:])]
        if step.operation is not None:
            details = tables.details(step.operation)
            one = ", ".join(details)
            lines = [*([one] if details and len(one) <= ONE_LINE else details), *lines]
            count = step.operation.count_params()
            lines += [f"{count:,} parameters"] if count else []
        boxes.append(_box(step, lines))
    return chart(boxes, edges, title, "each box: a layer, and the shape of what it gives")


@style.styled
def plot_model(
    model: AModel, to_file: Annotated[Any, _png] = "model.png", show_shapes: bool = False,
    show_dtype: bool = False, show_layer_names: bool = False, rankdir: Annotated[str, _down] = "TB",
    expand_nested: bool = False, dpi: Dots = 200, show_layer_activations: bool = False,
    show_trainable: bool = False, splines: Annotated[str, _right_angled] = "ortho",
) -> Figure:  # fmt: skip
    """Draw a model's graph, a box a layer, write it as a PNG file, and return the figure.

    Args:
        model: built.
        to_file: ends in `.png`; None writes nothing.
        show_shapes: whether to say what goes in and comes out, None for the batch axis.
        show_dtype: whether to say which numbers.
        show_layer_names: whether to say the layers' names.
        rankdir: 'TB': from the top down.
        expand_nested: whether models within the model are taken apart.
        dpi: dots an inch of the file.
        show_layer_activations: whether to say the activations.
        show_trainable: whether to say what learns.
        splines: 'ortho': lines at right angles.

    Raises:
        StateError: shapes not known. FileError: cannot write.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Dense(3, input_shape=(4,))])
    >>> figure = plot_model(model, None, show_shapes=True)
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['', 'Input', 'out (None, 4)', 'Dense', 'in (None, 4)', 'out (None, 3)']
    """
    found, edges = facts.steps(model, expand_nested)
    boxes = []
    for step in found:
        lines = [step.name] if show_layer_names else []
        activation = activation_of(step.operation, "")
        lines += [str(activation)] if show_layer_activations and activation else []
        lines += [model.dtype.name] if show_dtype else []
        if show_trainable and step.operation is not None:
            lines.append("learns" if step.operation.trainable else "frozen")
        if show_shapes:
            lines += [f"in {shape}" for shape in dict.fromkeys(step.given)]
            lines += [f"out {shape}" for shape in dict.fromkeys(step.shapes)]
        boxes.append(_box(step, lines))
    figure = chart(boxes, edges, str(model.name))
    if to_file is not None:
        style.write(figure, to_file, dpi)
    return figure


def _box(step: facts.Step, lines: list[str]) -> Box:
    if step.operation is None:
        return Box(["Input"], lines, style.PAPER)
    kind = type(step.operation).__name__
    return Box(name_lines(kind, LONGEST), lines, _colour(step))


def _colour(step: facts.Step) -> str:
    inner = getattr(step.operation, "leaves", None)  # of a model
    return style.BLUE if inner is not None else facts.colour(step.operation)
