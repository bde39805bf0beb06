"""Axes of length 1 made longer, with the backward, a sum, directly under it.

Sums over images, where the batch stays, are of whole runs of N; sums over the batch too go over
sixteen lanes. Either way a sum of many float32 numbers is a sum of sums, or in double.

Arguments and examples are those of `npcnn.reference.broadcasting`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory, moves
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.kernels.run.elementwise import SMALL
from npcnn.kernels.run.moves import place_of

Array = np.ndarray

LANES = 16
CHUNK = 64  # vectors of sixteen lanes whose sum goes into a double
# A call's integers: cells of the result and parts of the work, what is summed into a cell, the
# length of a run, how many runs have a sum of their own, and axes: of the cells, then of what is
# summed.
CELLS, PARTS, SUMMED, RUN, GROUP, OUTER, INNER, AXES = range(8)


@op
def broadcast_to(x: Array, shape: Sequence[int]) -> Array:
    """Return a new array of this shape, x repeated along its axes of length 1.

    Its gradient is `sum_to(grad_y, x.shape)`.
    """
    return moves.copied(x, lambda view: np.broadcast_to(view, shape))


@helper
def run_sum(x, start, size, lanes):
    """Return the sum of a run, in double."""
    total = 0.0
    for first in range(start, start + size, CHUNK * LANES):
        stop = min(first + CHUNK * LANES, start + size)
        whole = first + (stop - first) // LANES * LANES
        for k in range(LANES):
            lanes[k] = 0
        for t in range(first, whole, LANES):
            for k in range(LANES):
                lanes[k] += x[t + k]
        for t in range(whole, stop):
            lanes[0] += x[t]
        for k in range(LANES):
            total += lanes[k]
    return total


@Body
def _sum_runs(task, ints, scratch, out, x):
    """Fill a share of the cells, each a number: the sum of all its runs."""
    for cell in range(ints[CELLS] * task // ints[PARTS], ints[CELLS] * (task + 1) // ints[PARTS]):
        start, total = place_of(cell, ints[OUTER], ints, AXES), 0.0
        for k in range(ints[SUMMED]):
            place = start + place_of(k, ints[INNER], ints, AXES + 2 * ints[OUTER])
            total += run_sum(x, place, ints[RUN], scratch)
        out[cell] = total


@Body
def _add_runs(task, ints, scratch, out, x):
    """Fill a share of the cells, each a run of numbers: all its runs, added up."""
    run = ints[RUN]
    for cell in range(ints[CELLS] * task // ints[PARTS], ints[CELLS] * (task + 1) // ints[PARTS]):
        start, to = place_of(cell, ints[OUTER], ints, AXES), cell * run
        for n in range(run):
            out[to + n] = 0
        for first in range(0, ints[SUMMED], ints[GROUP]):
            for n in range(run):
                scratch[n] = 0
            for k in range(first, min(first + ints[GROUP], ints[SUMMED])):
                place = start + place_of(k, ints[INNER], ints, AXES + 2 * ints[OUTER])
                for n in range(run):
                    scratch[n] += x[place + n]
            for n in range(run):
                out[to + n] += scratch[n]


@op
def sum_to(x: Array, shape: Sequence[int]) -> Array:
    """Return the sums of x along the axes that are 1 in shape, the batch innermost in memory."""
    block, order = moves.batch_innermost(x)
    out = memory.empty(tuple(shape[axis] for axis in order), x.dtype)
    if out.size:
        _sum(out, block)
    return out.transpose(order)


def _sum(out: Array, block: Array) -> None:
    """Sum a C-contiguous block into another, which is 1 long where the sums go."""
    wide, last, over_batch = block.shape, block.ndim, out.shape[-1:] in ((), (1,))
    if over_batch:
        while last > 0 and out.shape[last - 1] == 1:
            last -= 1
    else:
        last -= 1
    run = math.prod(wide[last:])
    outer = [k for k in range(last) if out.shape[k] != 1]
    inner = [k for k in range(last) if out.shape[k] == 1]
    cells, summed = (math.prod(wide[k] for k in axes) for axes in (outer, inner))
    parts = layout.shares(cells, 1, 16) if block.size >= SMALL else 1
    ints = [cells, parts, summed, run, 1 + math.isqrt(summed), len(outer), len(inner)]
    for axes in (outer, inner):
        ints += [wide[k] for k in axes] + [block.strides[k] // block.itemsize for k in axes]
    body, room = (_sum_runs, LANES) if over_batch else (_add_runs, run)
    body(parts, parts > 1, [out, block], np.array(ints, np.int64), room)
