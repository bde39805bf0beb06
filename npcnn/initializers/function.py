"""A function of a program's own as an initializer."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from npcnn.initializers.base import Initializer


class FunctionInitializer(Initializer):
    """What a function of shape and dtype returns.

    >>> FunctionInitializer(lambda shape, dtype=None: np.ones(shape))((2,))
    array([1., 1.])
    """

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Return the array."""
        takes = "dtype" in inspect.signature(self.function).parameters
        return np.asarray(self.function(shape, dtype=dtype) if takes else self.function(shape))

    def written(self, dtype: Any) -> Any:
        """Return the function's name, which stands for it in a layer's config."""
        return self.function.__name__
