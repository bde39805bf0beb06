"""The layer that bends pictures at random."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from npcnn import random
from npcnn.affine import Ranges
from npcnn.arguments import ChannelsLast, checked
from npcnn.backend import ops
from npcnn.layers.base import Array
from npcnn.layers.coloring import ValueRange
from npcnn.layers.warping import FillValue, Interpolation, OnPictures, spread

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack

Share = Annotated[Any, partial(spread, low=0.0)]


class RandomElasticTransform(OnPictures):
    """In training, bends each picture: pixels move by blurred normal noise.

    It is drawn by (seed, layer, step, sample), and what comes out is clipped to `value_range`.
    Source: Simard et al., "Best Practices for Convolutional Neural Networks", 2003.

    Args:
        factor: the chance of a picture, itself drawn: from and to; a number f is (0, f).
        scale: the strength of a batch, likewise: the share of a tenth of the longer side, and a
            twentieth of the shorter one, by which pixels move, and over which that is blurred.
        interpolation: 'bilinear' or 'nearest'.
        fill_mode: what stands beyond the edge: 'reflect', 'mirror', 'wrap', 'constant', 'nearest'.
        fill_value: what 'constant' fills with.
        value_range: the least and the most that a pixel can be.
        seed: of this layer; None takes the model's.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, H, W, C).

    >>> layer = RandomElasticTransform((1, 1), (1, 1), seed=0)
    >>> layer(np.arange(4.0).reshape(1, 2, 2, 1), training=True)[0, :, :, 0].round(2)
    array([[0.  , 0.99],
           [2.  , 2.89]], dtype=float32)
    """

    op = "warp"

    @checked
    def __init__(
        self, factor: Share = 1.0, scale: Share = 1.0, interpolation: Interpolation = "bilinear",
        fill_mode: Literal["reflect", "mirror", "wrap", "constant", "nearest"] = "reflect",
        fill_value: FillValue = 0.0, value_range: ValueRange = (0, 255),
        seed: random.Seed | None = None, data_format: ChannelsLast = None,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.factor, self.scale, self.interpolation = factor, scale, interpolation
        self.fill_mode, self.fill_value, self.value_range = fill_mode, fill_value, value_range
        self.seed = seed

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the pictures, bent if training."""
        if not training or not self.factor[1] or not self.scale[1]:
            if keep:
                self._saved = (None,)
            return x
        clock = np.asarray(step, np.int64)
        field = ops.gaussian_field(x, self.key(), self.factor, self.scale, clock)
        places = ops.random_affine(x, 0, Ranges(), x.shape[1:3])
        how = self.interpolation, self.fill_mode
        bent = ops.warp(x, places, x.shape[1:3], *how, self.fill_value, field)
        least, most = (
            ops.broadcast_to(ops.constant(x, [limit], (1,) * x.ndim), x.shape)
            for limit in self.value_range
        )
        raised = ops.maximum(bent, least)
        if keep:
            self._saved = ((places, x.shape[1:3], *how, field), (bent, least), (raised, most))
        return ops.minimum(raised, most)

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: none where the result was clipped; else to what was read."""
        warped, *clips = self.saved()
        if warped is None or not need_grad_x:
            return grad_y if need_grad_x else None
        raised, lowered = clips
        grad_y = ops.minimum_backward(grad_y, *lowered)[0]
        grad_y = ops.maximum_backward(grad_y, *raised)[0]
        return ops.warp_backward(grad_y, *warped)
