"""Dropout whose mask is a pure function of (key, sample, position).

Element i of the mask, counted in C order of noise_shape, is h = mix(key + (i + 1)·GOLDEN) modulo
2⁶⁴, SplitMix64's i-th output; it is kept where (h >> 40) / 2²⁴ ≥ rate. The reference uses
the same numbers and compares the same way, so both drop the same elements, in both dtypes.

Arguments and examples are those of `npcnn.reference.dropout`.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.kernels.run.elementwise import SMALL
from npcnn.random import FIRST

Array = np.ndarray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
BY_30, BY_27, BY_31, BY_40 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(40)

# What a call has of its step: nothing, a number that goes whole into the key, or a `random.clock`.
NO_STEP, WHOLE, CLOCK = range(3)
NUMBERS = np.uint64((1 << FIRST) - 1)  # the step's number in a clock

# A call's integers; unsigned ones are kept as the signed ones of the same bits.
LINES, BATCH, PARTS, LEAST, STRIDE, KEY, BY_STEP, STARTS = range(8)


@helper
def scattered(h):
    """Scatter 64 bits: the finaliser of SplitMix64."""
    h = (h ^ (h >> BY_30)) * MIX_1
    h = (h ^ (h >> BY_27)) * MIX_2
    return h ^ (h >> BY_31)


@helper
def begun(key, kind, step_of):
    """Return the key of a step: of what NO_STEP, WHOLE or CLOCK says."""
    if kind == NO_STEP:
        return key
    number = np.uint64(step_of[0])
    return scattered(key + (number & NUMBERS if kind == CLOCK else number) + GOLDEN)


@helper
def place_in_batch(kind, step_of):
    """Return the place in its batch of the first sample."""
    return step_of[0] >> FIRST if kind == CLOCK else 0


def _fill(task, ints, scratch, out, x, step_of, options):
    """Scale x (lines, batch) where the hash is LEAST or more, else zero; a share of the lines.

    The counter of element (line, n), times GOLDEN, is ints[STARTS + line] + n·STRIDE, where n
    begins with the first sample's place in its batch. Integers wrap at 2⁶⁴.
    """
    lines, batch = ints[LINES], ints[BATCH]
    stride, least = np.uint64(ints[STRIDE]), np.uint64(ints[LEAST])
    key = begun(np.uint64(ints[KEY]), ints[BY_STEP], step_of)
    key += np.uint64(place_in_batch(ints[BY_STEP], step_of)) * stride
    scale, zero = options[0], options[1]
    for line in range(lines * task // ints[PARTS], lines * (task + 1) // ints[PARTS]):
        start = key + np.uint64(ints[STARTS + line])
        for n in range(batch):
            h = scattered(start + np.uint64(n) * stride) >> BY_40
            place = line * batch + n
            out[place] = x[place] * scale if h >= least else zero


_drop = Body(_fill, mixed=True)


@op
def dropout(
    x: Array, rate: float, key: int, noise_shape: tuple[int | None, ...],
    step: Array | None = None,
) -> Array:  # fmt: skip
    """Return x with a share `rate` of its elements zero and the others times 1 / (1 − rate).

    Inverted dropout: the expected value of each element stays what it was. Source: Srivastava et
    al., "Dropout", JMLR 2014.
    """
    if not x.size:
        return np.empty_like(x)
    wide = x if x.ndim > 1 else x[:, None]
    shape = noise_shape if x.ndim > 1 else (*noise_shape, 1)
    block = layout.batch_innermost(wide)
    out = memory.empty(block.shape, block.dtype)
    ints = _integers(shape, wide.shape, math.ceil(rate * 2**24)).copy()
    ints[KEY], ints[BY_STEP] = np.uint64(key).view(np.int64), CLOCK if step is not None else NO_STEP
    options = memory.constant([1 / (1 - rate), 0], x.dtype)
    now = memory.known(memory.NO_INTS) if step is None else step
    with np.errstate(over="ignore"):  # counters and hashes wrap, also where nothing is compiled
        _drop(ints[PARTS], out.size >= SMALL, [out, block, now, options], ints)
    result = layout.batch_outermost(out)
    return result if x.ndim > 1 else result[:, 0]


@functools.lru_cache(maxsize=32)
def _integers(noise_shape: tuple[int | None, ...], shape: tuple[int, ...], least: int) -> Array:
    """Return a call's integers, all but the key.

    The first sample's counters are in the order in which the elements lie in memory.
    """
    own = [size or 1 for size in noise_shape[1:]]  # None stands in the first place only
    inner = math.prod(own)
    first = np.arange(1, inner + 1, dtype=np.uint64).reshape(1, *own)
    counters = layout.batch_innermost(np.broadcast_to(first, (1, *shape[1:]))).reshape(-1)
    step = np.uint64(0 if noise_shape[0] == 1 else inner)
    with np.errstate(over="ignore"):
        starts, step = counters * GOLDEN, step * GOLDEN
    parts = layout.shares(counters.size, 4, 16) if counters.size * shape[0] >= SMALL else 1
    header = np.array([counters.size, shape[0], parts, least, 0, 0, 0], np.int64)
    header[STRIDE] = step.view(np.int64)
    return np.concatenate([header, starts.view(np.int64)])


@op
def dropout_backward(
    grad_y: Array, rate: float, key: int, noise_shape: tuple[int | None, ...],
    step: Array | None = None,
) -> Array:  # fmt: skip
    """Return grad_x: the same elements dropped, the same scale, as in the forward pass."""
    return dropout(grad_y, rate, key, noise_shape, step)
