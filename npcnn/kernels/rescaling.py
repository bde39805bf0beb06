"""Numbers brought to another scale and dtype.

Arguments and examples are those of `npcnn.reference.rescaling`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, SMALL

Array = np.ndarray


def _fill(task, ints, scratch, out, x, options):
    scale, offset = options[0], options[1]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        out[i] = x[i]  # in the dtype of out from here on
        out[i] = out[i] * scale + offset


_rescale = Body(_fill, mixed=True)


@op
def rescale(x: Array, scale: float, offset: float, dtype: np.dtype) -> Array:
    """Return x · scale + offset, as a new array of the given float dtype; x may be of any."""
    block, axes = layout.same_order(x)
    out = memory.empty(block.shape, dtype)
    if out.size:
        arrays = [out, block, memory.constant([scale, offset], dtype)]
        _rescale(PARTS, out.size >= SMALL, arrays, np.array([out.size], np.int64))
    return out if axes is None else out.transpose(axes)
