"""What weights are held to after each step.

Hand one to a layer, `Dense(10, kernel_constraint="max_norm")`, as a name or as an object. One of
your own is a subclass of `Constraint`, registered (`npcnn.utils.register_keras_serializable`) so
that files may name it.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn import contracts, names, registry, regularizers
from npcnn.arguments import Numbers, arguments_of, checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_whole, message, non_negative, shown
from npcnn.remembered import Remembering, kept

__all__ = [
    "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "max_norm",
    "min_max_norm", "non_neg", "serialize", "unit_norm",
]  # fmt: skip

Array = np.ndarray

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


def _axes(value: Any, where: str) -> Any:
    """Return an axis, or a list of them, or raise ArgumentError."""
    listed = value if isinstance(value, (list, tuple)) else [value]
    if not 1 <= len(listed) <= 8 or not all(is_whole(axis) and -8 <= axis < 8 for axis in listed):
        fix = "0 for a dense kernel, [0, 1, 2] for a convolution's"
        raise ArgumentError(message(where, "an axis or a list of axes", shown(value), fix))
    return [int(axis) for axis in listed] if isinstance(value, (list, tuple)) else int(value)


Axes = Annotated[Any, _axes]
Length = Annotated[float, partial(non_negative, fix="2 is Keras's", most=1e30)]


class Constraint(Remembering):
    """Base: called with an array, it returns what the array is to become.

    >>> class Halved(Constraint):
    ...     def __call__(self, w):
    ...         return w / 2
    >>> Halved()(np.ones(2))
    array([0.5, 0.5])
    """

    def __call__(self, w: Array) -> Array:
        """Return what the array is to become, in its shape."""
        return w

    def apply(self, w: Array) -> None:
        """Change a parameter in place."""
        label = f"the constraint {type(self).__name__}"
        contracts.read_in_python(label)
        found = np.asarray(self(w))
        if found.shape != w.shape or found.dtype.kind not in "fiub":
            expected, got = f"numbers of shape {w.shape}", f"{found.dtype} of shape {found.shape}"
            fix = "return what the weights are to become"
            raise ArgumentError(message(label, expected, got, fix))
        w[...] = found

    def require_axes(self, shape: tuple[int, ...], where: str) -> None:
        """Raise ArgumentError for a parameter that lacks an axis of the constraint's."""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return kept(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        """Return a constraint of these arguments."""
        return cls(**arguments_of(cls, config, f"{cls.__name__}.from_config(config)"))


class NonNeg(Constraint):
    """No number is below 0.

    >>> NonNeg()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    @checked
    def __call__(self, w: Numbers) -> Array:
        """Return max(w, 0)."""
        return np.maximum(w, 0)

    def apply(self, w: Array) -> None:
        """Change a parameter in place."""
        ops.non_negative(w.reshape(-1))


class MinMaxNorm(Constraint):
    """Lengths along an axis, or several, come to lie in a range.

    Args:
        min_value, max_value: the range.
        rate: how far the way there is gone in a step: 1 for all of it.
        axis: along which lengths are taken: 0 for a dense kernel, [0, 1, 2] for a convolution's.

    >>> MinMaxNorm(max_value=1.0)(np.array([[3.0], [4.0]])).round(3).tolist()
    [[0.6], [0.8]]
    """

    @checked
    def __init__(
        self, min_value: Length = 0.0, max_value: Length = 1.0, rate: Length = 1.0, axis: Axes = 0
    ) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    @checked
    def __call__(self, w: Numbers) -> Array:
        """Return w, scaled."""
        new = np.array(w, w.dtype if w.dtype.kind == "f" else "float64", order="C")
        self.require_axes(new.shape, type(self).__name__)
        axes = self._sorted(new.ndim)
        first = new.transpose([*axes, *(k for k in range(new.ndim) if k not in axes)])
        size, rest = math.prod(first.shape[: len(axes)]), math.prod(first.shape[len(axes) :])
        flat = np.ascontiguousarray(first.reshape(1, size, rest))
        ops.norm_constraint(flat, self.min_value, self.max_value, self.rate)
        first[...] = flat.reshape(first.shape)
        return new

    def apply(self, w: Array) -> None:
        """Change a parameter in place."""
        axes = self._sorted(w.ndim)
        if axes != list(range(axes[0], axes[-1] + 1)):
            super().apply(w)
            return
        shape = w.shape
        sizes = shape[: axes[0]], shape[axes[0] : axes[-1] + 1], shape[axes[-1] + 1 :]
        view = w.reshape([math.prod(part) for part in sizes])
        ops.norm_constraint(view, self.min_value, self.max_value, self.rate)

    def _sorted(self, ndim: int) -> list[int]:
        listed = self.axis if isinstance(self.axis, list) else [self.axis]
        return sorted({axis % ndim for axis in listed})

    def require_axes(self, shape: tuple[int, ...], where: str) -> None:
        """Raise ArgumentError for a parameter that lacks an axis of the constraint's."""
        listed = self.axis if isinstance(self.axis, list) else [self.axis]
        if not all(-len(shape) <= axis < len(shape) for axis in listed):
            expected, fix = f"an axis of an array {shape}", "count from 0"
            raise ArgumentError(message(where, expected, f"axis {self.axis}", fix))


class MaxNorm(MinMaxNorm):
    """No length along an axis is larger than this.

    Source: Srivastava et al., "Dropout", JMLR 2014.

    Args:
        max_value: the largest length.
        axis: as in MinMaxNorm.

    >>> MaxNorm(1)(np.array([[3.0, 0.3], [4.0, 0.4]])).round(3).tolist()
    [[0.6, 0.3], [0.8, 0.4]]
    """

    @checked
    def __init__(self, max_value: Length = 2.0, axis: Axes = 0) -> None:
        super().__init__(0.0, max_value, 1.0, axis)


class UnitNorm(MinMaxNorm):
    """Each length along an axis is 1.

    Args:
        axis: as in MinMaxNorm.

    >>> UnitNorm()(np.array([[3.0], [4.0]])).round(3).tolist()
    [[0.6], [0.8]]
    """

    @checked
    def __init__(self, axis: Axes = 0) -> None:
        super().__init__(1.0, 1.0, 1.0, axis)


class FunctionConstraint(Constraint):
    """A function of the program's own."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, w: Array) -> Array:
        """Return what the function returns."""
        return np.asarray(self.function(w))


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm


def known() -> dict[str, type[Constraint]]:
    """Return name → class, npcnn's own."""
    others = ("get", "serialize", "deserialize", "Constraint")
    return {name: globals()[name] for name in __all__ if name not in others}


def get(identifier: Any, where: str = "constraints.get(identifier)") -> Constraint | None:
    """Return the constraint named or described, or the object itself; None for None.

    >>> get("max_norm").max_value, get({"class_name": "UnitNorm", "config": {"axis": 1}}).axis
    (2.0, 1)
    """
    return regularizers.found(identifier, Constraint, known(), where, FunctionConstraint)


serialize, deserialize = registry.serialization("constraints", known, get)
Given = Annotated[Any, get]  # in: a name, an object, a config; out: an object, or None
