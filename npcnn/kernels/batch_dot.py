"""Each sample's matrix of products of vectors: a task for each vector of the second array.

With the batch innermost, each number of the result is a run over the batch, and so is each factor.

Arguments and examples are those of `npcnn.reference.batch_dot`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray


@Body
def _dot(task, ints, scratch, y, x1, x2):
    """Fill the runs of one q: y (Q, P, N), x1 (K, P, N), x2 (K, Q, N)."""
    samples, count, others, summed = ints[0], ints[1], ints[2], ints[3]
    for p in range(count):
        to = (task * count + p) * samples
        for n in range(samples):
            y[to + n] = 0
        for k in range(summed):
            first, second = (k * count + p) * samples, (k * others + task) * samples
            for n in range(samples):
                y[to + n] += x1[first + n] * x2[second + n]


@op
def batch_dot(x1: Array, x2: Array) -> Array:
    """Return y (N, P, Q): y[n, p, q] = Σₖ x1[n, p, k] · x2[n, q, k]."""
    (samples, firsts, summed), seconds = x1.shape, x2.shape[1]
    y = memory.empty((seconds, firsts, samples), x1.dtype)
    if y.size:
        ints = np.array([samples, firsts, seconds, summed], np.int64)
        arrays = [y, layout.batch_innermost(x1), layout.batch_innermost(x2)]
        _dot(seconds, y.size * summed >= SMALL, arrays, ints)
    return layout.batch_outermost(y)
