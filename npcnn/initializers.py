"""Where weights start. Names, arguments and ranges are Keras's.

Fans: a dense kernel (in, units) has fan_in = in and fan_out = units; a convolution's kernel
(KH, KW, C, F) has KH·KW·C and KH·KW·F.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn import names
from npcnn.arguments import NonNegative, arguments_of, checked
from npcnn.checks import ArgumentError, is_whole, message, one_of, shown
from npcnn.config import FloatType
from npcnn.random import Seed, weights_generator

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "RandomNormal",
    "RandomUniform",
    "Zeros",
    "get",
]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


def check_shape(value: Any, where: str) -> tuple[int, ...]:
    """Return the shape of an array that fits into memory, or raise ArgumentError.

    >>> check_shape([3, 3], "here")
    (3, 3)
    """
    listed = value if isinstance(value, (tuple, list)) else (value,)
    if len(listed) > 32 or not all(is_whole(size) and size >= 0 for size in listed):
        fix = "give sizes, such as (3, 3, 1, 5)"
        raise ArgumentError(message(where, "the shape of an array", shown(value), fix))
    if math.prod(int(size) for size in listed) >= MOST:
        raise too_large(where, tuple(int(size) for size in listed))
    return tuple(int(size) for size in listed)


Sizes = Annotated[Any, check_shape]
MOST = 2**40  # numbers in an array: eight terabytes


def too_large(where: str, shape: tuple[int, ...]) -> ArgumentError:
    """Return the error for an array that memory cannot hold."""
    return ArgumentError(message(where, "an array that fits into memory", str(shape), "make less"))


class Initializer:
    """Base: called with a shape and a dtype, it returns the array to start from.

    With `seed` given, its draws depend on that seed alone; else on `npcnn.set_random_seed`.
    """

    @checked
    def __init__(self, seed: Seed | None = None) -> None:
        self.seed = seed

    @checked
    def __call__(self, shape: Sizes, dtype: FloatType = "float32") -> np.ndarray:
        """Return an array of the given shape and dtype."""
        generator = weights_generator() if self.seed is None else np.random.default_rng(self.seed)
        try:
            drawn = self.draw(generator, shape)
            with np.errstate(over="ignore"):
                values = drawn.astype(dtype)
        except MemoryError as error:
            raise too_large(f"{type(self).__name__}(shape)", shape) from error
        if not np.isfinite(values).all():
            where, got = type(self).__name__, f"{drawn[~np.isfinite(values)][0]:g}"
            fix = "give smaller arguments"
            raise ArgumentError(message(where, f"numbers within {dtype}", got, fix))
        return values

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return the values in float64, so that they do not depend on the model's dtype."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this initializer again."""
        return {"seed": self.seed}


class Zeros(Initializer):
    """All zeros."""

    def __init__(self) -> None:
        super().__init__()

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return zeros."""
        return np.zeros(shape)

    def get_config(self) -> dict[str, Any]:
        """Return no arguments."""
        return {}


class Ones(Zeros):
    """All ones."""

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return ones."""
        return np.ones(shape)


class Constant(Initializer):
    """One value everywhere."""

    @checked
    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value = value

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return the value, repeated."""
        return np.full(shape, self.value)

    def get_config(self) -> dict[str, Any]:
        """Return the value."""
        return {"value": self.value}


class RandomUniform(Initializer):
    """Uniform in [minval, maxval)."""

    @checked
    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: Seed | None = None
    ) -> None:
        super().__init__(seed)
        if not minval <= maxval or maxval - minval == math.inf:
            got, fix = f"minval={minval}, maxval={maxval}", "exchange them"
            where = type(self).__name__
            raise ArgumentError(message(where, "minval ≤ maxval, a range of floats", got, fix))
        self.minval, self.maxval = minval, maxval

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return uniform numbers."""
        return generator.uniform(self.minval, self.maxval, shape)

    def get_config(self) -> dict[str, Any]:
        """Return range and seed."""
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class RandomNormal(Initializer):
    """Normal with the given mean and standard deviation."""

    @checked
    def __init__(
        self, mean: float = 0.0, stddev: NonNegative = 0.05, seed: Seed | None = None
    ) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return normal numbers."""
        return generator.normal(self.mean, self.stddev, shape)

    def get_config(self) -> dict[str, Any]:
        """Return mean, standard deviation and seed."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class _Scaled(Initializer):
    """Draws whose variance is scale / fan: fan_in, or the mean of both fans."""

    scale = 1.0
    average_fans = True
    normal = False

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return uniform numbers in ±√(3·variance), or normal ones cut at two deviations."""
        fan_in, fan_out = fans(shape)
        variance = self.scale / max(1.0, (fan_in + fan_out) / 2 if self.average_fans else fan_in)
        if not self.normal:
            limit = math.sqrt(3 * variance)
            return generator.uniform(-limit, limit, shape)
        # 0.8796… is the deviation of a standard normal cut at ±2, so the result has the right one.
        return truncated_normal(generator, shape) * (math.sqrt(variance) / 0.87962566103423978)


class GlorotUniform(_Scaled):
    """Uniform in ±√(6 / (fan_in + fan_out)). Source: Glorot, Bengio, AISTATS 2010."""


class GlorotNormal(_Scaled):
    """Normal cut at two deviations, variance 2 / (fan_in + fan_out)."""

    normal = True


class HeUniform(_Scaled):
    """Uniform in ±√(6 / fan_in). Source: He et al., "Delving Deep into Rectifiers", 2015."""

    scale, average_fans = 2.0, False


class HeNormal(HeUniform):
    """Normal cut at two deviations, variance 2 / fan_in."""

    normal = True


class LecunUniform(_Scaled):
    """Uniform in ±√(3 / fan_in)."""

    average_fans = False


class LecunNormal(LecunUniform):
    """Normal cut at two deviations, variance 1 / fan_in."""

    normal = True


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a kernel's shape.

    >>> fans((3, 3, 5, 10))
    (45, 90)
    """
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def truncated_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return standard normal numbers, drawn again where they fall beyond ±2."""
    values = generator.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = generator.standard_normal(int(outside.sum()))
    return values


CLASSES: dict[str, type[Initializer]] = {
    cls.__name__: cls
    for cls in (
        Zeros, Ones, Constant, RandomUniform, RandomNormal, GlorotUniform, GlorotNormal,
        HeUniform, HeNormal, LecunUniform, LecunNormal,
    )
}  # fmt: skip

NAMES = {
    "zeros": Zeros, "ones": Ones, "constant": Constant, "random_uniform": RandomUniform,
    "random_normal": RandomNormal, "glorot_uniform": GlorotUniform, "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform, "he_normal": HeNormal, "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
}  # fmt: skip


def get(identifier: Any, where: str = "initializer") -> Initializer:
    """Return the initializer named or described, or the object itself.

    Args:
        identifier: a name, an Initializer, or {"class_name": …, "config": …} as layers' configs
            have it.
        where: the argument, for the message.

    Raises ArgumentError for an unknown name or another type.

    >>> type(get("glorot_uniform")).__name__
    'GlorotUniform'
    """
    if isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, str):
        known = {**CLASSES, **NAMES}
        return known[identifier if identifier in CLASSES else one_of(identifier, NAMES, where)]()
    if isinstance(identifier, dict) and {"class_name", "config"} <= set(identifier):
        cls = CLASSES[one_of(identifier["class_name"], CLASSES, where)]
        return cls(**arguments_of(cls, identifier["config"], where))
    fix = "use a name such as 'glorot_uniform'"
    raise ArgumentError(message(where, "a name or an Initializer", shown(identifier), fix))


Given = Annotated[Any, get]  # in: a name, an object, a config; out: an Initializer
