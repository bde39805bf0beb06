"""Taking a batch out of a data set."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def gather(data: Array, indices: Array, dtype: np.dtype) -> Array:
    """Return the samples data[indices] as a new array of the given float dtype.

    The data set keeps its own dtype (bytes, say); only the batch is converted.

    >>> gather(np.array([[1], [2], [3]], np.uint8), np.array([2, 0]), np.dtype("float32"))
    array([[3.],
           [1.]], dtype=float32)
    """
    return data[indices].astype(dtype)
