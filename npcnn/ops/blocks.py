"""Windows of pictures as columns and back, and pooling to a given size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npcnn.checks import positive_int, whole
from npcnn.ops.dtypes import floats
from npcnn.ops.entry import formula, op
from npcnn.ops.pointwise import Made
from npcnn.ops.reductions import max, mean
from npcnn.ops.shaping import reshape, stack
from npcnn.ops.tape import require

Array = np.ndarray
Pair = tuple[int, int]


def _pair(value: Any, where: str, least: int = 1) -> Pair:
    both = value if isinstance(value, (tuple, list)) else (value, value)
    require(len(both) == 2, where, "a number or two", value, "such as 2 or (2, 1)")
    first, last = (whole(one, where) for one in both)
    fits = min(first, last) >= least and first < 1 << 20 and last < 1 << 20
    require(fits, where, f"numbers from {least} on", value, "such as 2 or (2, 1)")
    return first, last


class _Grid:
    """Where each window of padded pictures lies."""

    def __init__(self, size: Any, name: str, options: tuple[Any, ...]) -> None:
        names = ("kernel_size", "dilation", "padding", "stride")
        pairs = zip(names, options, strict=True)
        found = [_pair(v, f"ops.{name}({n})", 0 if n == "padding" else 1) for n, v in pairs]
        self.kernel, self.apart, self.around, self.steps = found
        self.size = size
        each = zip(size, self.kernel, self.apart, self.around, self.steps, strict=True)
        self.counts = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in each]
        fits = min(self.counts) > 0
        require(fits, f"ops.{name}(kernel_size)", f"one within {size}", self.kernel, "pad more")

    def parts(self) -> Any:
        """Yield (i, j), a place in the kernel, and what the windows read there."""
        for i, j in np.ndindex(*self.kernel):
            both = zip((i, j), self.apart, self.steps, self.counts, strict=True)
            yield i, j, tuple(np.s_[k * d : k * d + s * (n - 1) + 1 : s] for k, d, s, n in both)

    def columns(self, x: Array) -> Array:
        """Return the windows of (N, C, H, W) as columns (N, C · KH · KW, L)."""
        edges = [(0, 0), (0, 0), *((p, p) for p in self.around)]
        wide = np.pad(x, edges)
        y = np.empty((*x.shape[:2], *self.kernel, *self.counts), x.dtype)
        for i, j, (rows, columns) in self.parts():
            y[:, :, i, j] = wide[:, :, rows, columns]
        return y.reshape(len(x), x.shape[1] * math.prod(self.kernel), math.prod(self.counts))

    def pictures(self, x: Array) -> Array:
        """Return what the columns sum up to, (N, C, H, W)."""
        channels = x.shape[1] // math.prod(self.kernel)
        parts = x.reshape(len(x), channels, *self.kernel, *self.counts)
        (high, wide), (up, left) = self.size, self.around
        y = np.zeros((len(x), channels, high + 2 * up, wide + 2 * left), x.dtype)
        for i, j, (rows, columns) in self.parts():
            y[:, :, rows, columns] += parts[:, :, i, j]
        return y[:, :, up : up + high, left : left + wide]


@op(1)
def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Made:
    """Return the windows of pictures (N, C, H, W) as columns (N, C · KH · KW, L), as PyTorch does.

    >>> unfold(np.arange(4.0).reshape(1, 1, 2, 2), (1, 2)).tolist()
    [[[0.0, 2.0], [1.0, 3.0]]]
    """
    require(x.ndim == 4, "ops.unfold(x)", "(n, channels, rows, columns)", x.shape, "reshape it")
    grid = _Grid(x.shape[2:], "unfold", (kernel_size, dilation, padding, stride))
    return grid.columns(x), lambda g: (grid.pictures(g),)


@op(1)
def fold(
    x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
    stride: Any = 1,
) -> Made:  # fmt: skip
    """Return pictures (N, C, H, W) that are sums of the windows in columns: unfold's way back.

    >>> fold(np.ones((1, 2, 2)), (2, 2), (1, 2)).tolist()
    [[[[1.0, 1.0], [1.0, 1.0]]]]
    """
    size = _pair(output_size, "ops.fold(output_size)")
    grid = _Grid(size, "fold", (kernel_size, dilation, padding, stride))
    inner, places = math.prod(grid.kernel), math.prod(grid.counts)
    fits = x.ndim == 3 and x.shape[1] % inner == 0 and x.shape[2] == places
    require(fits, "ops.fold(x)", f"(n, c · {inner}, {places})", x.shape, "as unfold makes them")
    return grid.pictures(x), lambda g: (grid.columns(g),)


def _bounds(size: int, count: int) -> list[slice]:
    """Return windows along an axis: alike, or overlapping by one where it cannot be cut evenly."""
    return [np.s_[k * size // count : -(-(k + 1) * size // count)] for k in range(count)]


def _adaptive(x: Any, output_size: Any, data_format: Any, name: str, function: Any) -> Any:
    at = f"ops.{name}"
    known = data_format in (None, "channels_last")
    require(known, f"{at}(data_format)", "channels_last", data_format, "use transpose before it")
    axes = x.ndim - 2
    require(axes in (1, 2), f"{at}(inputs)", "(n, rows, columns, c) or (n, steps, c)", x.shape,
            "reshape it")  # fmt: skip
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * axes
    require(len(given) == axes, f"{at}(output_size)", f"{axes} numbers", output_size, "give them")
    counts = [positive_int(one, f"{at}(output_size)") for one in given]
    require(math.prod(counts) < 1 << 16, f"{at}(output_size)", "fewer windows", counts, "take less")
    lines = [_bounds(n, m) for n, m in zip(x.shape[1:-1], counts, strict=True)]
    every = [()]
    for line in lines:
        every = [(*before, part) for before in every for part in line]  # type: ignore[misc]
    found = [function(x[(np.s_[:], *part)], axis=tuple(range(1, axes + 1))) for part in every]
    return reshape(stack(found, axis=1), (-1, *counts, x.shape[-1]))


@formula(taken=floats)
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: Any = None) -> Any:
    """Return the means of as many windows as are asked for, channel by channel.

    >>> adaptive_average_pool(np.arange(4.0).reshape(1, 2, 2, 1), 1).ravel()
    array([1.5])
    """
    return _adaptive(inputs, output_size, data_format, "adaptive_average_pool", mean)


@formula()
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: Any = None) -> Any:
    """Return the largest number of as many windows as are asked for, channel by channel.

    >>> adaptive_max_pool(np.arange(4.0).reshape(1, 2, 2, 1), 1).ravel()
    array([3.])
    """
    return _adaptive(inputs, output_size, data_format, "adaptive_max_pool", max)
