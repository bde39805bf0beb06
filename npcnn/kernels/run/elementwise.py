"""Ops that look at each element, or each column of a block, alone: how work is cut into parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body

Array = np.ndarray

# Elements below which one thread is done before a second has woken up.
SMALL = 30_000
# Parts into which a vector is cut.
PARTS = 8


def each_element(body: Body, arrays: list[Array], *options: float) -> Array:
    """Return what body(task, ints, scratch, out, *arrays, options) fills, in the arrays' order.

    The body fills part `task` of PARTS; ints[0] says how many elements there are. Without options
    it takes none.
    """
    first = arrays[0]
    block, axes = layout.same_order(first)
    blocks = [block]
    for other in arrays[1:]:
        if other.shape != first.shape:
            other = np.broadcast_to(other, first.shape)
        blocks.append(layout.contiguous(other if axes is None else other.transpose(axes)))
    out = memory.empty(block.shape, block.dtype)
    given = [out, *blocks, memory.constant(options, block.dtype)] if options else [out, *blocks]
    body(PARTS, out.size >= SMALL, given, np.array([out.size], np.int64))
    # the axes swap first and last, so they undo themselves
    return out if axes is None else out.transpose(axes)


def in_place(body: Body, arrays: list[Array], *more: int) -> None:
    """Run a body that changes flat arrays, element by element.

    It does part `task` of PARTS; ints say how many elements the first array has, and `more`.
    """
    size = arrays[0].size
    body(PARTS, size >= SMALL, arrays, np.array([size, *more], np.int64))


def step_along(
    body: Body, parameters: Array, gradients: Array, slots: Sequence[Array], step: Array,
    *options: float,
) -> None:  # fmt: skip
    """Run an optimizer's body on flat vectors, which its arrays are in this order.

    `step` has the numbers that change from step to step, `options` those that do not.
    """
    moved = layout.contiguous(gradients), *slots, layout.contiguous(step)
    in_place(body, [parameters, *moved, memory.constant(options, parameters.dtype)])


def each_column(body: Body, classes: int, arrays: list[Array]) -> None:
    """Run a body on blocks (classes, columns) whose columns have nothing to do with each other.

    ints are classes, columns and the number of parts; the first array is the largest.
    """
    size = arrays[0].size
    parts = PARTS if size >= SMALL else 1
    if size:
        body(parts, parts > 1, arrays, np.array([classes, size // classes, parts], np.int64))


def over_last_axis(body: Body, *arrays: Array) -> Array:
    """Return what a body makes of arrays (N, …, classes), or (classes,), along their last axis."""
    if arrays[0].ndim == 1:
        return over_last_axis(body, *[array[np.newaxis] for array in arrays])[0]
    blocks = [layout.batch_innermost(array) for array in arrays]
    out = memory.empty(blocks[0].shape, blocks[0].dtype)
    each_column(body, len(out), [out, *blocks])
    return layout.batch_outermost(out)
