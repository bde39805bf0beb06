"""Numbers brought to another scale and dtype."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def rescale(x: Array, scale: float, offset: float, dtype: np.dtype) -> Array:
    """Return x · scale + offset, as a new array of the given float dtype; x may be of any.

    >>> rescale(np.array([[0, 255]], np.uint8), 1 / 255, 0.0, np.dtype("float32"))
    array([[0., 1.]], dtype=float32)
    """
    dtype = np.result_type(dtype, x) if x.dtype.kind == "c" else dtype
    return x.astype(dtype) * scale + offset
