"""What optimizers of all kinds do beside their steps, each in a single pass.

Arguments and examples are those of `npcnn.reference.between_steps`.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.elementwise import PARTS, in_place

Array = np.ndarray


@Body
def _weight_decay(task, ints, scratch, parameters, share):
    decay = share[0]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        parameters[i] -= parameters[i] * decay


@Body
def _moving_average(task, ints, scratch, parameters, averages, step):
    kept, rest, overwrite = step[0], 1 - step[0], step[1] != 0
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        average = kept * averages[i] + rest * parameters[i]
        averages[i] = average
        if overwrite:
            parameters[i] = average


@Body
def _accumulate(task, ints, scratch, sums, gradients):
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        sums[i] += gradients[i]


@Body
def _accumulated_mean(task, ints, scratch, mean, sums, gradients, options):
    steps = options[0]
    for i in range(ints[0] * task // PARTS, ints[0] * (task + 1) // PARTS):
        mean[i] = (gradients[i] + sums[i]) / steps
        sums[i] = steps - steps  # 0 of its own kind


@op
def weight_decay(parameters: Array, share: Array) -> None:
    """Let parameters shrink: p −= p · share, where `share` holds lr · weight decay."""
    in_place(_weight_decay, [parameters, layout.contiguous(share)])


@op
def moving_average(parameters: Array, averages: Array, step: Array) -> None:
    """Move running means towards the parameters: a = ρa + (1 − ρ)p; where told to, then p = a.

    `step` holds ρ, and 1 if the parameters are to be overwritten, else 0.
    """
    in_place(_moving_average, [parameters, averages, layout.contiguous(step)])


@op
def accumulate(sums: Array, gradients: Array) -> None:
    """Add gradients up: s += g."""
    in_place(_accumulate, [sums, layout.contiguous(gradients)])


@op
def accumulated_mean(sums: Array, gradients: Array, steps: int) -> Array:
    """Return (g + s) / steps, and set the sums to 0."""
    mean = memory.empty(sums.shape, sums.dtype)
    options = memory.constant([steps], sums.dtype)
    in_place(_accumulated_mean, [mean, sums, layout.contiguous(gradients), options])
    return mean
