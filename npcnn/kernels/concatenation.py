"""Arrays one behind the other along an axis, with the backward directly under it.

Along the channels of images that is one copy an array, as their blocks lie (C, H, W, N).

Arguments and examples are those of `npcnn.reference.concatenation`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, SMALL
from npcnn.kernels.tiles.runs import copy_run

Array = np.ndarray


@Body
def _copy(task, ints, scratch, to, of):
    """Copy ints[0] runs of ints[1] numbers; a task has some of the runs, or a part of each.

    ints[2:] are the first run's place in `to` and the way to the next, and those in `of`.
    """
    count, run, by_runs = ints[0], ints[1], ints[6]
    first, last, start, stop = 0, count, run * task // PARTS, run * (task + 1) // PARTS
    if by_runs:
        first, last, start, stop = count * task // PARTS, count * (task + 1) // PARTS, 0, run
    for k in range(first, last):
        place = ints[2] + k * ints[3] + start
        copy_run(to, place, of, ints[4] + k * ints[5] + start, stop - start)


def _copy_part(to: Array, start: int, of: Array, begin: int, axis: int, length: int) -> None:
    """Copy `length` slices along the axis of blocks that are alike but for that axis."""
    outer, inner = math.prod(to.shape[:axis]), math.prod(to.shape[axis + 1 :])
    run = length * inner
    if outer * run:
        ints = [outer, run, start * inner, to.shape[axis] * inner, begin * inner,
                of.shape[axis] * inner, outer >= PARTS]  # fmt: skip
        _copy(PARTS, outer * run >= SMALL, [to, of], np.array(ints, np.int64))


@op
def concatenate(arrays: Sequence[Array], axis: int) -> Array:
    """Return the arrays, alike but for their lengths along the axis, one behind the other.

    Returns:
        a new array, the batch innermost in memory.
    """
    order = layout.swapped(arrays[0].ndim)
    blocks = [layout.contiguous(array.transpose(order)) for array in arrays]
    place = order[axis]
    lengths = [block.shape[place] for block in blocks]
    shape = (*blocks[0].shape[:place], sum(lengths), *blocks[0].shape[place + 1 :])
    out, start = memory.empty(shape, blocks[0].dtype), 0
    for block, length in zip(blocks, lengths, strict=True):
        _copy_part(out, start, block, 0, place, length)
        start += length
    return out.transpose(order)


@op
def concatenate_backward(grad_y: Array, sizes: Sequence[int], axis: int) -> tuple[Array, ...]:
    """Return each array's part of grad_y; sizes are their lengths along the axis."""
    order = layout.swapped(grad_y.ndim)
    block = layout.contiguous(grad_y.transpose(order))
    place, start, parts = order[axis], 0, []
    for length in sizes:
        shape = (*block.shape[:place], length, *block.shape[place + 1 :])
        part = memory.empty(shape, block.dtype)
        _copy_part(part, 0, block, start, place, length)
        parts.append(part.transpose(order))
        start += length
    return tuple(parts)
