"""Noise, added or multiplied, in training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn import random
from npcnn.arguments import checked, up_to_one
from npcnn.backend import ops
from npcnn.layers.base import Array
from npcnn.layers.drawing import Drawing
from npcnn.layers.dropout import Rate

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


Spread = Annotated[float, partial(up_to_one, fix="such as 0.1")]


class Noisy(Drawing):
    """Base: normal numbers, drawn anew in each training step."""

    op = "random_normal"

    def __init__(
        self, seed: int | None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.seed = seed

    def drawn(self, x: Array, mean: float, stddev: float, step: Any) -> Array:
        """Return a normal number for each of x's."""
        return ops.random_normal(x, mean, stddev, self.key(), np.asarray(step, np.int64))

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return f"{type(self).__name__}: noise in training, else nothing"


class GaussianNoise(Noisy):
    """In training, y = x + noise, normally distributed around 0.

    Args:
        stddev: of the noise, 0 to 1.
        seed: of this layer; None takes the model's.

    >>> layer = GaussianNoise(0.1, seed=0)
    >>> layer.build((None, 3))
    >>> layer.forward(np.ones((1, 3), "float32"))
    array([[1., 1., 1.]], dtype=float32)
    """

    @checked
    def __init__(
        self, stddev: Spread, seed: random.Seed | None = None, **kwargs: Unpack[LayerKeywords]
    ) -> None:
        super().__init__(seed, **kwargs)
        self.stddev = stddev

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, with noise if training."""
        if not training or self.stddev == 0:
            return x
        return ops.add(x, self.drawn(x, 0.0, self.stddev, step))

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: that by y."""
        return grad_y


class GaussianDropout(Noisy):
    """In training, y = x · noise, normally distributed around 1, its variance rate / (1 − rate).

    Source: Srivastava et al., "Dropout", JMLR 2014, section 10.

    Args:
        rate: as for Dropout, 0 ≤ rate < 1.
        seed: of this layer; None takes the model's.

    >>> layer = GaussianDropout(0.5, seed=0)
    >>> layer.build((None, 3))
    >>> layer.forward(np.ones((1, 3), "float32"))
    array([[1., 1., 1.]], dtype=float32)
    """

    @checked
    def __init__(
        self, rate: Rate, seed: random.Seed | None = None, **kwargs: Unpack[LayerKeywords]
    ) -> None:
        super().__init__(seed, **kwargs)
        self.rate = rate

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, times noise if training."""
        factors = None
        if training and self.rate > 0:
            factors = self.drawn(x, 1.0, math.sqrt(self.rate / (1 - self.rate)), step)
        if keep:
            self._saved = (factors,)
        return x if factors is None else ops.multiply(x, factors)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: that by y, times the same noise."""
        (factors,) = self.saved()
        return grad_y if factors is None else ops.multiply(grad_y, factors)
