"""What users hand to a model, checked once, and handed on batch by batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import numpy as np

from npcnn.backend import ops
from npcnn.checks import (
    ArgumentError,
    as_numbers,
    check_finite,
    check_size,
    check_weights,
    is_number,
    is_whole,
    message,
    same_length,
    shown,
)
from npcnn.losses.base import Loss, row_weights

Array = np.ndarray
Shape = tuple[Any, ...]


class Batches:
    """A checked data set: samples, targets and weights, kept in the user's own dtype.

    A batch is gathered and converted when it is asked for, so that 60,000 pictures stay bytes.

    Args:
        x: samples (n, …).
        y: targets (n, …), or None to predict.
        weights: one a sample, or None.
        batch_size: samples a step; the last batch of a pass may be shorter.
        dtype: the model's.
    """

    def __init__(
        self, x: Array, y: Array | None, weights: Array | None, batch_size: int, dtype: Any,
        row_shape: Shape = (),
    ) -> None:  # fmt: skip
        self.x, self.y, self.weights = x, y, weights
        self.batch_size = batch_size
        self.dtype = np.dtype(dtype)
        self.row_shape: Shape = row_shape  # of the outputs of one sample, but for its last axis
        self._ones: dict[Shape, Array] = {}

    def __len__(self) -> int:
        return len(self.x)

    @property
    def steps(self) -> int:
        """How many batches a pass has."""
        return math.ceil(len(self.x) / self.batch_size)

    def numbers(self, number: int, order: Array | None = None) -> Array:
        """Return the numbers of one batch's samples, taken in the given order."""
        start = number * self.batch_size
        stop = min(start + self.batch_size, len(self.x))
        return np.arange(start, stop) if order is None else order[start:stop]

    def rows(self, number: int, order: Array | None = None) -> tuple[Array, Any, Any]:
        """Return (numbers, targets, weights) of one batch; its samples are gathered in the step."""
        numbers = self.numbers(number, order)
        if self.y is None:
            return numbers, None, None
        return numbers, self.y[numbers], self.row_weights(numbers)

    def batches(
        self, order: Callable[[int], Array | None], first: int = 0
    ) -> Iterator[tuple[Array, Any, Any]]:
        """Yield `rows` of each batch of a pass from one on; `order` makes one for a length."""
        chosen = order(len(self))
        return (self.rows(number, chosen) for number in range(first, self.steps))

    @property
    def known(self) -> list[Array]:
        """What a step reads besides what it is handed."""
        return [self.x]

    def samples(self, numbers: Array) -> Array:
        """Return what the step's first layer takes: the samples of these numbers."""
        return ops.gather(self.x, numbers, self.dtype)

    def sample(self) -> Array:
        """Return the first one, as it was given."""
        return self.x[0]

    def on_epoch_begin(self) -> None:
        """Arrays stay as they are."""

    def on_epoch_end(self) -> None:
        """Arrays stay as they are."""

    def row_weights(self, numbers: Array) -> Array:
        """Return a weight for each row of the outputs of these samples."""
        shape = (len(numbers), *self.row_shape)
        if self.weights is None:
            if shape not in self._ones:
                self._ones[shape] = np.ones(shape, self.dtype)
            return self._ones[shape]
        return row_weights(self.weights[numbers], shape, self.dtype)

    def batch(
        self, number: int, order: Array | None = None
    ) -> tuple[Array, Array | None, Array | None]:
        """Return (x, y, weights) of one batch, the samples taken in the given order."""
        indices = self.numbers(number, order)
        x = ops.gather(self.x, indices, self.dtype)
        y = None if self.y is None else self.y[indices]
        return x, y, None if self.weights is None else self.weights[indices]


def check_samples(x: Any, input_shape: Shape, where: str, dtype: Any = np.float64) -> Array:
    """Return the samples as an array that fits the model's input, or raise an error.

    Args:
        x: (n, …) numbers of any integer or float dtype, all finite, n ≥ 1.
        input_shape: the model's, with None for the batch.
        where: the call and argument, for the message.
        dtype: the model's, whose range the numbers must fit.
    """
    x, wanted = as_numbers(x, where), tuple(input_shape[1:])
    if wanted and wanted in ((*x.shape[1:], 1), x.shape[1:-1]) and 1 in (wanted[-1], x.shape[-1]):
        x = x.reshape(len(x), *wanted)  # as Keras does: an axis of one number is no difference
    if x.shape[1:] != wanted:
        expected = "samples of shape (n, " + ", ".join(map(str, wanted)) + ")"
        fix = "reshape the data or build the model for it"
        # Only where no number changes its place among rows, columns and channels.
        if x.ndim == 2 and x.shape[1] == math.prod(wanted):
            fix = f"x.reshape({(-1, *wanted)}) would fit"
        elif sorted(x.shape[1:]) == sorted(wanted):
            fix = "np.transpose the axes into this order"
        elif x.shape == wanted:
            fix = "x[np.newaxis] makes a batch of one"
        raise ArgumentError(message(where, expected, str(x.shape), fix))
    if len(x) == 0:
        raise ArgumentError(message(where, "at least one sample", "none", "give some data"))
    check_finite(x, where, dtype)
    return x


def class_weights(class_weight: Any, y: Array, output_shape: Shape, where: str) -> Array:
    """Return each sample's weight from its class's; classes not named weigh 1.

    Where there is one output, the classes are 0 and 1.

    >>> class_weights({1: 2.0}, np.array([0, 1]), (None, 2), "fit(class_weight)")
    array([1., 2.])
    """
    classes = max(output_shape[-1], 2)
    table = np.ones(classes)
    fix = "give a dict from class number to weight"
    if not isinstance(class_weight, dict):
        raise ArgumentError(message(where, "a dict", type(class_weight).__name__, fix))
    for label, weight in class_weight.items():
        known = is_whole(label) and 0 <= label < classes
        if not known or not is_number(weight) or weight < 0:
            expected = f"classes 0 to {classes - 1} with weights ≥ 0"
            raise ArgumentError(message(where, expected, f"{shown(label)}: {shown(weight)}", fix))
        table[label] = weight
    check_size(table, where, "weights")
    labels = y
    if y.ndim == len(output_shape):
        single = output_shape[-1] == 1
        labels = np.round(y[..., 0]).astype(np.int64) if single else y.argmax(axis=-1)
    if labels.ndim != 1:
        fix = "use sample_weight instead"
        raise ArgumentError(message(where, "one class a sample", f"targets {y.shape}", fix))
    if ((labels < 0) | (labels >= classes)).any():
        expected, got = "targets 0 and 1", f"up to {labels.max()}"
        raise ArgumentError(message(where, expected, got, "use sample_weight instead"))
    return table[labels]


def weigh_classes(
    batches: Batches, class_weight: Any, sample_weight: Any, output_shape: Shape, where: str
) -> None:
    """Weigh each sample by its class; Keras takes one kind of weight or the other."""
    if class_weight is None:
        return
    if sample_weight is not None:
        fix = "multiply them into sample_weight"
        expected = "one of class_weight and sample_weight"
        raise ArgumentError(message(where, expected, "both", fix))
    assert batches.y is not None
    batches.weights = class_weights(class_weight, batches.y, output_shape, f"{where}(class_weight)")


def prepare(
    x: Any, y: Any, weights: Any, batch_size: int, model: Any, where: str,
    shapes: tuple[Shape, Shape] | None = None,
) -> Batches:  # fmt: skip
    """Return a data set for training or evaluation, everything checked first.

    `shapes` are the model's input and output; it may be given for a model that is not built yet,
    so that nothing need be built for data that does not fit.
    """
    if y is None:
        raise ArgumentError(message(f"{where}(y)", "targets", "None", "give x and y"))
    loss: Loss = model.loss
    loss.require_reduction(where)
    input_shape, output_shape = shapes or model.shapes_for(x, f"{where}(x)")
    x = check_samples(x, input_shape, f"{where}(x)", model.dtype)
    y = loss.check_targets(y, output_shape, f"{where}(y)")
    same_length(x, y, where, ("samples", "targets"))
    rows = tuple(output_shape[1:-1])
    weights = check_weights(weights, len(x), f"{where}(sample_weight)", rows)
    return Batches(gatherable(x), y, weights, batch_size, model.dtype, rows)


def gatherable(x: Array) -> Array:
    """Return samples as `ops.gather` takes them straight out of memory: a copy if need be."""
    if x.dtype.char not in "?bBhHiIlLqQfd":  # neither half nor long double
        x = x.astype("float64" if x.dtype.itemsize > 4 else "float32")
    return np.ascontiguousarray(x, x.dtype.newbyteorder("="))


def check_share(value: Any, where: str) -> float:
    """Return the share of samples kept for validation: 0, or a number below 1."""
    if not is_number(value) or not 0 <= value < 1:
        fix = "0.1 keeps the last tenth"
        raise ArgumentError(message(where, "a share above 0 and below 1", shown(value), fix))
    return float(value)


Share = Annotated[float, check_share]


def split(x: Any, y: Any, weights: Any, share: float) -> tuple[tuple, tuple]:
    """Return the data without its last `share`, and that last share: (x, y, weights) twice.

    The cut is at ⌊n·(1 − share)⌋, before any shuffling, as in Keras.

    >>> split(np.arange(5), np.arange(5), None, 0.4)[1][0]
    array([3, 4])
    """
    where = "fit(validation_split)"
    x, y = as_numbers(x, "fit(x)"), as_numbers(y, "fit(y)")
    same_length(x, y, "fit", ("samples", "targets"))
    share = check_share(share, where)
    rows = y.shape[1:] if np.ndim(weights) > 1 else ()  # their number is checked with the targets
    weights = check_weights(weights, len(x), "fit(sample_weight)", rows[: np.ndim(weights) - 1])
    cut = math.floor(len(x) * (1 - share))
    if cut in (0, len(x)):
        fix = "give more data or another share"
        raise ArgumentError(
            message(where, "samples on both sides", f"{share} of {len(x)} samples", fix)
        )
    head, tail = (None, None) if weights is None else (weights[:cut], weights[cut:])
    return (x[:cut], y[:cut], head), (x[cut:], y[cut:], tail)
