"""What an initializer is: called with a shape and a dtype, it returns the array to start from."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from npcnn import config, registry
from npcnn.arguments import arguments_of, checked
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.config import FloatType
from npcnn.random import Seed, weights_generator
from npcnn.remembered import Remembering, kept

MOST = 2**40  # numbers in an array: eight terabytes


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


def too_large(where: str, shape: tuple[int, ...]) -> ArgumentError:
    """Return the error for an array that memory cannot hold."""
    return ArgumentError(message(where, "an array that fits into memory", str(shape), "make less"))


class Initializer(Remembering):
    """Base: called with a shape and a dtype, it returns the array to start from.

    With `seed` given, its draws depend on that seed alone; else on `npcnn.set_random_seed`. One of
    your own defines `draw`, or `__call__`; registered
    (`npcnn.utils.register_keras_serializable`), it may stand in files.

    >>> class Half(Initializer):
    ...     def draw(self, generator, shape):
    ...         return np.full(shape, 0.5)
    >>> Half()((2,))
    array([0.5, 0.5], dtype=float32)
    """

    seed: Any = None  # also of a class whose __init__ calls no other

    @checked
    def __init__(self, seed: Seed | None = None) -> None:
        self.seed = seed

    @checked
    def __call__(self, shape: Sizes, dtype: FloatType | None = None) -> np.ndarray:
        """Return an array of the given shape and dtype; None is `config.floatx()`."""
        dtype = dtype or np.dtype(config.floatx())
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
        return kept(self)

    def written(self, dtype: Any) -> dict[str, Any]:
        """Return what stands for it in a layer's config: class name and arguments."""
        name = registry.registered_name(type(self)) or type(self).__name__
        return {"class_name": name, "config": self.get_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """Return a new one with these arguments."""
        return cls(**arguments_of(cls, config, f"{cls.__name__}.from_config(config)"))

    def clone(self) -> Initializer:
        """Return a new one with the same arguments."""
        return type(self).from_config(self.get_config())
