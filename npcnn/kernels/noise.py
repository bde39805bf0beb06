"""Normally distributed noise that is a pure function of (key, sample, position), as dropout is.

Element i of a batch in C order takes the 2i-th and the next output of SplitMix64 (`dropout.py`),
wherever it lies in memory.

Arguments and examples are those of `npcnn.reference.noise`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.dropout import BY_40, CLOCK, GOLDEN, NO_STEP, begun, place_in_batch, scattered
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.kernels.run.elementwise import SMALL
from npcnn.kernels.run.moves import place_of

Array = np.ndarray

# A call's integers; behind them the lengths of a sample's axes as they lie in memory, and how far
# apart they are in C order.
LINES, BATCH, PARTS, KEY, BY_STEP, AXES, LENGTHS = range(7)
ONE = np.uint64(1)


@helper
def normal(key, counter):
    """Return one number, from the counter's hash and the next."""
    u = np.float64(np.int64(scattered(key + counter * GOLDEN) >> BY_40) + 1) / 2**24
    v = np.float64(np.int64(scattered(key + (counter + ONE) * GOLDEN) >> BY_40)) / 2**24
    return math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * v)


def _fill(task, ints, scratch, out, step_of, options):
    """Fill a share of out's lines, each the batch at one place of a sample."""
    lines, batch = ints[LINES], ints[BATCH]
    key = begun(np.uint64(ints[KEY]), ints[BY_STEP], step_of)
    first = place_in_batch(ints[BY_STEP], step_of)
    for line in range(lines * task // ints[PARTS], lines * (task + 1) // ints[PARTS]):
        place = place_of(line, ints[AXES], ints, LENGTHS)
        for n in range(batch):
            counter = np.uint64(2 * ((first + n) * lines + place) + 1)
            out[line * batch + n] = options[0] + options[1] * normal(key, counter)


_draw = Body(_fill, mixed=True)


@op
def random_normal(
    like: Array, mean: float, stddev: float, key: int, step: Array | None = None
) -> Array:
    """Return normal numbers in the shape and dtype of `like`, whose own numbers do not matter."""
    order = layout.swapped(like.ndim)
    out = memory.empty(tuple(like.shape[axis] for axis in order), like.dtype)
    if out.size:
        lines, batch = out.size // len(like), len(like)
        parts = layout.shares(lines, 4, 16) if out.size >= SMALL else 1
        ends = [math.prod(like.shape[axis + 1 :]) for axis in order[:-1]]
        kind = CLOCK if step is not None else NO_STEP
        ints = [lines, batch, parts, int(np.uint64(key).view(np.int64)), kind, len(ends),
                *out.shape[:-1], *ends]  # fmt: skip
        options = memory.constant([mean, stddev], like.dtype)
        now = memory.known(memory.NO_INTS) if step is None else step
        with np.errstate(over="ignore"):
            _draw(parts, parts > 1, [out, now, options], np.array(ints, np.int64))
    return out.transpose(order)
