"""Initializers that draw nothing: zeros, ones, any one value, the identity matrix."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from npcnn.arguments import checked
from npcnn.checks import ArgumentError, as_numbers, is_number, message, number
from npcnn.initializers.base import Initializer


class Zeros(Initializer):
    """All zeros.

    >>> Zeros()((2,))
    array([0., 0.], dtype=float32)
    """

    def __init__(self) -> None:
        super().__init__()

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return zeros."""
        return np.zeros(shape)


class Ones(Zeros):
    """All ones.

    >>> Ones()((2,))
    array([1., 1.], dtype=float32)
    """

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return ones."""
        return np.ones(shape)


def _value(value: Any, where: str) -> Any:
    """Return a number, or numbers in a list, as files have them."""
    return number(value, where) if is_number(value) else as_numbers(value, where).tolist()


class Constant(Initializer):
    """One value everywhere, or numbers that spread over the shape.

    >>> Constant([1.0, 2.0])((2,))
    array([1., 2.], dtype=float32)
    """

    @checked
    def __init__(self, value: Annotated[Any, _value] = 0.0) -> None:
        super().__init__()
        self.value = value

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return the value, repeated."""
        try:
            return np.broadcast_to(self.value, shape)
        except ValueError as error:
            fix, got = "give one number, or as many", f"{np.shape(self.value)}"
            text = message("Constant(value)", f"numbers for shape {shape}", got, fix)
            raise ArgumentError(text) from error


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
