"""What users hand to a model, checked once, and handed on batch by batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import numpy as np

from npcnn.backend import ops
from npcnn.checks import (
    ArgumentError,
    arrays_in,
    as_numbers,
    check_finite,
    check_size,
    check_weights,
    is_number,
    is_whole,
    message,
    one_of,
    same_length,
    shown,
)
from npcnn.losses.base import Loss, row_weights
from npcnn.losses.called import any_targets
from npcnn.names import lookup

Array = np.ndarray
Shape = tuple[Any, ...]
Batch = tuple[Any, Any, Any]  # samples, targets, weights: arrays in tuples


class Batches:
    """A checked data set: samples, targets and weights, kept in the user's own dtypes.

    A batch is gathered and converted when it is asked for, so that 60,000 pictures stay bytes.

    Args:
        xs: samples (n, …), one array an input.
        ys: targets (n, …), one array an output; () to predict.
        weights: for each output one a sample, or None.
        batch_size: samples a step; the last batch of a pass may be shorter.
        dtype: the model's.
        row_shapes: of each output of one sample, but for its last axis.

    Attributes:
        augmenter: what changes the pictures among the samples, or None.
        tails: shapes of one sample's targets as they were given, which a user's metrics are told:
            losses take (n, 1) and (n,) for the same.
    """

    augmenter: Any = None
    tails: Sequence[Shape] = ()

    def __init__(
        self, xs: Sequence[Array], ys: Sequence[Array], weights: Sequence[Array | None],
        batch_size: int, dtype: Any, row_shapes: Sequence[Shape] = (),
    ) -> None:  # fmt: skip
        self.xs, self.ys, self.weights = list(xs), list(ys), list(weights)
        self.batch_size = batch_size
        self.dtype = np.dtype(dtype)
        self.row_shapes = list(row_shapes) or [()] * len(ys)
        self._ones: dict[Shape, Array] = {}

    def __len__(self) -> int:
        return len(self.xs[0])

    @property
    def steps(self) -> int:
        """How many batches a pass has."""
        return math.ceil(len(self) / self.batch_size)

    def numbers(self, number: int, order: Array | None = None) -> Array:
        """Return the numbers of one batch's samples, taken in the given order."""
        start = number * self.batch_size
        stop = min(start + self.batch_size, len(self))
        return np.arange(start, stop) if order is None else order[start:stop]

    def rows(self, number: int, order: Array | None = None, drawing: Array | None = None) -> Batch:
        """Return (numbers, targets, weights) of one batch, gathered in the step.

        With an augmenter, `drawing` stands beside the numbers: what decides the changes.
        """
        numbers = self.numbers(number, order)
        ys = tuple([y[numbers] for y in self.ys])
        plain = self.augmenter is None or drawing is None
        chosen = (numbers,) if plain else (numbers, drawing)
        return chosen, ys, tuple([self.row_weights(k, numbers) for k in range(len(ys))])

    def batches(
        self, order: Callable[[int], Array | None], first: int = 0, drawing: Array | None = None
    ) -> Iterator[Batch]:
        """Yield `rows` of each batch of a pass from one on; `order` makes one for a length."""
        chosen = order(len(self))
        return (self.rows(number, chosen, drawing) for number in range(first, self.steps))

    @property
    def weighed(self) -> bool:
        """Whether there are weights of samples."""
        return any(weights is not None for weights in self.weights)

    @property
    def known(self) -> list[Array]:
        """What a step reads besides what it is handed."""
        return self.xs

    def samples(self, numbers: Sequence[Array]) -> list[Array]:
        """Return what the model's inputs are given: the samples of these numbers."""
        xs = [ops.gather(x, numbers[0], self.dtype) for x in self.xs]
        if len(numbers) == 1:
            return xs
        return [self.augmenter.changed(x, *numbers) if x.ndim == 4 else x for x in xs]

    def sample(self) -> list[Array]:
        """Return the first one, as it was given: an array an input."""
        return [x[0] for x in self.xs]

    def on_epoch_begin(self) -> None:
        """Arrays stay as they are."""

    def on_epoch_end(self) -> None:
        """Arrays stay as they are."""

    def row_weights(self, output: int, numbers: Array) -> Array:
        """Return a weight for each row of an output of these samples."""
        shape, weights = (len(numbers), *self.row_shapes[output]), self.weights[output]
        if weights is None:
            if shape not in self._ones:
                self._ones[shape] = np.ones(shape, self.dtype)
            return self._ones[shape]
        return row_weights(weights[numbers], shape, self.dtype)

    def batch(self, number: int, order: Array | None = None) -> Batch:
        """Return (inputs, targets, weights) of one batch, the samples taken in the given order."""
        numbers, ys, weights = self.rows(number, order)
        if len(self) == 1:  # NumPy is done before a kernel would be called
            return [x.astype(self.dtype) for x in self.xs], ys, weights
        return self.samples(numbers), ys, weights


def parts(value: Any, names: Sequence[str], axes: int | None, where: str) -> list[Any]:
    """Return what a user gave for several inputs or outputs, one for each.

    Args:
        value: a list, or a dict by name; for one, the thing itself will do.
        names: of the inputs or outputs.
        axes: how many an array has, the batch's among them, if there is but one.
        where: the call and argument, for the message.

    >>> parts({"b": 2, "a": 1}, ["a", "b"], None, "fit(x)")
    [1, 2]
    """
    if isinstance(value, dict):
        for name in value:
            one_of(name, names, where)
        missing = [name for name in names if name not in value]
        if missing:
            fix = "give one for each"
            raise ArgumentError(message(where, f"an entry {missing[0]!r}", "none", fix))
        return [value[name] for name in names]
    if len(names) == 1:
        listed = isinstance(value, (list, tuple)) and len(value) == 1
        return [value[0] if listed and np.ndim(value[0]) == axes else value]
    if not isinstance(value, (list, tuple)) or len(value) != len(names):
        several = isinstance(value, (list, tuple))
        got = f"{len(value)} in a list" if several else f"one {type(value).__name__}"
        fix = "give them in a list, or a dict by name"
        raise ArgumentError(message(where, f"{len(names)} arrays: {', '.join(names)}", got, fix))
    return list(value)


def check_inputs(x: Any, shapes: list[Shape], model: Any, where: str) -> list[Array]:
    """Return the samples of each of a model's inputs, checked, all of one length."""
    listed = [x]
    if len(shapes) > 1 or not isinstance(x, np.ndarray):
        listed = parts(x, names_of(model, 0, len(shapes)), len(shapes[0]), where)
    xs = [
        check_samples(one, shape, where, model.dtype)
        for one, shape in zip(listed, shapes, strict=True)
    ]
    for other in xs[1:]:
        same_length(xs[0], other, where, ("samples of the first input", "of another"))
    return xs


def names_of(model: Any, which: int, count: int) -> list[str]:
    """Return the names under which a dict has a model's inputs (which = 0) or outputs (1)."""
    if not model.built:
        return ["input" if which == 0 else "output"] * count
    return model.structure[which].keys or (model.input_names, model.output_names)[which]


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
        elif wanted in (x.shape, (*x.shape, 1)):
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


def weigh_classes(batches: Batches, class_weight: Any, shapes: list[Shape], where: str) -> None:
    """Weigh each sample by its class; Keras takes one kind of weight or the other."""
    if class_weight is None:
        return
    name = f"{where}(class_weight)"
    if len(shapes) > 1:
        fix = "give sample_weight, one for each output"
        raise ArgumentError(message(name, "a model of one output", str(len(shapes)), fix))
    if batches.weights[0] is not None and where != "train_on_batch":
        fix = "multiply them into sample_weight"
        expected = "one of class_weight and sample_weight"
        raise ArgumentError(message(where, expected, "both", fix))
    weights = class_weights(class_weight, batches.ys[0], shapes[0], name)
    batches.weights[0] = weights if batches.weights[0] is None else weights * batches.weights[0]


def prepare(
    x: Any, y: Any, weights: Any, batch_size: int, model: Any, where: str,
    shapes: tuple[list[Shape], list[Shape]] | None = None,
) -> Batches:  # fmt: skip
    """Return a data set for training or evaluation, everything checked first.

    `shapes` are those of the model's inputs and outputs; they may be given for a model that is not
    built yet, so that nothing need be built for data that does not fit.
    """
    losses: list[Loss] = model.objective.losses
    scored = where == "evaluate" and model.writes("test_step")
    own = model.writes("compute_loss") or scored  # which know what they want
    idle = all(loss.is_nothing for loss in losses) and not own
    if y is None and not (idle or own):
        raise ArgumentError(message(f"{where}(y)", "targets", "None", "give x and y"))
    for loss in losses:
        loss.require_reduction(where)
    inputs, outputs = shapes or model.shapes_for(x, f"{where}(x)")
    if idle and not any(layer.may_add_loss for layer in model.graph.layers):
        fix = "give one to compile(loss=…), or call add_loss() in a layer"
        raise ArgumentError(message(where, "a loss to learn by", "none", fix))
    xs = check_inputs(x, inputs, model, f"{where}(x)")
    names = names_of(model, 1, len(outputs))
    count, blank = len(names), own and y is None
    y = [np.zeros((len(xs[0]), 0))] * count if blank else _with_blanks(y, names, losses, xs[0])
    given = y if blank else parts(y, names, len(outputs[0]), f"{where}(y)")
    ys = [
        any_targets(one, f"{where}(y)") if own else loss.check_targets(one, shape, f"{where}(y)")
        for loss, one, shape in zip(losses, given, outputs, strict=True)
    ]
    for one in ys:
        same_length(xs[0], one, where, ("samples", "targets"))
    listed = _weights(weights, names, where)
    rows = [tuple(shape[1:-1]) for shape in outputs]
    checked = [
        check_weights(one, len(xs[0]), f"{where}(sample_weight)", row)
        for one, row in zip(listed, rows, strict=True)
    ]
    batches = Batches([*map(gatherable, xs)], ys, checked, batch_size, model.dtype, rows)
    batches.tails = [
        one.shape[1:] if getattr(one, "size", -1) == y.size else y.shape[1:]
        for one, y in zip(given, ys, strict=True)
    ]
    return batches


def _with_blanks(y: Any, names: list[str], losses: list[Loss], x: Array) -> Any:
    """Return targets with zeros where an output without a loss has none."""
    if y is None:
        y = [None] * len(names) if len(names) > 1 else np.zeros(len(x))
    idle = [loss.is_nothing for loss in losses]
    if isinstance(y, dict):
        blanks = {name: None for name, one in zip(names, idle, strict=True) if one}
        listed = blanks | y
        return {k: np.zeros(len(x)) if k in blanks and v is None else v for k, v in listed.items()}
    if any(idle) and isinstance(y, (list, tuple)) and len(y) == len(names):
        return [np.zeros(len(x)) if one is None and idle[k] else one for k, one in enumerate(y)]
    return y


def _weights(weights: Any, names: list[str], where: str) -> list[Any]:
    """Return each output's sample weights; those of outputs that are not named are None."""
    if isinstance(weights, dict):
        given = {**dict.fromkeys(names), **weights}
        return parts(given, names, None, f"{where}(sample_weight)")
    several = isinstance(weights, (list, tuple)) and len(weights) == len(names) > 1
    return list(weights) if several else [weights] * len(names)  # the same for all, as in Keras


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

    The cut is at ⌊n·(1 − share)⌋, before any shuffling, as in Keras. Lists and dicts of arrays,
    for several inputs or outputs, are cut array by array.

    >>> split(np.arange(5), np.arange(5), None, 0.4)[1][0]
    array([3, 4])
    """
    where = "fit(validation_split)"
    x, y = arrays_in(x, "fit(x)"), arrays_in(y, "fit(y)")
    n = len(_first(x))
    same_length(_first(x), _first(y), "fit", ("samples", "targets"))
    share = check_share(share, where)
    if weights is not None and not isinstance(y, (list, dict)):
        rows = y.shape[1:] if np.ndim(weights) > 1 else ()  # their number is checked with targets
        weights = check_weights(weights, n, "fit(sample_weight)", rows[: np.ndim(weights) - 1])
    cut = math.floor(n * (1 - share))
    if cut in (0, n):
        fix = "give more data or another share"
        raise ArgumentError(message(where, "samples on both sides", f"{share} of {n} samples", fix))
    head = tuple(_each(one, lambda array: array[:cut]) for one in (x, y, weights))
    return head, tuple(_each(one, lambda array: array[cut:]) for one in (x, y, weights))


def _first(value: Any) -> Array:
    """Return an array, or the first of a list or dict of arrays."""
    listed = list(value.values()) if isinstance(value, dict) else value
    return listed[0] if isinstance(listed, list) else listed


def _each(value: Any, cut: Callable[[Array], Array]) -> Any:
    if isinstance(value, dict):
        return {name: _each(one, cut) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each(one, cut) for one in value]
    return None if value is None else cut(value)


__getattr__ = lookup(__name__, ())  # tf.data, after `import npcnn as tf`
