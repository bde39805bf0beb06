"""Losses that look at each number alone: a row's loss is the mean, or the sum, of f(y, t).

Arguments and examples are those of `npcnn.reference.elementwise_losses`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npcnn.contracts import op
from npcnn.kernels.losses import by_columns
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import helper
from npcnn.rules import LOSS_FORMULAS

Array = np.ndarray

# A call's options, behind the columns and what probabilities are clipped to.
COLUMNS, LOW, HIGH, KIND, DIVISOR, A, B = range(7)
(
    ABSOLUTE, PERCENTAGE, LOGARITHMIC, HUBER, LOG_COSH, HINGE, SQUARED_HINGE, POISSON,
    KL_DIVERGENCE, BINARY, BINARY_FROM_LOGITS, BINARY_FOCAL,
) = range(len(LOSS_FORMULAS))  # fmt: skip


@helper
def _distance(kind, y, t, low, a):
    """Return f and its slope, of formulas that look at y − t."""
    d = y - t
    size = abs(d)
    sign = d / size if d != 0 else d  # NaN stays NaN
    if kind == ABSOLUTE:
        return size, sign
    if kind == PERCENTAGE:
        scale = 100 / max(abs(t), low)
        return size * scale, sign * scale
    if kind == HUBER:
        if size <= a:
            return d * d / 2, d
        return a * size - a * a / 2, a * sign
    return size + math.log1p(math.exp(-2 * size)) - math.log(2.0), math.tanh(d)


@helper
def _probability(kind, y, t, low, high, a, b):
    """Return f and its slope, of formulas that take y for a probability."""
    top = y * 0 + 1 if kind == KL_DIVERGENCE else high
    p = low if y < low else (top if y > top else y)
    inside = p == y or y != y
    if kind == KL_DIVERGENCE:
        wanted = min(max(t, low), top)
        return wanted * (math.log(wanted) - math.log(p)), -wanted / p if inside else y * 0
    value = -(t * math.log(p) + (1 - t) * math.log(1 - p))
    slope = (p - t) / (p * (1 - p)) if inside else y * 0
    if kind == BINARY:
        return value, slope
    miss = 1 - (t * y + (1 - t) * (1 - y))
    weight = t * b + (1 - t) * (1 - b) if b >= 0 else y * 0 + 1
    factor = weight * miss**a
    bent = a * miss ** (a - 1) * (1 - 2 * t) if miss > 0 else y * 0
    return factor * value, factor * slope + weight * bent * value


@helper
def _formula(kind, y, t, low, high, a, b):
    """Return f(y, t) and its slope by y; npcnn/reference says which is which."""
    if kind <= PERCENTAGE or kind in (HUBER, LOG_COSH):
        return _distance(kind, y, t, low, a)
    if kind == LOGARITHMIC:
        above = low if y < low else y
        difference = math.log(above + 1) - math.log(max(t, low) + 1)
        return difference * difference, y * 0 if y <= low else 2 * difference / (above + 1)
    if kind in (HINGE, SQUARED_HINGE):
        margin = 1 - t * y
        margin = margin if margin > 0 or margin != margin else y * 0
        if kind == HINGE:
            return margin, y * 0 if margin == 0 else -t
        return margin * margin, -2 * t * margin
    if kind == POISSON:
        return y - t * math.log(y + low), 1 - t / (y + low)
    if kind == BINARY_FROM_LOGITS:
        power = math.exp(-abs(y))
        p = (1 if y >= 0 else power) / (1 + power)
        return (y if y >= 0 else y * 0) - t * y + math.log1p(power), p - t
    return _probability(kind, y, t, low, high, a, b)


@Body
def _elementwise(task, ints, scratch, grad, outputs, targets, weights, losses, options):
    """Fill losses (columns,) and grad (outputs, columns)."""
    count, columns = ints[0], ints[1]
    kind = int(options[KIND])
    for n in range(columns * task // ints[2], columns * (task + 1) // ints[2]):
        share = weights[n] / options[DIVISOR]
        total = weights[n] * 0
        for k in range(count):
            place = k * columns + n
            value, slope = _formula(
                kind, outputs[place], targets[place], options[LOW], options[HIGH], options[A],
                options[B],
            )  # fmt: skip
            total += value
            grad[place] = slope * share / options[COLUMNS]
        losses[n] = share * total


@op
def elementwise_loss(
    outputs: Array, targets: Array, weights: Array, formula: str, options: Any = (),
    average: bool = True,
) -> tuple[Array, Array]:  # fmt: skip
    """Return each row's mean of f(y, t), weighted, and their mean's gradient by the outputs.

    The gradient is w · f′(y, t) / (K N).
    """
    kind, divisor = LOSS_FORMULAS.index(formula), outputs.shape[-1] if average else 1
    own = (*options, 0.0, 0.0)[:2]
    return by_columns(_elementwise, outputs, targets, weights, kind, divisor, *own)


@Body
def _hinge_labels(task, ints, scratch, out, y):
    binary = True
    for i in range(ints[0]):
        binary = binary and (y[i] == 0 or y[i] == 1)
    for i in range(ints[0]):
        out[i] = 2 * y[i] - 1 if binary else y[i]


@op
def hinge_labels(y: Array) -> Array:
    """Return labels as hinge losses want them: 2 y − 1 if all are 0 or 1, else y as it is."""
    block, axes = layout.same_order(y)
    out = memory.empty(block.shape, block.dtype)
    if block.size:
        _hinge_labels(1, False, [out, block], np.array([block.size], np.int64))
    return out if axes is None else out.transpose(axes)
