"""Dropout whose mask is a pure function of (key, sample, position).

Element i of the mask, counted in C order of noise_shape, is h = mix(key + (i + 1)·GOLDEN) modulo
2⁶⁴, SplitMix64's i-th output; it is kept where (h >> 40) / 2²⁴ ≥ rate. The reference uses
the same numbers and compares the same way, so both drop the same elements, in both dtypes.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import functools
import math

import numpy as np
from numba import prange

from npcnn.kernels import layout, memory
from npcnn.kernels.compile import both
from npcnn.kernels.elementwise import SMALL

Array = np.ndarray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
BY_30, BY_27, BY_31, BY_40 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(40)


def _drop(out, x, key, start, step, least, scale):
    """Scale x (lines, batch) where the hash is `least` or more, else zero.

    The counter of element (line, n), times GOLDEN, is start[line] + n·step.
    """
    for line in prange(out.shape[0]):
        for n in range(out.shape[1]):
            h = key + start[line] + np.uint64(n) * step
            h = (h ^ (h >> BY_30)) * MIX_1
            h = (h ^ (h >> BY_27)) * MIX_2
            h = (h ^ (h >> BY_31)) >> BY_40
            out[line, n] = x[line, n] * scale if h >= least else x.dtype.type(0)


_DROP = both(_drop)


def dropout(x: Array, rate: float, key: int, noise_shape: tuple[int, ...]) -> Array:
    """Return x with a share `rate` of its elements zero and the others times 1 / (1 − rate).

    Inverted dropout: the expected value of each element stays what it was. Source: Srivastava et
    al., "Dropout", JMLR 2014.

    Args:
        x: any shape (N, …), float32 or float64.
        rate: the share to drop, 0 ≤ rate < 1.
        key: 64 bits made from seed, layer and step; the same key gives the same mask.
        noise_shape: the shape of the mask, one entry an axis; 1 shares a decision along the axis.

    >>> dropout(np.ones((1, 8)), 0.5, 7, (1, 8))
    array([[0., 0., 2., 2., 0., 0., 0., 0.]])
    """
    if not x.size:
        return np.empty_like(x)
    wide = x if x.ndim > 1 else x[:, None]
    shape = noise_shape if x.ndim > 1 else (*noise_shape, 1)
    block = layout.batch_innermost(wide)
    out = memory.empty(block.shape, block.dtype)
    with np.errstate(over="ignore"):  # counters and hashes wrap at 2⁶⁴
        start, step = _counters(shape, wide.shape)
        _DROP[out.size >= SMALL](
            out.reshape(start.size, -1), block.reshape(start.size, -1), np.uint64(key), start, step,
            np.uint64(math.ceil(rate * 2**24)), x.dtype.type(1 / (1 - rate)),
        )  # fmt: skip
    result = layout.batch_outermost(out)
    return result if x.ndim > 1 else result[:, 0]


@functools.lru_cache(maxsize=32)
def _counters(noise_shape: tuple[int, ...], shape: tuple[int, ...]) -> tuple[Array, np.uint64]:
    """Return the counters of the first sample's elements, and how far the next sample's are.

    Both times GOLDEN; in the order in which the elements lie in memory.
    """
    inner = int(np.prod(noise_shape[1:]))
    first = np.arange(1, inner + 1, dtype=np.uint64).reshape(1, *noise_shape[1:])
    counters = layout.batch_innermost(np.broadcast_to(first, (1, *shape[1:])))
    step = np.uint64(inner if noise_shape[0] > 1 else 0)
    return counters.reshape(-1) * GOLDEN, step * GOLDEN


def dropout_backward(grad_y: Array, rate: float, key: int, noise_shape: tuple[int, ...]) -> Array:
    """Return grad_x: the same elements dropped, the same scale, as in the forward pass."""
    return dropout(grad_y, rate, key, noise_shape)
