"""Initializers that draw each number alone: uniform, normal, normal without its tails."""

from __future__ import annotations

import math

import numpy as np

from npcnn.arguments import NonNegative, checked
from npcnn.checks import ArgumentError, message
from npcnn.initializers.base import Initializer
from npcnn.random import Seed


class RandomUniform(Initializer):
    """Uniform in [minval, maxval).

    >>> RandomUniform(0.0, 1.0, seed=0)((3,)).round(2)
    array([0.64, 0.27, 0.04], dtype=float32)
    """

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


class RandomNormal(Initializer):
    """Normal with the given mean and standard deviation.

    >>> RandomNormal(stddev=1.0, seed=0)((3,)).round(2)
    array([ 0.13, -0.13,  0.64], dtype=float32)
    """

    @checked
    def __init__(
        self, mean: float = 0.0, stddev: NonNegative = 0.05, seed: Seed | None = None
    ) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return normal numbers."""
        return generator.normal(self.mean, self.stddev, shape)


class TruncatedNormal(RandomNormal):
    """Normal, drawn again where a number is more than two standard deviations off the mean.

    What is left has a standard deviation of 0.88 · stddev.

    >>> bool(abs(TruncatedNormal(stddev=1.0, seed=0)((1000,))).max() < 2)
    True
    """

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return normal numbers without their tails."""
        return self.mean + self.stddev * cut_normal(generator, shape)


def cut_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return standard normal numbers, drawn again where they fall beyond ±2."""
    values = generator.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = generator.standard_normal(int(outside.sum()))
    return values
