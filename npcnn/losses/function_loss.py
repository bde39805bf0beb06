"""A function of a program's own as a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from npcnn.losses.base import Loss
from npcnn.subclasses import require_takes


class FunctionLoss(Loss):
    """The mean of what a function of (y_true, y_pred) returns.

    Args:
        function: computes with `npcnn.ops`, operators, or NumPy's functions of the same names.
    """

    replays = False

    def __init__(self, function: Callable[..., Any], **kwargs: Any) -> None:
        require_takes(function, ("y_true", "y_pred"), "a function as a loss")
        super().__init__(**{"name": getattr(function, "__name__", "loss"), **kwargs})
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return what the function returns."""
        return self.function(y_true, y_pred)
