"""Keras's `random`: arrays drawn at random, for what a program writes itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import config

Array = np.ndarray


class SeedGenerator:
    """Gives another seed at each `next()`: the same ones for the same first seed.

    >>> SeedGenerator(3).next() == SeedGenerator(3).next()
    True
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        self.seed, self.name = seed, name
        self.generator = np.random.default_rng(_drawn_seed() if seed is None else seed)

    def next(self, ordered: bool = True) -> int:
        """Return the next seed."""
        return int(self.generator.integers(1 << 62))


def _drawn_seed() -> int:
    from npcnn.random import weights_generator

    return int(weights_generator().integers(1 << 62))


def _generator(seed: Any) -> np.random.Generator:
    if isinstance(seed, SeedGenerator):
        return seed.generator
    return np.random.default_rng(_drawn_seed() if seed is None else seed)


def _type(dtype: Any) -> Any:
    return config.floatx() if dtype is None else dtype


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Array:
    """Return draws from a normal distribution.

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    return _generator(seed).normal(mean, stddev, shape).astype(_type(dtype))


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Array:
    """Return such draws that lie within two standard deviations."""
    generator = _generator(seed)
    found = generator.normal(size=shape)
    while (far := np.abs(found) > 2).any():
        found = np.where(far, generator.normal(size=shape), found)
    return (mean + stddev * found).astype(_type(dtype))


def uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Array:
    """Return draws from between two numbers."""
    return _generator(seed).uniform(minval, maxval, shape).astype(_type(dtype))


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Array:
    """Return whole numbers from minval to before maxval."""
    return _generator(seed).integers(minval, maxval, shape).astype(dtype)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Array:
    """Return a copy in another order along an axis."""
    return _generator(seed).permutation(np.asarray(x), axis=axis)


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Return inputs with some set to 0, and the others made larger for it."""
    kept = _generator(seed).random(noise_shape or inputs.shape) >= rate
    return inputs * (kept / (1 - rate)).astype(str(inputs.dtype))
