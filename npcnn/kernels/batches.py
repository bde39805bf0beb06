"""Taking a batch out of a data set.

Arguments and examples are those of `npcnn.reference.batches`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray


# A call's integers.
CELLS, CHANNELS, BATCH, TASKS = range(4)


def _fill(task, ints, scratch, out, data, indices):
    """Fill a share of out (channels · cells, batch) with the samples data[indices]."""
    cells, channels, batch = ints[CELLS], ints[CHANNELS], ints[BATCH]
    lines = cells * channels
    for line in range(lines * task // ints[TASKS], lines * (task + 1) // ints[TASKS]):
        place = line // cells + line % cells * channels
        for n in range(batch):
            out[line * batch + n] = data[place + indices[n] * lines]


_gather = Body(_fill, mixed=True)
_NUMBA_KNOWS = "?bBhHiIlLqQfd"  # neither half nor long double


@op
def gather(data: Array, indices: Array, dtype: np.dtype) -> Array:
    """Return the samples data[indices] as a new array of the given float dtype.

    The data set keeps its own dtype (bytes, say); only the batch is converted, straight into the
    memory order of the other kernels. Raises IndexError for an index outside.
    """
    plain = indices.dtype == np.int64 and data.flags.c_contiguous and data.size and indices.size
    if not plain or data.dtype.char not in _NUMBA_KNOWS or not data.dtype.isnative:
        return data[indices].astype(dtype)
    if indices.min() < 0 or indices.max() >= len(data):
        return data[indices].astype(dtype)
    flat = np.asarray(data).reshape(-1)
    channels, size = data.shape[-1] if data.ndim > 1 else 1, flat.size // len(data)
    block = memory.empty((size, len(indices)), dtype)
    tasks = 8 if block.size >= SMALL else 1
    ints = np.array([size // channels, channels, len(indices), tasks], np.int64)
    _gather(tasks, tasks > 1, [block, flat, layout.contiguous(indices)], ints)
    if data.ndim == 1:
        return block.reshape(-1)
    return layout.batch_outermost(block.reshape(data.shape[-1], *data.shape[1:-1], len(indices)))
