"""Holding a trace's gradients against central differences, and knowing where these mean nothing.

A difference over a kink (a ReLU at 0, two equal values in a pooling window) is no derivative. It
shows in the one-sided differences: where a function is smooth, they come together in proportion
to the push; at a kink they stay apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from npcnn import training as training_module
from npcnn.checks import NumericsError, message
from npcnn.inspection.spy import rectifies, shadows
from npcnn.inspection.tables import columns
from npcnn.layers import Layer, MaxPooling2D, ReLU
from npcnn.reference.pooling import pool_windows
from npcnn.threads import single_threaded_blas

Array = np.ndarray

FIRST_PUSH = 2.0**-10  # relative to the array's size; shortened until the function looks smooth
SHORTER = 0.25
PUSHES = 9
NEGLIGIBLE = 1e-3  # of the tolerance: a difference as sure as that needs no shorter push


@dataclass(frozen=True)
class Kink:
    """An element by which the loss has no derivative.

    Attributes:
        place: where it is.
        layers: which layers bend there, in the network's order.
    """

    place: tuple[int, ...]
    layers: tuple[str, ...]


@dataclass(frozen=True)
class CheckedArray:
    """One gradient of one layer, checked.

    Attributes:
        layer, array: whose and by what: 'input', 'kernel', 'bias'.
        places: the elements pushed. gradients, differences: of those away from kinks.
        error: max |gradient − difference| of those / the array's largest gradient or difference.
        kinks: elements left out.
    """

    layer: str
    array: str
    places: list[tuple[int, ...]]
    gradients: Array
    differences: Array
    error: float
    kinks: list[Kink] = field(default_factory=list)


class TraceCheck:
    """What `Trace.check` found; prints as a table.

    Attributes:
        rows: `CheckedArray` objects, first layer to last.
        tolerance: the largest relative error that passes.
    """

    def __init__(self, rows: list[CheckedArray], tolerance: float) -> None:
        self.rows, self.tolerance = rows, tolerance

    @property
    def passed(self) -> bool:
        """Whether every gradient is within the tolerance."""
        return not self.failed

    @property
    def failed(self) -> list[CheckedArray]:
        """Return the gradients that are wrong, the one nearest the loss first.

        A layer's gradients by its own parameters come before the one by its input, and a wrong
        gradient by an input spoils all layers in front of it: the first entry is the one to mend.
        """
        bad = [row for row in self.rows if not row.error <= self.tolerance]
        names = list(dict.fromkeys(row.layer for row in self.rows))
        return sorted(bad, key=lambda row: (-names.index(row.layer), row.array == "input"))

    @property
    def unchecked(self) -> list[CheckedArray]:
        """The gradients of which not one element could be compared: neither right nor wrong."""
        return [row for row in self.rows if not len(row.differences)]

    @property
    def largest(self) -> float:
        """The largest relative error."""
        return max((row.error for row in self.rows), default=0.0)

    @property
    def kinks(self) -> list[tuple[str, str, Kink]]:
        """All kinks met: (layer, array, kink)."""
        return [(row.layer, row.array, kink) for row in self.rows for kink in row.kinks]

    def error(self, layer: str, array: str) -> float:
        """Return one relative error."""
        return next(r.error for r in self.rows if (r.layer, r.array) == (layer, array))

    def raise_on_error(self) -> TraceCheck:
        """Return the table, or raise NumericsError naming the layer to mend."""
        if self.failed:
            row = self.failed[0]
            where = f"gradient by the {row.array} of {row.layer}"
            expected = f"a relative error ≤ {self.tolerance:.0e}"
            fix = "mend this layer's backward first: it is the wrong one nearest the loss"
            raise NumericsError(message(where, expected, f"{row.error:.1e}", fix))
        return self

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("layer", "gradient by", "checked", "relative error")]
        notes = [""]
        for row in self.rows:
            note = "" if row.error <= self.tolerance else "  WRONG"
            notes.append(note + (f"  {_kinks_in_words(row.kinks)}" if row.kinks else ""))
            error = f"{row.error:.1e}" if len(row.gradients) else "–"
            rows.append((row.layer, row.array, str(len(row.gradients)), error))
        lines = [line + note for line, note in zip(columns(rows, left=2), notes, strict=True)]
        if self.kinks:
            lines.append(
                "a kink: a ReLU at 0 or a tie for a maximum, where differences mean nothing"
            )
        if self.failed:
            row = self.failed[0]
            lines.append(f"wrong: mend {row.layer} first (gradient by its {row.array})")
        else:
            lines.append(f"all within {self.tolerance:.0e}")
        if self.unchecked:
            names = ", ".join(f"{row.array} of {row.layer}" for row in self.unchecked)
            lines.append(f"nothing could be compared: {names}; try other samples")
        return "\n".join(lines)

    __repr__ = __str__


def _kinks_in_words(kinks: list[Kink]) -> str:
    """Return how many elements were left out, and why."""
    bends = list(dict.fromkeys(kink.layers[0] for kink in kinks if kink.layers))
    if not bends:
        return f"{len(kinks)} left out: lost in rounding"
    return f"{len(kinks)} left out: at a kink of {', '.join(bends)}"


def check_trace(trace: Any, entries: int, seed: int, tolerance: float) -> TraceCheck:
    """Do the trace's step again in float64 and hold its gradients against differences."""
    from npcnn.inspection.tracing import Trace

    twins = shadows(trace.twins, "float64")
    for twin, original in zip(twins, trace.twins, strict=True):
        twin.seed = original.seed
    batch = trace.x.astype("float64"), trace.y, trace.weights
    fine = Trace(trace.model_name, trace.loss_function, batch, trace.training, twins, trace.step)
    generator = np.random.default_rng(seed)
    rows = []
    with single_threaded_blas():
        for i, layer in enumerate(fine.layers):
            x = layer.input.copy()
            suffix = _Suffix(fine, i, x)
            for name, value, _ in twins[i].parameters():
                gradient = layer[f"grad_{name}"]
                rows.append(_check(suffix, name, value, gradient, entries, generator, tolerance))
            rows.append(_check(suffix, "input", x, layer.grad_input, entries, generator, tolerance))
    return TraceCheck(rows, tolerance)


class _Suffix:
    """The loss as a function of what one layer sees and holds: the network from there on."""

    def __init__(self, trace: Any, first: int, x: Array) -> None:
        self.trace, self.x = trace, x
        self.layers: list[Layer] = trace.twins[first:]
        self.name = str(self.layers[0].name)

    def loss(self) -> float:
        """Return the mean loss."""
        t = self.trace
        outputs = training_module.forward(self.layers, self.x, t.training, t.step)
        logits = self.layers[-1].logits
        losses, _ = t.loss_function.losses_and_gradient(t.y, outputs, logits, t.weights)
        return float(losses.mean())

    def pattern(self) -> dict[str, bytes]:
        """Return which side of each kink the network is on, after a call of `loss`."""
        sides = {}
        for layer in self.layers:
            if rectifies(layer):
                side = layer.saved()[2] > 0
            elif isinstance(layer, ReLU):
                x = layer.saved()[0]
                side = np.where(x > (layer.max_value or np.inf), 2, x > layer.threshold)
            elif isinstance(layer, MaxPooling2D):
                windows = layer.pool_size, layer.strides, layer.padding
                side = pool_windows(layer.saved()[0], *windows).argmax(axis=-1)
            else:
                continue
            sides[str(layer.name)] = np.packbits(side != 0).tobytes() + side.tobytes()
        return sides


def _check(
    suffix: _Suffix, name: str, value: Array, gradient: Array, entries: int,
    generator: np.random.Generator, tolerance: float,
) -> CheckedArray:  # fmt: skip
    """Push some elements of one array."""
    places = _places(gradient, entries, generator)
    unit = float(np.sqrt(np.mean(np.square(value))))
    unit = unit if unit > 1e-3 else 1.0  # zeros say nothing about how far one may push
    size = float(np.abs(gradient).max())
    found = [_slope(suffix.loss, value, place, unit, size * tolerance) for place in places]
    size = max([size, *(abs(slope.value) for slope in found if np.isfinite(slope.value))])
    kinks, kept = [], []
    for place, slope in zip(places, found, strict=True):
        if slope.doubt <= 0.3 * tolerance * size or slope.doubt == 0:
            kept.append((gradient[place], slope.value))
        else:
            kinks.append(Kink(place, _bends(suffix, value, place, slope.push)))
    pairs = np.array(kept, np.float64).reshape(-1, 2)
    # By the array's own largest, not by the largest compared: where that one sits on a kink, what
    # is left may be zeros, and their rounding is no error.
    error = float(np.abs(pairs[:, 0] - pairs[:, 1]).max(initial=0.0)) / (size or 1.0)
    return CheckedArray(suffix.name, name, places, pairs[:, 0], pairs[:, 1], error, kinks)


def _places(gradient: Array, entries: int, generator: np.random.Generator) -> list[tuple[int, ...]]:
    """Return the places of the largest gradients, half of `entries`, and of others at random."""
    if gradient.size <= entries:
        flat = np.arange(gradient.size)
    else:
        top = np.argsort(-np.abs(gradient), axis=None, kind="stable")[: (entries + 1) // 2]
        others = np.setdiff1d(np.arange(gradient.size), top)
        flat = np.concatenate([top, generator.choice(others, entries - len(top), replace=False)])
    return [tuple(int(i) for i in np.unravel_index(k, gradient.shape)) for k in flat]


@dataclass
class _Slope:
    """A derivative by differences, how far it may be off, and the push it took."""

    value: float
    doubt: float
    push: float


def _slope(
    f: Callable[[], float], x: Array, place: tuple[int, ...], unit: float, enough: float
) -> _Slope:
    """Return ∂f/∂x[place] by Richardson's extrapolation of central differences.

    (4·D(h/2) − D(h)) / 3 is off by h⁴. The doubt in it is how much it changes from one push to
    the next shorter one, and how far the one-sided differences' gap is from halving with the push.
    """
    old, middle = x[place], f()
    push = unit * FIRST_PUSH
    best, before = _Slope(np.nan, np.inf, push), None
    for _ in range(PUSHES):
        central, gaps = [], []
        for h in (push, push / 2):
            x[place] = old + h
            above, up = f(), x[place] - old
            x[place] = old - h
            below, down = f(), old - x[place]
            central.append((above - below) / (up + down))
            gaps.append((above - middle) / up - (middle - below) / down)
        x[place] = old
        value = (4 * central[1] - central[0]) / 3
        bend = abs(gaps[1] - gaps[0] / 2)
        if before is not None:
            doubt = abs(value - before) + bend
            if doubt <= best.doubt:
                best = _Slope(value, doubt, push)
            if doubt <= max(enough * NEGLIGIBLE, 0.0):
                break
        before, push = value, push * SHORTER
    return best


def _bends(suffix: _Suffix, x: Array, place: tuple[int, ...], push: float) -> tuple[str, ...]:
    """Return the layers that are on different sides of a kink before and after a push."""
    old, patterns = x[place], []
    for h in (0.0, push, -push):
        x[place] = old + h
        suffix.loss()
        patterns.append(suffix.pattern())
    x[place] = old
    base = patterns[0]
    return tuple(n for n in base if any(p[n] != base[n] for p in patterns[1:]))
