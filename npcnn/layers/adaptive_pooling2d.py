"""Pooling to a size that is given: windows as large, and as far apart, as that needs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from npcnn.arguments import ChannelsLast, Pair, checked
from npcnn.backend import ops
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.windows import check_image_shape

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class Saved(NamedTuple):
    """What backward needs: what was pooled, the maxima, and the input's rows and columns."""

    x: Array
    y: Array
    sizes: tuple[int, ...]


def bounds(size: int, count: int) -> list[tuple[int, int]]:
    """Return where so many windows along an axis begin and end.

    They are alike, or overlap by one where the axis cannot be cut evenly.

    >>> bounds(6, 3), bounds(5, 3)
    ([(0, 2), (2, 4), (4, 6)], [(0, 2), (1, 4), (3, 5)])
    """
    return [(k * size // count, -(-(k + 1) * size // count)) for k in range(count)]


class AdaptivePooling2D(Layer):
    """Base of the two; see there."""

    @checked
    def __init__(
        self, output_size: Pair, data_format: ChannelsLast = None, **kwargs: Unpack[LayerKeywords]
    ) -> None:
        super().__init__(**kwargs)
        self.output_size = output_size

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, OH, OW, C)."""
        channels = check_image_shape(self, input_shape)[2]
        return (input_shape[0], *self.output_size, channels)

    def _even(self, x: Array) -> tuple[int, int] | None:
        """Return the windows' size if x can be cut into windows that do not overlap."""
        pairs = list(zip(x.shape[1:3], self.output_size, strict=True))
        if any(size % count for size, count in pairs):
            return None
        return pairs[0][0] // pairs[0][1], pairs[1][0] // pairs[1][1]

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        return f"{self.output_size[0]}×{self.output_size[1]} windows of nearly equal size"


def _along_both(x: Array, rows: Array, columns: Array) -> Array:
    """Return each map of x (N, H, W, C) as rowsᵀ · map · columns, for (H, OH) and (W, OW)."""
    for axes, matrix in (((0, 1, 3, 2), columns), ((0, 3, 2, 1), rows)):
        kernel = ops.constant(x, tuple(matrix.ravel().tolist()), matrix.shape)
        x = ops.dense(ops.transpose(x, axes), kernel, None, "linear")
    return ops.transpose(x, (0, 3, 1, 2))


class AdaptiveAveragePooling2D(AdaptivePooling2D):
    """The means of OH × OW windows, channel by channel.

    Args:
        output_size: rows and columns of the output, or one number for both.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, OH, OW, C).

    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> AdaptiveAveragePooling2D(2)(x)[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """

    op = "average_pooling2d"

    def shares(self, size: tuple[int, ...]) -> list[Array]:
        """Return which share of each row and column each of the output's is."""
        found = []
        for length, count in zip(size, self.output_size, strict=True):
            matrix = np.zeros((length, count))
            for k, (start, stop) in enumerate(bounds(length, count)):
                matrix[start:stop, k] = 1 / (stop - start)
            found.append(matrix)
        return found

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the means."""
        if keep:
            self._saved = x
        even = self._even(x)
        if even is not None:
            return ops.average_pooling2d(x, even, even, "valid")
        return _along_both(x, *self.shares(x.shape[1:3]))

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: each window's in equal shares."""
        x = self.saved()
        if not need_grad_x:
            return None
        even = self._even(x)
        if even is not None:
            return ops.average_pooling2d_backward(grad_y, x, even, even, "valid")
        return _along_both(grad_y, *(share.T for share in self.shares(x.shape[1:3])))


class AdaptiveMaxPooling2D(AdaptivePooling2D):
    """The largest of each of OH × OW windows, channel by channel.

    Args:
        output_size: rows and columns of the output, or one number for both.
        data_format: None or 'channels_last'.

    Shapes: x (N, H, W, C) → y (N, OH, OW, C).

    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> AdaptiveMaxPooling2D(2)(x)[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """

    op = "max_pooling2d"

    def _copies(self, sizes: tuple[int, ...]) -> tuple[list[Array], tuple[int, int]]:
        """Return which row and column goes where if all windows are to be of one size.

        Shorter ones have their last row or column again, which changes no maximum.
        """
        found, longest = [], []
        for size, count in zip(sizes, self.output_size, strict=True):
            ends = bounds(size, count)
            most = max(stop - start for start, stop in ends)
            matrix = np.zeros((size, count * most))
            for k, (start, stop) in enumerate(ends):
                for place in range(most):
                    matrix[min(start + place, stop - 1), k * most + place] = 1
            found.append(matrix)
            longest.append(most)
        return found, (longest[0], longest[1])

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return the maxima."""
        window, sizes = self._even(x), x.shape[1:3]
        if window is None:
            copies, window = self._copies(sizes)
            x = _along_both(x, *copies)
        y = ops.max_pooling2d(x, window, window, "valid")
        if keep:
            self._saved = Saved(x, y, sizes)
        return y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Return the gradient by x: each window's to its first maximum."""
        x, y, sizes = self.saved()
        if not need_grad_x:
            return None
        window = self._even(x)
        assert window is not None
        grad_x = ops.max_pooling2d_backward(grad_y, x, y, window, window, "valid")
        if x.shape[1:3] == sizes:
            return grad_x
        return _along_both(grad_x, *(matrix.T for matrix in self._copies(sizes)[0]))

    def kinks(self, x: Array) -> int:
        """Return how many windows hold their maximum more than once."""
        found = 0
        for (top, bottom), (left, right) in itertools.product(
            *(bounds(*pair) for pair in zip(x.shape[1:3], self.output_size, strict=True))
        ):
            window = x[:, top:bottom, left:right]
            ties = (window == window.max(axis=(1, 2), keepdims=True)).sum(axis=(1, 2))
            found += int((ties > 1).sum())
        return found
