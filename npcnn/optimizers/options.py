"""What all optimizers can do beside their own step; each is an op, so the step can be replayed."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn.arguments import up_to_one
from npcnn.backend import ops
from npcnn.checks import (
    ArgumentError,
    DtypeError,
    StateError,
    is_number,
    message,
    non_negative,
    positive,
    positive_int,
    shown,
    text,
)  # fmt: skip
from npcnn.subclasses import TEXTS, Kind
from npcnn.variables import Variable

if TYPE_CHECKING:
    from npcnn.optimizers.base import Optimizer, Segment

Array = np.ndarray

MOST = 1e30
# In the order of Keras's configs.
NAMES = (
    "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum",
    "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps",
)  # fmt: skip
AVERAGE, SUMS = "average", "gradient_accumulator"


class Named(Variable):
    """An array that is no layer's, itself: no copy, in its own dtype."""

    def __init__(self, value: Array, name: str) -> None:
        self.value, self.trainable, self.name = np.asarray(value), True, name


def _several(value: Any, where: str) -> int:
    steps = positive_int(value, where, "leave it out to move in each step", 2**31)
    if steps < 2:
        fix = "leave it out to move in each step"
        raise ArgumentError(message(where, "an integer of 2 or more", shown(value), fix))
    return steps


def _arrays(value: Any, where: str) -> list[Any]:
    """Return arrays, or variables, as a list; DtypeError otherwise."""
    listed = list(value) if isinstance(value, (list, tuple)) else [None]
    if all(isinstance(one, (np.ndarray, Variable)) for one in listed):
        return listed
    fix = "such as model.trainable_variables"
    raise DtypeError(message(where, "a list of variables or arrays", shown(value), fix))


def _pairs(value: Any, where: str) -> list[Any]:
    """Return pairs of a gradient and what it moves as a list; DtypeError otherwise."""
    listed = list(value) if isinstance(value, (list, tuple, zip)) else [None]
    if listed and all(isinstance(one, (list, tuple)) and len(one) == 2 for one in listed):
        return listed
    fix = "such as zip(gradients, model.trainable_variables)"
    raise DtypeError(message(where, "pairs of gradient and variable", shown(value), fix))


def _loss(value: Any, where: str) -> Any:
    """Return a number, or an array of floats; DtypeError otherwise."""
    if is_number(value) or (type(value) is np.ndarray and value.dtype.kind == "f"):
        return value
    raise DtypeError(message(where, "a number or an array of floats", shown(value), "give a loss"))


Momentum = Annotated[float, partial(up_to_one, fix="0.9 is usual")]
Decay = Annotated[float, partial(non_negative, fix="0.004 is AdamW's in Keras", most=MOST)]
Limit = Annotated[float, partial(positive, fix="leave it out for none", most=MOST)]
Several = Annotated[int, _several]
Arrays = Annotated[Any, _arrays]
Pairs = Annotated[Any, _pairs]
LossValue = Annotated[Any, _loss]


def limits(optimizer: Optimizer) -> dict[str, float | None]:
    """Return the three limits of gradients by name."""
    return {name: getattr(optimizer, name) for name in ("clipnorm", "clipvalue", "global_clipnorm")}


def used(optimizer: Optimizer) -> bool:
    """Return whether a step is more than the optimizer's own."""
    o = optimizer
    return bool(
        o.decays_apart or o.clipnorm is not None or o.clipvalue is not None
        or o.global_clipnorm is not None or o.use_ema or o.gradient_accumulation_steps
    )  # fmt: skip


def slots(optimizer: Optimizer) -> list[str]:
    """Return the names of state that options need, in the order of Keras's files."""
    wanted = {AVERAGE: optimizer.use_ema, SUMS: optimizer.gradient_accumulation_steps}
    return [name for name, needed in wanted.items() if needed]


def patterns(names: Any, where: str) -> list[str]:
    """Return names to search for, each a regular expression, or raise ArgumentError."""
    listed = list(names) if isinstance(names, (list, tuple)) else [names]
    found = [text(name, where) for name in listed]
    for name in found:
        try:
            re.compile(name)
        except re.error as error:
            raise ArgumentError(message(where, "names", shown(name), str(error))) from error
    return found


Names = Annotated[Any, patterns]


class Beside:
    """What options need beside the slots: where each variable lies, and their numbers of a step.

    Args:
        variables: name and shape of each, in the order of the slots.
        decaying: which of them decay.
        dtype: theirs.

    Attributes:
        stops: where each ends.
        sums: Σ g² of each.
        numbers: lr · weight decay; the running mean's ρ of this step, and 1 if it takes over.
    """

    def __init__(
        self, variables: Sequence[tuple[str, tuple[int, ...]]], decaying: Sequence[bool],
        dtype: np.dtype,
    ) -> None:  # fmt: skip
        self.variables, self.decaying = list(variables), list(decaying)
        sizes = [int(np.prod(shape, dtype=np.int64)) for _, shape in self.variables]
        self.stops = np.cumsum(sizes, dtype=np.int64).tolist()
        self.sums, self.numbers = np.zeros(len(sizes), dtype), np.zeros(3, dtype)

    def same(self, other: Beside | None) -> bool:
        """Whether another is of the same variables."""
        return other is not None and self.about() == other.about()

    def about(self) -> tuple[Any, ...]:
        """Return what a written-down step depends on."""
        return self.variables, self.decaying, self.numbers.dtype

    def copy(self) -> Beside:
        """Return another one, with arrays of its own."""
        return Beside(self.variables, self.decaying, self.numbers.dtype)

    def places(self, place: slice) -> slice:
        """Return which variables lie in a stretch of the slots."""
        return slice(bisect_right(self.stops, place.start), bisect_left(self.stops, place.stop) + 1)

    def bounds(self, place: slice) -> tuple[int, ...]:
        """Return where each variable of a stretch ends, counted from its beginning."""
        return tuple(stop - place.start for stop in self.stops[self.places(place)])

    def shrinking(self, place: slice) -> Iterator[slice]:
        """Yield the parts of a stretch that decay, neighbours as one."""
        start = first = 0
        for stop, decays in zip(self.bounds(place), self.decaying[self.places(place)], strict=True):
            if not decays:
                if start > first:
                    yield slice(first, start)
                first = stop
            start = stop
        if start > first:
            yield slice(first, start)


_NUMBER = Kind((int, float, np.number), "a number", none=True)
_WHOLE = Kind((int, np.integer), "an integer", none=True)
# What an optimizer's attributes take beside what they have at first.
KINDS = {
    **dict.fromkeys(
        ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor"), _NUMBER
    ),
    **dict.fromkeys(("ema_overwrite_frequency", "gradient_accumulation_steps"), _WHOLE),
    "beside": Kind((Beside,), "what options need, which the optimizer makes", none=True),
    "keras_slots": Kind((tuple, list), "texts in a tuple", str, none=True),
    "excluded": Kind((tuple,), "variables and names that do not decay", (list, tuple)),
    "slot_names": TEXTS, "overridable": TEXTS, "iterations": Kind((int, np.integer), "an integer"),
    "position": Kind((tuple,), "steps and rate in a tuple"),
}  # fmt: skip


def beside(
    optimizer: Optimizer, size: int, dtype: np.dtype,
    weights: Callable[[], Sequence[Any]] | None,
) -> Beside:  # fmt: skip
    """Return what the options need for these variables; what is there already, if it fits.

    Raises ArgumentError if an array that is not to decay is none of the variables.
    """
    old = optimizer.beside
    if weights is None:
        if old is not None and old.stops[-1:] == [size] and old.numbers.dtype == dtype:
            return old
        new = Beside([("parameters", (size,))], [True], dtype)
    else:
        listed = list(weights())
        arrays, patterns = optimizer.excluded
        barred = {k for k, w in enumerate(listed) if any(_is(w, array) for array in arrays)}
        missing = sum(not any(_is(w, array) for w in listed) for array in arrays)
        if missing:
            where = f"{type(optimizer).__name__}.exclude_from_weight_decay(var_list)"
            fix = "take them from the model's trainable_variables"
            got = f"{missing} that it does not learn"
            raise ArgumentError(message(where, "variables of the model", got, fix))
        barred |= {k for k, w in enumerate(listed) if any(re.search(p, w.name) for p in patterns)}
        decaying = [k not in barred for k in range(len(listed))]
        new = Beside([(w.name, w.shape) for w in listed], decaying, dtype)
    return old if old is not None and new.same(old) else new


def _is(weight: Any, given: Any) -> bool:
    """Whether a model's weight is what a user means: an object of its own, or the array."""
    layer = getattr(weight, "layer", None)
    if layer is not None and getattr(given, "layer", None) is layer:
        return getattr(given, "key", None) == weight.key
    return weight is given or weight.value is getattr(given, "value", given)


def prepare(optimizer: Optimizer, done: int) -> None:
    """Fill the numbers of the step to come, after so many."""
    assert optimizer.beside is not None
    numbers, every = optimizer.beside.numbers, optimizer.ema_overwrite_frequency
    if optimizer.weight_decay is not None:
        numbers[0] = optimizer.learning_rate * optimizer.weight_decay
    numbers[1] = optimizer.ema_momentum if done else 0.0
    numbers[2] = every is not None and (done + 1) % every == 0


def step(optimizer: Optimizer, segments: Sequence[Segment], moves: bool) -> None:
    """Take a step with options; `moves` says whether parameters change, or gradients add up."""
    assert optimizer.beside is not None
    if moves:
        pairs = zip(segments, _gradients(optimizer, segments), strict=True)
        for (place, parameters, _), gradients in pairs:
            if optimizer.decays_apart:
                for part in optimizer.beside.shrinking(place):
                    ops.weight_decay(parameters[part], optimizer.beside.numbers[:1])
            update(optimizer, place, parameters, gradients)
    else:
        for place, _, gradients in segments:
            ops.accumulate(optimizer.slots[SUMS][place], gradients)
    if optimizer.use_ema:
        for place, parameters, _ in segments:
            averages = optimizer.slots[AVERAGE][place]
            ops.moving_average(parameters, averages, optimizer.beside.numbers[1:])


def _gradients(optimizer: Optimizer, segments: Sequence[Segment]) -> list[Array]:
    """Return what the optimizer's own step is taken with: means, clipped."""
    every, found = optimizer.gradient_accumulation_steps, [g for _, _, g in segments]
    if every:
        added = [optimizer.slots[SUMS][place] for place, _, _ in segments]
        found = [ops.accumulated_mean(s, g, every) for s, g in zip(added, found, strict=True)]
    if optimizer.clipvalue is not None:
        return [ops.clip_by_value(gradients, optimizer.clipvalue) for gradients in found]
    limit = optimizer.clipnorm or optimizer.global_clipnorm
    if limit is None:
        return found
    assert optimizer.beside is not None
    sums_of = optimizer.beside.sums
    parts = [sums_of[optimizer.beside.places(place)] for place, _, _ in segments]
    bounds = [optimizer.beside.bounds(place) for place, _, _ in segments]
    for gradients, sums, stops in zip(found, parts, bounds, strict=True):
        ops.square_sums(gradients, sums, stops)
    if optimizer.clipnorm is None:
        return [ops.clip_by_global_norm(gradients, sums_of, limit) for gradients in found]
    return [
        ops.clip_by_norm(gradients, sums, stops, limit)
        for gradients, sums, stops in zip(found, parts, bounds, strict=True)
    ]


def named(variables: Sequence[Any]) -> list[Any]:
    """Return variables, and arrays under names of their own."""
    return [
        one if hasattr(one, "name") else Named(getattr(one, "value", one), f"variable_{k}")
        for k, one in enumerate(variables)
    ]


def finish(optimizer: Optimizer, arrays: Sequence[Any]) -> None:
    """Write the running means into all variables, in the order of the slots."""
    averages, stop = optimizer.slots[AVERAGE], 0
    arrays = [getattr(array, "value", array) for array in arrays]
    if sum(array.size for array in arrays) != averages.size:
        where = f"{type(optimizer).__name__}.finalize_variable_values(var_list)"
        got, fix = f"{sum(array.size for array in arrays)}", "give all that the optimizer moves"
        raise StateError(message(where, f"{averages.size} numbers in all", got, fix))
    if not averages.any():  # none was ever taken: an `apply` of one's own passed the base's over
        return
    for array in arrays:
        start, stop = stop, stop + array.size
        array[...] = averages[start:stop].reshape(array.shape)


def segments(optimizer: Optimizer, gradients: list[Any], arrays: list[Any]) -> list[Segment]:
    """Return gradients and variables, one each, as stretches; the optimizer's state is built.

    Raises ArgumentError for gradients and variables that do not fit, before anything is changed.
    """
    where = f"{type(optimizer).__name__}.apply(grads, trainable_variables)"
    given = arrays
    arrays = [getattr(array, "value", array) for array in given]
    fix = "give as many arrays as gradients, float32 or float64, each as its gradient"
    plain = all(
        isinstance(a, np.ndarray) and a.flags.c_contiguous and a.flags.writeable for a in arrays
    )
    shapes = [np.shape(gradient) for gradient in gradients]
    if not plain or not arrays or shapes != [array.shape for array in arrays]:
        got = f"shapes {shapes} for {[np.shape(array) for array in arrays]}"
        raise ArgumentError(message(where, "C-contiguous arrays, each with a gradient", got, fix))
    dtype = arrays[0].dtype
    if dtype not in ("float32", "float64") or any(array.dtype != dtype for array in arrays):
        got = ", ".join(str(array.dtype) for array in arrays)
        raise ArgumentError(message(where, "variables of one dtype", got, fix))
    optimizer.lay_out(sum(array.size for array in arrays), dtype, lambda: named(given))
    scale, stop, found = optimizer.loss_scale_factor, 0, []
    for array, one in zip(arrays, gradients, strict=True):
        gradient = np.asarray(one, dtype)
        gradient = gradient if scale is None else gradient / dtype.type(scale)
        start, stop = stop, stop + array.size
        found.append((slice(start, stop), array.reshape(-1), gradient.reshape(-1)))
    return found


def variables(optimizer: Optimizer) -> Iterator[tuple[str, Array]]:
    """Yield (Keras's name, array): iteration, learning rate, then the slots in Keras's order."""
    yield "iteration", optimizer.clock
    if not optimizer.scheduled:
        yield "learning_rate", np.array(optimizer.learning_rate, np.float32)
    known = optimizer.beside
    listed = [] if known is None else list(zip(known.variables, known.stops, strict=True))
    for group in keras_order(optimizer):
        for (name, shape), stop in listed:
            for slot, written in group:
                flat = optimizer.slots[slot]
                size = int(np.prod(shape, dtype=np.int64))
                yield f"{name}_{written}", flat[stop - size : stop].reshape(shape)
    for k, number in enumerate(optimizer.keras_numbers):
        yield f"number_{k}", np.array(number, np.float32)


def keras_order(optimizer: Optimizer) -> list[list[tuple[str, str]]]:
    """Return (slot, Keras's name of it) in groups, whose slots lie in turns, variable by variable.

    Without momentum Keras's SGD has no slot.
    """
    names = optimizer.slot_names
    keras = names if optimizer.keras_slots is None else optimizer.keras_slots
    own = list(zip(names, keras, strict=False))
    most = optimizer.in_turns or max(1, len(own))
    groups = [[(name, name)] for name in slots(optimizer)]
    return groups + [own[k : k + most] for k in range(0, len(own), most)]


def update(optimizer: Any, place: slice, parameters: Array, gradients: Array) -> None:
    """Let an optimizer move one stretch of parameters; what it returns instead would be lost."""
    if optimizer.by_variable:
        return optimizer.update_each(place, parameters, gradients)
    own = (optimizer.slots[name][place] for name in optimizer.slot_names)
    found = optimizer.update(parameters, gradients, *own)
    if found is not None:
        where, fix = f"{type(optimizer).__name__}.update", "write into parameters[...] instead"
        raise DtypeError(message(where, "parameters changed in place", shown(found), fix))
