"""Copies that put axes in another order, or repeat along them: what NumPy does by strides alone.

NumPy's own copy would do, but no program can make it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.kernels.run.elementwise import SMALL
from npcnn.kernels.tiles.runs import copy_run

Array = np.ndarray


@helper
def place_of(cell, axes, ints, first):
    """Return where the cell, counted in C order over `axes` axes, lies in an array.

    ints[first:] are the lengths of the axes, then their strides.
    """
    place = 0
    for k in range(first + axes - 1, first - 1, -1):
        place += cell % ints[k] * ints[k + axes]
        cell //= ints[k]
    return place


@Body
def _copy(task, ints, scratch, out, x):
    """Fill a share of out's cells, each a run of numbers that lie ints[3] apart in x."""
    cells, run, parts, step, axes = ints[0], ints[1], ints[2], ints[3], ints[4]
    for cell in range(cells * task // parts, cells * (task + 1) // parts):
        place = place_of(cell, axes, ints, 5)
        if step == 1:
            copy_run(out, cell * run, x, place, run)
        else:
            for n in range(run):
                out[cell * run + n] = x[place + n * step]


def copied(x: Array, seen: Callable[[Array], Array]) -> Array:
    """Return what `seen` makes of x, a view of it from its first element on, as an own array.

    The result (N, …, C) has the batch innermost in memory. A parameter is read as it lies.
    """
    block = x
    if not x.flags.c_contiguous:
        block, order = batch_innermost(x)
        x = block.transpose(order)
    view = seen(x)
    order = layout.swapped(view.ndim)
    return copied_block(block, view.transpose(order)).transpose(order)


def batch_innermost(x: Array) -> tuple[Array, tuple[int, ...]]:
    """Return x of any rank (N, …, C) as a C-contiguous block (C, …, N), and the axes for it."""
    order = layout.swapped(x.ndim)
    return layout.contiguous(x.transpose(order)), order


def copied_block(block: Array, view: Array) -> Array:
    """Return a C-contiguous copy of a view of a C-contiguous block, from its first element on."""
    out = memory.empty(view.shape, view.dtype)
    copy_block(out, block, view)
    return out


def copy_block(out: Array, block: Array, view: Array) -> None:
    """Fill a C-contiguous array with a view of a C-contiguous block, from its first element on."""
    if out.size:
        run, step = (view.shape[-1], view.strides[-1] // view.itemsize) if view.ndim else (1, 1)
        cells = out.size // run
        parts = layout.shares(cells, 4, 16) if out.size >= SMALL else 1
        outer = view.shape[:-1]
        ints = [cells, run, parts, step, len(outer), *lengths_and_strides(outer, view)]
        _copy(parts, parts > 1, [out, block], np.array(ints, np.int64))


def lengths_and_strides(lengths: Sequence[int], view: Array) -> list[int]:
    """Return the lengths of a view's first axes, then how many elements lie between."""
    strides = [stride // view.itemsize for stride in view.strides[: len(lengths)]]
    return [*lengths, *strides]
