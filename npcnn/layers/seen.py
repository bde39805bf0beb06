"""What tools that look on (traces, summaries, pictures) ask of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from npcnn.layers.windows import Window

Array = np.ndarray


def activation_of(layer: Any, without: str = "linear") -> str:
    """Return the activation that a layer ends with; a user's may keep anything under that name."""
    found = getattr(layer, "activation", without)
    return found if isinstance(found, str) else without


class Seen:
    """The half of a layer that says what it did; it knows nothing but arrays.

    Attributes:
        bends: whether the layer is an activation, so that its input is its `pre_activation`.
    """

    bends = False

    @property
    def window(self) -> Window | None:
        """What of its input an output sees; None for a layer that slides no window."""
        return None

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did.

        Args:
            arrays: what a pass left: 'input', 'activation', what `look` adds, parameters.
        """
        return f"{type(self).__name__}, element by element"

    def kept_output(self) -> Array | None:
        """Return the output that the last forward pass kept; None if it kept none."""
        return None

    def look(self, x: Array, y: Array) -> dict[str, Array]:
        """Return name → array of what lies between the input and the output of the last pass."""
        return {"pre_activation": x} if self.bends is True else {}

    def look_back(self, grad_y: Array, grad_x: Array) -> dict[str, Array]:
        """Return name → gradient of what lies between, as `grad_<name>`."""
        return {"grad_pre_activation": grad_x} if self.bends is True else {}

    def kinks(self, x: Array) -> int:
        """Return at how many places the output has no derivative by x or a parameter: exact ties.

        A ReLU's input that is exactly 0, a window that holds its maximum twice. One of several
        gradients is given there, and all of them are right.
        """
        return 0
