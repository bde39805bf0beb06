"""Numbers brought to mean 0, variance 1 by given statistics, with the backward under it.

A block (…, N) has each number of a sample in a run of the whole batch.

Arguments and examples are those of `npcnn.reference.normalization`.
"""

from __future__ import annotations

import math

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray

# A call's integers: numbers of a sample, how many samples, parts of the work, which way.
NUMBERS, SAMPLES, PARTS, INVERT = range(4)


@Body
def _forward(task, ints, scratch, y, x, mean, variance, options):
    numbers, samples, parts = ints[NUMBERS], ints[SAMPLES], ints[PARTS]
    for number in range(numbers * task // parts, numbers * (task + 1) // parts):
        spread, center = max(math.sqrt(variance[number]), options[0]), mean[number]
        for i in range(number * samples, (number + 1) * samples):
            y[i] = center + x[i] * spread if ints[INVERT] else (x[i] - center) / spread


@Body
def _backward(task, ints, scratch, grad_x, grad_y, variance, options):
    numbers, samples, parts = ints[NUMBERS], ints[SAMPLES], ints[PARTS]
    for number in range(numbers * task // parts, numbers * (task + 1) // parts):
        spread = max(math.sqrt(variance[number]), options[0])
        for i in range(number * samples, (number + 1) * samples):
            grad_x[i] = grad_y[i] * spread if ints[INVERT] else grad_y[i] / spread


def _run(body: Body, given: list[Array], epsilon: float, invert: bool) -> Array:
    """Return what a body makes of arrays (N, …) and (1, …), the first of which says the shape."""
    shape = given[0].shape
    wide = [a.reshape(-1, 1) if a.ndim == 1 else a for a in given]
    blocks = [layout.batch_innermost(array) for array in wide]
    out = memory.empty(blocks[0].shape, given[0].dtype)
    if out.size:
        numbers, samples = out.size // shape[0], shape[0]
        parts = layout.shares(numbers, 1, 16) if out.size >= SMALL else 1
        ints = np.array([numbers, samples, parts, invert], np.int64)
        body(parts, parts > 1, [out, *blocks, memory.constant([epsilon], out.dtype)], ints)
    y = layout.batch_outermost(out)
    return y if len(shape) > 1 else y[:, 0]


@op
def normalize(x: Array, mean: Array, variance: Array, epsilon: float, invert: bool) -> Array:
    """Return (x − mean) / max(√variance, ε); if invert, undo it: mean + x · max(√variance, ε)."""
    return _run(_forward, [x, mean, variance], epsilon, invert)


@op
def normalize_backward(grad_y: Array, variance: Array, epsilon: float, invert: bool) -> Array:
    """Return the gradient by x: grad_y divided by max(√variance, ε), or times it if inverted."""
    return _run(_backward, [grad_y, variance], epsilon, invert)
