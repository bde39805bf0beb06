"""Random arrays for the kernels, and comparison with the reference."""

import numpy as np
from arrays import LAYOUTS, in_layout

DTYPES = ["float32", "float64"]


def own(array):
    """Return equal values in the kernels' own memory order, the batch innermost."""
    axes = (array.ndim - 1, *range(1, array.ndim - 1), 0)
    return np.ascontiguousarray(array.transpose(axes)).transpose(axes)


def some(rng, shape, dtype, layout="own"):
    """Return random numbers in a memory layout: 'plain', 'own' or one of the awkward ones."""
    values = rng.standard_normal(shape).astype(dtype)
    if layout == "plain":
        return values
    return own(values) if layout == "own" else in_layout(values, layout)


def agree(got, want, scale=1.0):
    """Compare to within the rounding of sums, relative to the largest number."""
    assert (got is None) == (want is None)
    if want is None:
        return
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    if want.size:
        tolerance = scale * (1e-5 if want.dtype == np.float32 else 1e-12)
        assert np.abs(got - want).max() <= tolerance * max(np.abs(want).max(), 1e-30)


def any_layout(rng):
    return ["plain", "own", *LAYOUTS][rng.integers(2 + len(LAYOUTS))]
