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
from npcnn.inspection.spy import require_ready, shadows
from npcnn.layers import Layer
from npcnn.layers.parameter import set_arrays
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
    probabilities = _outputs(model.layers, np.concatenate([x.astype(model.dtype), covered]))
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
    """
    x = data.check_samples(x, model.input_shape, "most_exciting(x)", model.dtype)
    chosen = model.get_layer(layer) if isinstance(layer, str) else model.get_layer(index=layer)
    place = model.layers.index(chosen)
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
    for start in range(0, len(x), BATCH):
        maps = _outputs(model.layers[: place + 1], x[start : start + BATCH].astype(model.dtype))
        flat = maps.reshape(len(maps), -1, maps.shape[-1])
        spots.append(flat.argmax(axis=1))
        best.append(flat.max(axis=1))
    values, where = np.concatenate(best), np.concatenate(spots)
    shape = chosen.output_shape[1:3]
    found = []
    for f in range(values.shape[1]) if filters is None else filters:
        top = np.argsort(-values[:, f], kind="stable")[:count]
        boxes = [
            receptive_field(model.layers[: place + 1], *divmod(int(where[k, f]), shape[1]))
            for k in top
        ]
        found.append(Excitement(f, top, values[top, f], boxes))
    return found


def receptive_field(layers: list[Layer], row: int, col: int) -> tuple[int, int, int, int]:
    """Return top, left, height, width of the pixels that an output pixel depends on.

    It may reach over the edge of the picture, into the padding.

    >>> from npcnn.layers import Layer
    >>> from npcnn.layers import MaxPooling2D
    >>> layer = MaxPooling2D(2)
    >>> layer.build((None, 8, 8, 1))
    >>> receptive_field([layer], 1, 3)
    (2, 6, 2, 2)
    """
    from npcnn import shapes

    spans = []
    for axis, place in ((0, row), (1, col)):
        first = last = place
        for layer in reversed(layers):
            window = layer.window
            if window is None:
                continue
            assert layer.input_shape is not None
            reach, stride, step = window.size[axis], window.strides[axis], window.dilation[axis]
            before, _ = shapes.padding_before_after(
                layer.input_shape[1 + axis], reach, stride, window.padding, step
            )
            first = first * stride - before
            last = last * stride - before + (reach - 1) * step
        spans.append((first, last - first + 1))
    return spans[0][0], spans[1][0], spans[0][1], spans[1][1]


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
    """
    require_ready(model, "loss_along_line")
    batches = data.prepare(x, y, None, BATCH, model, "loss_along_line")
    twins = shadows(model.layers)
    own = [(f"{t.name}/{name}", value) for t in twins for name, value, _ in t.parameters()]
    for given, name in ((start, "start"), (end, "end")):
        set_arrays(f"loss_along_line({name})", own, given)
    places = np.linspace(-beyond, 1 + beyond, points)
    losses, right = np.zeros(len(places)), np.zeros(len(places))
    for k, t in enumerate(places):
        for (_, value), a, b in zip(own, start, end, strict=True):
            value[...] = (1 - t) * np.asarray(a, np.float64) + t * np.asarray(b, np.float64)
        with single_threaded_blas(), np.errstate(all="ignore"):
            for number in range(batches.steps):
                inputs = batches.batch(number)[0]
                _, targets, weights = batches.rows(number)
                outputs = training.forward(twins, inputs)
                rows, _, _ = model.loss.score(targets, outputs, weights, twins[-1])
                labels = targets.argmax(axis=-1) if targets.ndim == outputs.ndim else targets
                losses[k] += rows.sum(dtype=np.float64) / len(batches)
                right[k] += (outputs.argmax(axis=-1) == labels).sum() / len(batches)
    return places, losses, right


def _outputs(layers: list[Layer], x: Array) -> Array:
    with single_threaded_blas():
        parts = [
            training.forward(layers, x[start : start + BATCH], keep=False)
            for start in range(0, len(x), BATCH)
        ]
    return np.concatenate(parts)
