"""Numbers into arrays: of options, and from one array into another.

Arguments and examples are those of `npcnn.reference.constants`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import memory, moves

Array = np.ndarray


@op
def constant(like: Array, numbers: Sequence[float], shape: Sequence[int]) -> Array:
    """Return an array of these numbers, in the dtype of `like`, whose numbers do not matter."""
    return memory.constant(numbers, like.dtype).reshape(tuple(shape))


@op
def assign(to: Array, x: Array) -> None:
    """Write x into `to`, an array of the same shape: a parameter's gradient, say."""
    block, order = moves.batch_innermost(x)
    moves.copy_block(to, block, block.transpose(order))
