"""What a network answers to: pieces covered up, pictures that excite a filter, lines of weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np

from npcnn import data, training
from npcnn.arguments import (
    AModel,
    Count,
    Listed,
    Numbers,
    PositiveInt,
    WhichLayer,
    checked,
)
from npcnn.checks import ArgumentError, is_whole, message, non_negative, positive_int, shown
from npcnn.graph import Graph
from npcnn.layers.parameter import set_arrays
from npcnn.shapes import padding_before_after
from npcnn.spy import require_ready, shadow_graph
from npcnn.threads import single_threaded_blas

Array = np.ndarray

BATCH = 250
Beyond = Annotated[float, partial(non_negative, most=1000.0)]
Points = Annotated[int, partial(positive_int, most=10_000)]


@checked
def occlusion_map(
    model: AModel, picture: Numbers, label: Count, size: PositiveInt = 5, fill: float | None = None
) -> Array:
    """Return how much of the probability of a class is lost when a patch is covered.

    A square of `size` × `size` pixels is painted over at every place in turn; the loss of
    probability is written at its centre. Source: Zeiler, Fergus, "Visualizing and Understanding
    Convolutional Networks", 2014.

    Args:
        model: built; its outputs are probabilities.
        picture: one sample (H, W, C).
        label: the class asked about.
        size: of the patch.
        fill: its value; None takes the picture's smallest, paper.

    Returns:
        float64 (H, W); negative where covering makes the class more probable.

    Raises:
        ArgumentError: the picture, the label or the size does not fit.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2)])
    >>> occlusion_map(model, np.zeros((4, 4, 1)), 1, size=3).tolist()[0]
    [0.0, 0.0, 0.0, 0.0]
    """
    where, shape = "occlusion_map(picture)", model.input_shape
    x = data.check_samples(picture[None], shape, where, model.dtype)
    if x.ndim != 4 or not 0 <= label < model.output_shape[-1]:
        fix = "give an image and one of the model's classes"
        expected = f"a label below {model.output_shape[-1]}"
        raise ArgumentError(message("occlusion_map(label)", expected, shown(label), fix))
    height, width = x.shape[1:3]
    paint = x.min() if fill is None else fill
    data.check_finite(np.array([paint], np.float64), "occlusion_map(fill)", model.dtype)
    before, covered = size // 2, np.repeat(x.astype(model.dtype), height * width, axis=0)
    for k in range(height * width):
        top, left = k // width - before, k % width - before
        covered[k, max(top, 0) : top + size, max(left, 0) : left + size] = paint
    probabilities = _outputs(model.graph, np.concatenate([x.astype(model.dtype), covered]))
    lost = probabilities[0, label] - probabilities[1:, label].astype(np.float64)
    return lost.reshape(height, width)


@dataclass(frozen=True)
class Excitement:
    """Which pictures excite one filter most, and where.

    Attributes:
        filter: which.
        pictures: their places in the data, most exciting first. values: the largest activation.
        boxes: top, left, height, width of what the filter saw there, in pixels of the picture.
    """

    filter: int
    pictures: Array
    values: Array
    boxes: list[tuple[int, int, int, int]]


@checked
def most_exciting(
    model: AModel, x: Numbers, layer: WhichLayer, count: PositiveInt = 8,
    filters: Listed | None = None,
) -> list[Excitement]:  # fmt: skip
    """Return, for each filter of a layer, the pictures with the largest activation in them.

    Args:
        model: built.
        x: samples (n, H, W, C).
        layer: the name or place of a layer whose output is a picture.
        count: how many pictures a filter.
        filters: which filters; None for all.

    Raises:
        ArgumentError: the layer's output is no picture, or the data do not fit.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Conv2D(2, 3, kernel_initializer="ones", input_shape=(4, 4, 1))])
    >>> x = np.stack([np.full((4, 4, 1), number) for number in (1.0, 3.0, 2.0)])
    >>> [one.pictures.tolist() for one in most_exciting(model, x, 0, count=2)]
    [[1, 2], [1, 2]]
    """
    x = data.check_samples(x, model.input_shape, "most_exciting(x)", model.dtype)
    chosen = model.get_layer(layer) if isinstance(layer, str) else model.get_layer(index=layer)
    if chosen.output_shape is None or len(chosen.output_shape) != 4:
        fix = "name a convolution or a pooling"
        got = f"{chosen.label} with {chosen.output_shape}"
        raise ArgumentError(message("most_exciting(layer)", "a layer of pictures", got, fix))
    there = chosen.output_shape[-1]
    if filters is not None:
        sound = all(is_whole(one) and 0 <= one < there for one in filters)
        if not sound or not 1 <= len(filters) <= there:
            fix = "count from 0, each once"
            expected = f"one to {there} numbers below {there}"
            raise ArgumentError(message("most_exciting(filters)", expected, shown(filters), fix))
    best, spots = [], []
    graph = model.graph.until(chosen)
    for start in range(0, len(x), BATCH):
        maps = _outputs(graph, x[start : start + BATCH].astype(model.dtype))
        flat = maps.reshape(len(maps), -1, maps.shape[-1])
        spots.append(flat.argmax(axis=1))
        best.append(flat.max(axis=1))
    values, where = np.concatenate(best), np.concatenate(spots)
    shape = chosen.output_shape[1:3]
    found = []
    for f in range(values.shape[1]) if filters is None else filters:
        top = np.argsort(-values[:, f], kind="stable")[:count]
        boxes = [receptive_field(graph, *divmod(int(where[k, f]), shape[1])) for k in top]
        found.append(Excitement(f, top, values[top, f], boxes))
    return found


def receptive_field(graph: Graph, row: int, col: int) -> tuple[int, int, int, int]:
    """Return top, left, height, width of the pixels that an output pixel depends on.

    It may reach over the edge of the picture, into the padding. Where ways part and meet again,
    it is what all of them see together.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Input((8, 8, 1)), layers.MaxPooling2D(2)])
    >>> receptive_field(model.graph, 1, 3)
    (2, 6, 2, 2)
    """
    spans = [_span(graph, axis, place) for axis, place in ((0, row), (1, col))]
    (top, bottom), (left, right) = spans
    return top, left, bottom - top + 1, right - left + 1


def _span(graph: Graph, axis: int, place: int) -> tuple[int, int]:
    """Return the first and last place of the inputs that an output's place depends on."""
    spans = {graph.outputs[0]: (place, place)}
    for call in reversed(graph.calls):
        if call.output not in spans:
            continue
        first, last = spans.pop(call.output)
        window = call.layer.window
        if window is not None:
            reach, stride, step = window.size[axis], window.strides[axis], window.dilation[axis]
            size = call.shapes[0][1 + axis]
            before, _ = padding_before_after(size, reach, stride, window.padding, step)
            first, last = first * stride - before, last * stride - before + (reach - 1) * step
        for value in call.inputs:
            old = spans.get(value, (first, last))
            spans[value] = min(first, old[0]), max(last, old[1])
    ends = list(spans.values())
    return min(end[0] for end in ends), max(end[1] for end in ends)


@checked
def loss_along_line(
    model: AModel, start: Listed, end: Listed, x: Numbers, y: Numbers | None,
    points: Points = 25, beyond: Beyond = 0.25,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Return the loss at weights on the straight line between two sets of weights.

    At t the weights are start + t·(end − start). Source: Goodfellow, Vinyals, Saxe, "Qualitatively
    Characterizing Neural Network Optimization Problems", 2015.

    Args:
        model: built and compiled; it stays as it is.
        start: weights as `get_weights` returns them, or `Recording.weights`.
        end: likewise.
        x: samples to measure on.
        y: their targets.
        points: how many places to look at.
        beyond: how far to go on past both ends.

    Returns:
        t, mean loss and share right, each (points,).

    Raises:
        ArgumentError, DtypeError: weights or data do not fit the model.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Dense(1, use_bias=False, input_shape=(1,))])
    >>> model.compile("sgd", "mse")
    >>> start, end = [np.zeros((1, 1))], [np.ones((1, 1))]
    >>> t, losses, _ = loss_along_line(model, start, end, [[1.0]], [1.0], points=3, beyond=0)
    >>> t.tolist(), losses.tolist()
    ([0.0, 0.5, 1.0], [1.0, 0.25, 0.0])
    """
    require_ready(model, "loss_along_line")
    batches = data.prepare(x, y, None, BATCH, model, "loss_along_line")
    graph = shadow_graph(model.graph)
    twins = {id(c.layer): t.layer for c, t in zip(model.graph.calls, graph.calls, strict=True)}
    own = [
        (f"{layer.name}/{name}", value)
        for layer in model.leaves
        for name, value, _ in twins[id(layer)].parameters()
    ]
    for given, name in ((start, "start"), (end, "end")):
        set_arrays(f"loss_along_line({name})", own, given)
    places = np.linspace(-beyond, 1 + beyond, points)
    losses, right = np.zeros(len(places)), np.zeros(len(places))
    for k, t in enumerate(places):
        for (_, value), a, b in zip(own, start, end, strict=True):
            value[...] = (1 - t) * np.asarray(a, np.float64) + t * np.asarray(b, np.float64)
        with single_threaded_blas(), np.errstate(all="ignore"):
            for number in range(batches.steps):
                inputs, (targets, *_), (weights, *_) = batches.batch(number)
                (outputs,) = training.forward(graph, inputs)
                loss, head = model.objective.losses[0], graph.heads[0]
                rows, _, _ = loss.score(targets, outputs, weights, head)
                labels = targets.argmax(axis=-1) if targets.ndim == outputs.ndim else targets
                losses[k] += rows.sum(dtype=np.float64) / len(batches)
                right[k] += (outputs.argmax(axis=-1) == labels).sum() / len(batches)
    return places, losses, right


def _outputs(graph: Graph, x: Array) -> Array:
    with single_threaded_blas():
        parts = [
            training.forward(graph, [x[start : start + BATCH]], keep=False)[0]
            for start in range(0, len(x), BATCH)
        ]
    return np.concatenate(parts)
