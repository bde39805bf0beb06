"""The dropout layer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np

from npcnn import random
from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, fraction, is_whole, message, shown
from npcnn.layers.base import Array, Shape
from npcnn.layers.drawing import Drawing

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


def _noise_shape(value: Any, where: str) -> Shape:
    fix = "give one entry an axis, such as (None, 1, 1, 5)"
    if not isinstance(value, (tuple, list)):
        raise ArgumentError(message(where, "a tuple or None", shown(value), fix))
    if not all(size is None or (is_whole(size) and size >= 1) for size in value):
        raise ArgumentError(message(where, "positive integers or None", shown(value), fix))
    return tuple(None if size is None else int(size) for size in value)


Rate = Annotated[float, partial(fraction, fix="give the share to drop, such as 0.5")]
NoiseShape = Annotated[Any, _noise_shape]


class Saved(NamedTuple):
    """What decided the mask; None where nothing was dropped."""

    key: int
    noise_shape: tuple[int | None, ...]
    step: Array


class Dropout(Drawing):
    """In training, a share `rate` of the inputs becomes 0 and the rest is scaled by 1/(1 − rate).

    The mask is a function of (seed, layer, step, sample): a run can go on from any step.

    Args:
        rate: the share to drop, 0 ≤ rate < 1.
        noise_shape: the mask's shape; None is x's own, None as an entry takes x's size there, 1
            shares a decision along the axis.
        seed: of this layer; None takes the model's.

    >>> layer = Dropout(0.5, seed=0)
    >>> layer.build((None, 3))
    >>> import numpy as np
    >>> layer.forward(np.ones((1, 3), "float32"))
    array([[1., 1., 1.]], dtype=float32)
    """

    op = "dropout"

    @checked
    def __init__(
        self, rate: Rate, noise_shape: NoiseShape | None = None, seed: random.Seed | None = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, if the mask can be spread over it."""
        if self.noise_shape is not None:
            fits = len(self.noise_shape) == len(input_shape) and all(
                m in (None, 1) or m == size
                for m, size in zip(self.noise_shape[1:], input_shape[1:], strict=True)
            )
            if not fits:
                expected = f"one entry an axis of {input_shape}, each None, 1 or the axis's size"
                got = f"noise_shape={self.noise_shape}"
                raise ArgumentError(message(self.label, expected, got, "leave it out"))
        return input_shape

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return x, with elements dropped if training."""
        if not training or self.rate == 0:
            if keep:
                self._saved = (None,)
            return x
        noise: tuple[int | None, ...] = (None, *x.shape[1:])
        if self.noise_shape is not None:
            if self.noise_shape[0] not in (None, 1, len(x)):
                expected = f"batches of {self.noise_shape[0]}, as noise_shape says"
                fix = "put None or 1 in its first place"
                raise ArgumentError(message(self.label, expected, f"one of {len(x)}", fix))
            rest = zip(self.noise_shape[1:], x.shape[1:], strict=True)
            noise = (self.noise_shape[0], *(size if m is None else m for m, size in rest))
        mask = Saved(self.key(), noise, np.asarray(step, np.int64))
        if keep:
            self._saved = (mask,)
        return ops.dropout(x, self.rate, *mask)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: the same elements dropped."""
        (mask,) = self.saved()
        return grad_y if mask is None else ops.dropout_backward(grad_y, self.rate, *mask)

    def look(self, x: Array, y: Array) -> dict[str, Array]:
        """Return the mask: which elements the last forward pass let through."""
        (mask,) = self.saved()
        if mask is None:
            return {"mask": np.ones(x.shape, bool)}
        ones = ops.dropout(np.ones(x.shape, x.dtype), self.rate, *mask)
        return {"mask": np.broadcast_to(ones > 0, x.shape)}

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        dropped = int((~arrays["mask"]).sum())
        return f"{dropped} of {arrays['mask'].size} elements dropped (rate {self.rate:g})"
