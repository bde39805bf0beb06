"""Arrays in awkward memory layouts, and comparisons, for the tests of the ops."""

import contextlib

import numpy as np

LAYOUTS = ["reversed", "batch_innermost", "every_other", "fortran"]


def in_layout(array, layout):
    """Return an array of equal values whose strides are not those of a plain one."""
    if layout == "reversed":
        flip = (slice(None, None, -1),) * array.ndim
        return np.ascontiguousarray(array[flip])[flip]
    if layout == "batch_innermost":
        order = (*range(array.ndim)[::-1][:-1], 0)
        return np.ascontiguousarray(array.transpose(order)).transpose(np.argsort(order))
    if layout == "every_other":
        wide = np.full([2 * size for size in array.shape], np.nan, array.dtype)
        part = wide[(slice(None, None, 2),) * array.ndim]
        part[...] = array
        return part
    return np.asfortranarray(array)


def assert_close(got, want, dtype, name=""):
    """Compare with an oracle computed in float64; the result must have the inputs' dtype."""
    assert got.dtype == dtype, name
    assert got.shape == want.shape, name
    tolerance = {"float32": 2e-5, "float64": 1e-12}[np.dtype(dtype).name]
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, err_msg=name)


@contextlib.contextmanager
def unchanged(*arrays):
    """Fail if one of the arrays is another after the block."""
    before = [array.copy() for array in arrays]
    yield
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
