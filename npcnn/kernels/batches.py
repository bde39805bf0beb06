"""Taking a batch out of a data set."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import prange

from npcnn.kernels import layout, memory
from npcnn.kernels.compile import both
from npcnn.kernels.elementwise import SMALL

Array = np.ndarray


def _gather(out, data, starts, channels):
    """Fill out (channels · cells, batch) from flat data; sample n begins at starts[n]."""
    lines, batch = out.shape
    cells = lines // channels
    for line in prange(lines):
        place = np.uint64(line // cells + line % cells * channels)
        for n in range(batch):
            out[line, n] = data[place + starts[n]]  # unsigned: no test for indices from the end


_GATHER = both(_gather)
_NUMBA_KNOWS = "?bBhHiIlLqQfd"  # neither half nor long double


def gather(data: Array, indices: Array, dtype: np.dtype) -> Array:
    """Return the samples data[indices] as a new array of the given float dtype.

    The data set keeps its own dtype (bytes, say); only the batch is converted, straight into the
    memory order of the other kernels. Raises IndexError for an index outside.

    >>> gather(np.array([[1], [2], [3]], np.uint8), np.array([2, 0]), np.dtype("float32"))
    array([[3.],
           [1.]], dtype=float32)
    """
    indices = np.asarray(indices)
    plain = indices.dtype == np.int64 and data.flags.c_contiguous and data.size and indices.size
    if not plain or data.dtype.char not in _NUMBA_KNOWS or not data.dtype.isnative:
        return data[indices].astype(dtype)
    if indices.min() < 0 or indices.max() >= len(data):
        return data[indices].astype(dtype)
    flat = np.asarray(data).reshape(-1)
    channels, size = data.shape[-1] if data.ndim > 1 else 1, flat.size // len(data)
    block = memory.empty((size, len(indices)), dtype)
    _GATHER[block.size >= SMALL](block, flat, indices.astype(np.uint64) * np.uint64(size), channels)
    if data.ndim == 1:
        return block.reshape(-1)
    return layout.batch_outermost(block.reshape(data.shape[-1], *data.shape[1:-1], len(indices)))
