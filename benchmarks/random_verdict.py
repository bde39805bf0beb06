"""What is held against what, how closely, and what Keras's own rounding makes of a network."""

from __future__ import annotations

import collections
from typing import Any, NamedTuple

import numpy as np

OUTPUTS, TRAINED, SCALAR = 1e-5, 1e-4, 1e-7
TRAINING = {"before": OUTPUTS, "history": TRAINED, "after": TRAINED, "evaluated": TRAINED,
            "state": TRAINED, "outputs": TRAINED, "weights": TRAINED}  # fmt: skip
READ = {"weights": 0.0, "state": 0.0, "outputs": OUTPUTS}
SAME = 2.0  # times Keras's distance from itself


class Short(NamedTuple):
    """Numbers that are further apart than allowed: which, how far, and what they are measured by.

    `key` is that of Keras's own spread to which they are held; None for what must be exact.
    """

    where: str
    text: str
    far: float
    key: str | None


def read(path: str) -> dict[str, list[np.ndarray]]:
    """Return the arrays of a file by what they are."""
    found: dict[str, list[np.ndarray]] = collections.defaultdict(list)
    with np.load(path) as kept:
        for key, value in kept.items():
            found[key.rpartition("/")[0]].append(value)
    return found


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference by max(1, |values|); infinite for another shape."""
    if one.shape != other.shape:
        return float("inf")
    one, other = one.astype("float64"), other.astype("float64")
    with np.errstate(invalid="ignore"):
        far = np.abs(one - other) / np.maximum(1, np.maximum(np.abs(one), np.abs(other)))
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    return float(np.max(np.where(same, 0, np.nan_to_num(far, nan=np.inf)), initial=0))


def spread(paths: list[str]) -> dict[str, float]:
    """Return how far the first of some files is from the others, by what the arrays are."""
    first, *others = [read(path) for path in paths]
    found: dict[str, float] = {}
    for other in others:
        for key, values in first.items():
            if len(other[key]) == len(values):
                far = [apart(a, b) for a, b in zip(values, other[key], strict=True)]
                found[key] = max(found.get(key, 0.0), *far, 0.0)
    return found


class Verdict:
    """What was found of one network: the worst differences, what falls short, what is wrong.

    Attributes:
        worst: where → the largest difference.
        short: numbers further apart than allowed.
        wrong: names, configurations, errors.
        ill: numbers further apart than allowed, but no further than Keras from itself.
    """

    def __init__(self) -> None:
        self.worst: dict[str, float] = {}
        self.short: list[Short] = []
        self.wrong: list[str] = []
        self.ill: list[str] = []

    def numbers(
        self, where: str, ours: str, theirs: str, allowed: dict[str, float],
        held: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Compare the arrays of two files.

        Args:
            where: for the text.
            ours: the path of one.
            theirs: of the other.
            allowed: what is compared, and how far apart it may be.
            held: to which of Keras's spreads, if it is not that of the same name.
        """
        names = held or {}
        one, other = read(ours), read(theirs)
        for key, most in allowed.items():
            if len(one[key]) != len(other[key]):
                self.wrong.append(f"{where}, {key}: {len(one[key])} and {len(other[key])} arrays")
                continue
            for k, (a, b) in enumerate(zip(one[key], other[key], strict=True)):
                far = apart(a, b)
                if key == "state" and a.ndim == 0 and most == 0:
                    far = 0.0 if far < SCALAR else far  # Nadam's product, of another rounding
                self.worst[f"{where}, {key}"] = max(self.worst.get(f"{where}, {key}", 0.0), far)
                if far > most:
                    text = f"{where}, {key} {k} {a.shape} {b.shape}: {far:.3g}"
                    held_to = names.get(key, key) if most else None
                    self.short.append(Short(where, text, far, held_to))

    def alike(self, where: str, one: Any, other: Any) -> None:
        """Compare names or configurations."""
        self.wrong += [f"{where}{text}" for text in differences(one, other)]

    def measured(
        self, rounding: dict[str, float], backends: dict[str, dict[str, float]],
        finer: dict[str, tuple[float, float]],
    ) -> None:  # fmt: skip
        """Judge what falls short by how far Keras is from itself.

        Args:
            rounding: on its first backend, from other roundings; by what the numbers are.
            backends: on its first backend, from each of the others. What one of these makes no
                number of says nothing about the rest.
            finer: how far both are apart in float64, and Keras's float32 from its float64; for
                networks in float32 alone.
        """
        coarse = max((far for _, far in finer.values()), default=0.0)  # all hangs on all weights
        for short in self.short:
            key = short.key or ""
            between = {name: own.get(key, 0.0) for name, own in backends.items()}
            apart = [far for far in between.values() if np.isfinite(far)]
            own = between.get(short.where, max(apart, default=0.0))
            most = TRAINING.get(key, 0.0)
            near = finer.get(key, (np.inf, 0.0))[0]
            if short.far <= SAME * max(rounding.get(key, 0.0), own):
                self.ill.append(f"{short.text}; Keras {rounding.get(key, 0.0):.3g} by rounding, "
                                f"{own:.3g} by backend")  # fmt: skip
            elif near <= most < coarse:
                self.ill.append(f"{short.text}; {near:.3g} in float64, from which Keras's float32 "
                                f"is {coarse:.3g}")  # fmt: skip
            else:
                self.wrong.append(short.text)
        self.short = []


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Return where two configurations differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        # Keras notes whether a layer is in training by default, of those that ask, in each call.
        keys = sorted((set(one) | set(other)) - ({"kwargs"} if "args" in one else set()))
        return [t for k in keys for t in differences(one.get(k), other.get(k), f"{at}.{k}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        rows = enumerate(zip(one, other, strict=True))
        return [t for k, (a, b) in rows for t in differences(a, b, f"{at}[{k}]")]
    if isinstance(one, float) and isinstance(other, float) and abs(one - other) <= 1e-7 * abs(one):
        return []  # Keras keeps some numbers in float32
    return [] if one == other else [f"{at}: {str(one)[:90]} and {str(other)[:90]}"]
