"""Losses that ask for a margin between right and wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.backend import ops
from npcnn.losses.elementwise import Elementwise

Array = np.ndarray


class Hinge(Elementwise):
    """max(1 − t y, 0), the mean over all outputs; targets are −1 and 1, or 0 and 1.

    >>> Hinge()(np.array([[0.0, 1.0]]), np.array([[-0.5, 2.0]]))
    0.25
    """

    default_name, formula = "hinge", "hinge"

    def targets(self, y: Array, shape: tuple[Any, ...], dtype: np.dtype) -> Array:
        """Return labels of −1 and 1, if the batch has labels of 0 and 1."""
        return ops.hinge_labels(super().targets(y, shape, dtype))


class SquaredHinge(Hinge):
    """max(1 − t y, 0)², the mean over all outputs; targets are −1 and 1, or 0 and 1.

    >>> SquaredHinge()(np.array([[0.0, 1.0]]), np.array([[-0.5, 2.0]]))
    0.125
    """

    default_name, formula = "squared_hinge", "squared_hinge"


class CategoricalHinge(Elementwise):
    """max(max((1 − t) y) − Σ t y + 1, 0), the mean over all rows; targets are one-hot rows.

    >>> CategoricalHinge()(np.array([[0.0, 1.0]]), np.array([[0.5, 0.25]]))
    1.25
    """

    default_name = "categorical_hinge"

    def losses_and_gradient(
        self, targets: Array, outputs: Array, logits: Array | None, weights: Array
    ) -> tuple[Array, Array]:
        """Return each row's loss, and the gradient by the outputs."""
        return ops.categorical_hinge(outputs, targets, weights)
