"""The initializer whose kernel keeps lengths: an orthogonal matrix."""

from __future__ import annotations

import math

import numpy as np

from npcnn.arguments import checked
from npcnn.checks import ArgumentError, message
from npcnn.initializers.base import Initializer
from npcnn.random import Seed


class Orthogonal(Initializer):
    """An orthogonal matrix, uniform among all of them, times gain.

    A kernel of more axes is a matrix of all of them but the last. Its columns are orthogonal, or
    its rows where these are fewer. Source: Saxe et al., "Exact solutions to the nonlinear dynamics
    of learning in deep linear neural networks", ICLR 2014.

    >>> q = Orthogonal(seed=0)((4, 3), "float64")
    >>> (abs(q.T @ q - np.eye(3)) < 1e-12).all()
    np.True_
    """

    @checked
    def __init__(self, gain: float = 1.0, seed: Seed | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return Q of the QR decomposition of normal numbers, with R's diagonal above 0."""
        if len(shape) < 2:
            fix = "use another initializer"
            where = "Orthogonal(shape)"
            raise ArgumentError(message(where, "two axes or more", str(shape), fix))
        rows, columns = math.prod(shape[:-1]), shape[-1]
        numbers = generator.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(numbers)
        q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return self.gain * (q.T if rows < columns else q).reshape(shape)
