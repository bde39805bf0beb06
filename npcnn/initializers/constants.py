"""Initializers that draw nothing: zeros, ones, any one value, the identity matrix."""

from __future__ import annotations

import numpy as np

from npcnn.arguments import checked
from npcnn.checks import ArgumentError, message
from npcnn.initializers.base import Initializer


class Zeros(Initializer):
    """All zeros."""

    def __init__(self) -> None:
        super().__init__()

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return zeros."""
        return np.zeros(shape)


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


class Identity(Initializer):
    """The identity matrix, times gain; for matrices alone.

    >>> Identity(2.0)((2, 3))
    array([[2., 0., 0.],
           [0., 2., 0.]], dtype=float32)
    """

    @checked
    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return gain on the diagonal, and 0 elsewhere."""
        if len(shape) != 2:
            fix = "use another initializer"
            raise ArgumentError(message("Identity(shape)", "a matrix's shape", str(shape), fix))
        return self.gain * np.eye(*shape)
