"""Two arrays of one shape, element by element; what needs a backward has it directly under it.

The others' gradients are these ops again: of a sum grad_y itself, of a product grad_y times the
other, of a difference grad_y and −grad_y.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray


@op
def add(x1: Array, x2: Array) -> Array:
    """Return x1 + x2.

    >>> add(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([4., 6.])
    """
    return x1 + x2


@op
def subtract(x1: Array, x2: Array) -> Array:
    """Return x1 − x2.

    >>> subtract(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([-2., -2.])
    """
    return x1 - x2


@op
def multiply(x1: Array, x2: Array) -> Array:
    """Return x1 · x2.

    >>> multiply(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([3., 8.])
    """
    return x1 * x2


@op
def maximum(x1: Array, x2: Array) -> Array:
    """Return the larger of the two; NaN where either is.

    >>> maximum(np.array([1.0, 5.0]), np.array([3.0, 4.0]))
    array([3., 5.])
    """
    return np.where((x1.real > x2.real) | np.isnan(x1), x1, x2)


@op
def maximum_backward(grad_y: Array, x1: Array, x2: Array) -> tuple[Array, Array]:
    """Return grad_y for the larger and 0 for the other; half to each where they are equal.

    >>> maximum_backward(np.ones(2), np.array([1.0, 2.0]), np.array([3.0, 2.0]))
    (array([0. , 0.5]), array([1. , 0.5]))
    """
    half = np.where(x1 == x2, grad_y / 2, grad_y)
    return np.where(x1 < x2, 0, half), np.where(x2 < x1, 0, half)


@op
def minimum(x1: Array, x2: Array) -> Array:
    """Return the smaller of the two; NaN where either is.

    >>> minimum(np.array([1.0, 2.0]), np.array([3.0, 0.0]))
    array([1., 0.])
    """
    return np.where((x1.real < x2.real) | np.isnan(x1), x1, x2)


@op
def minimum_backward(grad_y: Array, x1: Array, x2: Array) -> tuple[Array, Array]:
    """Return grad_y for the smaller and 0 for the other; half to each where they are equal.

    >>> minimum_backward(np.ones(2), np.array([1.0, 2.0]), np.array([3.0, 2.0]))
    (array([1. , 0.5]), array([0. , 0.5]))
    """
    half = np.where(x1 == x2, grad_y / 2, grad_y)
    return np.where(x1 > x2, 0, half), np.where(x2 > x1, 0, half)
