"""Pictures of another contrast and brightness, a sample at a time.

Arguments and examples are those of `npcnn.reference.colors`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.dropout import BY_40, CLOCK, GOLDEN, NO_STEP, begun, place_in_batch, scattered
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray
Ranges = tuple[float, float, float, float, float, float]

# A call's integers.
KEY, BY_STEP, CHANNELS, CELLS, BATCH, PARTS = range(6)


@helper
def _drawn(key, number):
    return float(scattered(key + np.uint64(number + 1) * GOLDEN) >> BY_40) / 16777216.0


@helper
def _begin(scratch, o, step_of, x, task, ints):
    """Return the channel and samples of a task; write the samples' means, contrasts and offsets.

    With them y = (x − mean) · contrast + offset, `batch` numbers of each in the scratch memory.
    """
    cells, batch, parts = ints[CELLS], ints[BATCH], ints[PARTS]
    channel, part = task // parts, task % parts
    start, stop = batch * part // parts, batch * (part + 1) // parts
    for n in range(start, stop):
        scratch[n] = 0
    for cell in range(cells):
        for n in range(start, stop):
            scratch[n] += x[(channel * cells + cell) * batch + n]
    key, first = (
        begun(np.uint64(ints[KEY]), ints[BY_STEP], step_of),
        place_in_batch(ints[BY_STEP], step_of),
    )
    for n in range(start, stop):
        scratch[n] /= cells
        scratch[batch + n] = o[0] + _drawn(key, 2 * (first + n)) * (o[1] - o[0])
        bright = o[2] + _drawn(key, 2 * (first + n) + 1) * (o[3] - o[2])
        scratch[2 * batch + n] = scratch[n] + bright
    return channel, start, stop


def _forward(task, ints, scratch, y, x, options, step_of):
    """Fill one channel of a share of the samples."""
    cells, batch, o = ints[CELLS], ints[BATCH], options
    channel, start, stop = _begin(scratch, options, step_of, x, task, ints)
    for cell in range(cells):
        for n in range(start, stop):
            place = (channel * cells + cell) * batch + n
            value = (x[place] - scratch[n]) * scratch[batch + n] + scratch[2 * batch + n]
            y[place] = min(max(value, o[4]), o[5])


_random_color = Body(_forward, mixed=True)


def _call(body, arrays, key, ranges, step):
    """Run a body over each channel of shares of the samples."""
    out = arrays[0]
    channels, height, width, batch = out.shape
    parts = layout.shares(batch, 8, 8) if out.size >= SMALL else 1
    kind = CLOCK if step is not None else NO_STEP
    ints = np.array([0, kind, channels, height * width, batch, parts], np.int64)
    ints[KEY] = np.uint64(key).view(np.int64)
    options = memory.constant(ranges, out.dtype)
    now = memory.known(memory.NO_INTS) if step is None else step
    with np.errstate(over="ignore"):  # hashes wrap, also where nothing is compiled
        body(channels * parts, out.size >= SMALL, [*arrays, options, now], ints, 3 * batch)


@op
def random_color(x: Array, key: int, ranges: Ranges, step: Array | None = None) -> Array:
    """Return clip((x − m)·contrast + m + brightness, least, most).

    m is the mean of a channel of a sample; contrast and brightness are drawn for each sample by
    (key, step, sample).
    """
    block = layout.batch_innermost(x)
    out = memory.empty(block.shape, x.dtype)
    if out.size:
        _call(_random_color, [out, block], key, ranges, step)
    return layout.batch_outermost(out)


def _backward(task, ints, scratch, grad_x, grad_y, x, options, step_of):
    """Fill one channel of a share of the samples."""
    cells, batch, o = ints[CELLS], ints[BATCH], options
    channel, start, stop = _begin(scratch, options, step_of, x, task, ints)
    for n in range(start, stop):
        mean, contrast, total = scratch[n], scratch[batch + n], o[4] - o[4]
        for cell in range(cells):
            place = (channel * cells + cell) * batch + n
            value = (x[place] - mean) * contrast + scratch[2 * batch + n]
            grad_x[place] = grad_y[place] if o[4] <= value <= o[5] else 0
            total += grad_x[place]
        for cell in range(cells):
            place = (channel * cells + cell) * batch + n
            grad_x[place] = grad_x[place] * contrast + (1 - contrast) * (total / cells)


_random_color_backward = Body(_backward, mixed=True)


@op
def random_color_backward(
    grad_y: Array, x: Array, key: int, ranges: Ranges, step: Array | None = None
) -> Array:
    """Return grad_x: nothing where the result was clipped, the rest as contrast and mean say."""
    block = layout.batch_innermost(x)
    out = memory.empty(block.shape, x.dtype)
    if out.size:
        arrays = [out, layout.batch_innermost(grad_y), block]
        _call(_random_color_backward, arrays, key, ranges, step)
    return layout.batch_outermost(out)
