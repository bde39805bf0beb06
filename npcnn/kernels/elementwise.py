"""Ops that look at each element alone: how their arrays are cut and put back in order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from npcnn.kernels import layout, memory

Array = np.ndarray

# Elements below which one thread is done before a second has woken up.
SMALL = 30_000


def each_element(kernels: tuple[Callable, Callable], arrays: list[Array], *options: float) -> Array:
    """Return kernel(out, *arrays, *options)'s out, of the arrays' shape and memory order."""
    first = arrays[0]
    block, axes = layout.same_order(first)
    blocks = [block.reshape(-1)]
    for other in arrays[1:]:
        other = np.broadcast_to(other, first.shape)
        moved = other if axes is None else other.transpose(axes)
        blocks.append(np.ascontiguousarray(moved).reshape(-1))
    out = memory.empty(block.shape, block.dtype)
    run = kernels[out.size >= SMALL]
    run(out.reshape(-1), *blocks, *options)
    # the axes swap first and last, so they undo themselves
    return out if axes is None else out.transpose(axes)
