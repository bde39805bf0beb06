"""Axes in another order.

Arguments and examples are those of `npcnn.reference.transposition`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import moves

Array = np.ndarray


@op
def transpose(x: Array, axes: Sequence[int]) -> Array:
    """Return a new array whose axis k is axis axes[k] of x, the batch innermost in memory.

    Its gradient is the same op with the order that undoes this one, np.argsort(axes).
    """
    return moves.copied(x, lambda view: view.transpose(axes))
