"""The one door: from what a user handed to fit, evaluate or predict to a feed."""

from __future__ import annotations

import math
from typing import Annotated, Any

from npcnn import data, mapped
from npcnn.checks import ArgumentError, arrays_in, message
from npcnn.data import Batches
from npcnn.feeding.feed import Feed
from npcnn.feeding.sources import Shapes, is_stream, stream_of

BATCH_SIZE = 32  # as in Keras


def numbers_or_stream(value: Any, where: str) -> Any:
    """Return an array, a list or dict of arrays, or what yields batches as it is.

    Raises DtypeError for anything else.
    """
    return value if is_stream(value) else arrays_in(value, where)


Data = Annotated[Any, numbers_or_stream]
Targets = Annotated[Any, arrays_in]


def opened(
    given: tuple[Any, Any, Any], model: Any, where: str, batch_size: int | None = None,
    steps: int | None = None, *, targets: bool = True, shapes: Shapes | None = None,
    **options: Any,
) -> Feed:  # fmt: skip
    """Return a feed; everything that can be checked beforehand is, and nothing is changed yet.

    Args:
        given: x, y and sample weights; with an x that yields batches, the others are None.
        model: whose they are to fit; compiled, if there are targets.
        where: the call, for the message.
        batch_size: samples a step of arrays; by default 32, or what makes so many steps.
        steps: batches of an epoch; None is all there are.
        targets: whether outputs are compared with something.
        shapes: the model's input and output, where they are known though it is not built.
        options: `class_weight`, `augmenter`, `distribution`; `shuffle` and `start` as `Feed` has
            them.
    """
    class_weight, shuffle = options.get("class_weight"), options.get("shuffle", False)
    start, augmenter = options.get("start", 0), options.get("augmenter")
    x, y, weights = given
    if is_stream(x):
        _alone(y, weights, where)
        _of_pictures(augmenter, None, where)
        stream = stream_of(x, model, where, class_weight, targets, shapes)
        return Feed(stream, steps, shuffle, start, stream.shapes)
    shapes = shapes or model.shapes_for(x, f"{where}(x)")
    with mapped.shared_out(options.get("distribution")):
        if targets:
            batches = data.prepare(x, y, weights, 1, model, where, shapes)
            data.weigh_classes(batches, class_weight, shapes[1], where)
        else:
            xs = data.check_inputs(x, shapes[0], model, f"{where}(x)")
            batches = Batches([*map(data.gatherable, xs)], (), (), 1, model.dtype)
    _of_pictures(augmenter, batches.xs, where)
    batches.augmenter = augmenter
    size = batch_size or (math.ceil(len(batches) / steps) if steps else BATCH_SIZE)
    batches.batch_size = max(size, 1)
    return Feed(batches, steps, shuffle, start, shapes)


def _alone(y: Any, weights: Any, where: str) -> None:
    """Raise ArgumentError if targets or weights come beside batches that have their own."""
    for name, value in (("y", y), ("sample_weight", weights)):
        if value is not None:
            expected = "nothing beside an x that yields batches"
            fix = f"let it yield the {name} with each batch"
            raise ArgumentError(message(f"{where}({name})", expected, "an argument", fix))


def _of_pictures(augmenter: Any, xs: Any, where: str) -> None:
    """Raise ArgumentError if an augmenter has no pictures to change; xs are None for a stream."""
    if augmenter is None or (xs is not None and any(x.ndim == 4 for x in xs)):
        return
    got = "batches from outside" if xs is None else ", ".join(str(x.shape) for x in xs)
    fix = "reshape the samples, or take layers such as RandomRotation"
    expected = "samples (n, rows, columns, channels) in arrays"
    raise ArgumentError(message(f"{where}(augmenter)", expected, got, fix))
