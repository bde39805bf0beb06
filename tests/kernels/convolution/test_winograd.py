"""Rows in pairs: the tile against its twin, and what must not change with the way of summing."""

import numpy as np
import pytest
from agreement import DTYPES, own, some

from npcnn import kernels, reference
from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.run.compile import kernel
from npcnn.kernels.tiles import simd, winograd_tiles

SAME = ((1, 1), "same", (1, 1), "linear")

pairs_only = pytest.mark.skipif(not simd.WIDE, reason="rows are not paired with 16 registers")


@kernel
def _slide(*values):
    winograd_tiles.slide_pair_tile(*values)


@pytest.mark.usefixtures("jit")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("filters", range(1, winograd_tiles.FILTERS + 1))
def test_the_tile_does_what_its_twin_says(filters, dtype, rng):
    dtype = np.dtype(dtype)
    x, zeros, w, bias = (rng.standard_normal(600).astype(dtype) for _ in range(4))
    plan = np.array([9, 0, 5, 40, 41, 3, 1, 0, 2, 4], np.int64)
    lanes = simd.lanes_of(dtype)
    for n in (lanes, lanes + 3, 3 * lanes):
        for masks in ((-1, -1, -1, -1), (0, -1, -1, 0)):
            for second, relu in ((400, 0), (400, 1), (0, 1)):
                rows = []
                for j, mask in enumerate(masks):
                    rows += [x if mask else zeros, 7 + 60 * j if mask else 11, mask]
                out = rng.standard_normal(1000).astype(dtype)
                twin = out.copy()
                values = (
                    winograd_tiles.slide_address(dtype), filters, n, *rows, plan, 1, 6, 4, w, 2,
                    bias, 3, relu,
                )  # fmt: skip
                _slide(*values, out, 13, second, 70)
                winograd_tiles.slide_pair_tile(*values, twin, 13, second, 70)
                tolerance = 1e-5 if dtype.itemsize == 4 else 1e-13
                np.testing.assert_allclose(out, twin, rtol=tolerance, atol=tolerance)


def geometry(x_shape, kernel_shape, strides=(1, 1), dilation=(1, 1)):
    return plans.Geometry(x_shape, kernel_shape, strides, "same", dilation)


@pairs_only
def test_which_convolutions_go_in_pairs():
    image = (4, 9, 8, 3)
    assert calls.in_pairs(geometry(image, (3, 3, 3, 5)))
    assert calls.in_pairs(geometry(image, (3, 1, 3, 5), dilation=(1, 2)))
    for kernel_shape in ((1, 3, 3, 5), (2, 3, 3, 5), (5, 5, 3, 5)):
        assert not calls.in_pairs(geometry(image, kernel_shape))
    assert not calls.in_pairs(geometry(image, (3, 3, 3, 5), strides=(2, 2)))
    assert not calls.in_pairs(geometry(image, (3, 3, 3, 5), dilation=(2, 1)))
    assert not calls.in_pairs(geometry((4, 1, 8, 3), (3, 3, 3, 5)))


@pairs_only
def test_every_unit_is_some_task_s_and_its_rows_are_there():
    for height in range(2, 30):
        for blocks in (1, 2, 4, 8):
            for split in (1, 2):
                cuts = [calls.units_of(height, task, blocks, split) for task in range(blocks)]
                assert [cut[0] for cut in cuts] == [0, *(cut[1] for cut in cuts[:-1])]
                assert cuts[-1][1] == (height + 1) // 2 * split
                for first, last in cuts:
                    low, high = calls.rows_of_pairs(first, last, split, -1, height)
                    for unit in range(first, last):
                        needed = range(max(unit // split * 2 - 1, 0), unit // split * 2 + 3)
                        assert all(low <= row < high for row in needed if row < height)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(3, 3), (5, 2), (8, 20), (13, 7)])
def test_a_sample_s_numbers_are_the_same_bits_in_any_batch(size, dtype, rng):
    """Rows shorter than a vector, packed rows and rows in place: one order of summing."""
    x, kernel = some(rng, (70, *size, 3), dtype), some(rng, (3, 3, 3, 7), dtype, "plain")
    bias = some(rng, (7,), dtype, "plain")
    whole = kernels.conv2d(x, kernel, bias, *SAME)
    for count in (1, 2, 15, 16, 17, 33):
        part = kernels.conv2d(own(x[:count]), kernel, bias, *SAME)
        np.testing.assert_array_equal(part, whole[:count])


@pytest.mark.parametrize("batch", [1, 20])
def test_small_integers_stay_exact(batch, rng):
    x = rng.integers(-9, 10, (batch, 9, 10, 6)).astype("float32")
    kernel = rng.integers(-9, 10, (3, 3, 6, 5)).astype("float32")
    want = reference.conv2d(x, kernel, None, *SAME)
    np.testing.assert_array_equal(kernels.conv2d(x, kernel, None, *SAME), want)
    gradients = []
    for ops in (reference, kernels):
        grad_kernel = np.empty_like(kernel)
        grad_x = ops.conv2d_backward(want, x, want, kernel, grad_kernel, None, *SAME)
        gradients.append((grad_x, grad_kernel))
    for got, exact in zip(gradients[1], gradients[0], strict=True):
        np.testing.assert_array_equal(got, exact)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", range(6))
def test_what_is_not_finite_reaches_the_windows_that_hold_it_and_no_others(row, bad, rng):
    x, kernel = some(rng, (20, 6, 7, 4), "float32"), some(rng, (3, 3, 4, 5), "float32", "plain")
    x[3, row, 4, 1] = bad
    y = kernels.conv2d(x, kernel, None, *SAME)
    held = np.zeros(y.shape, bool)
    held[3, max(row - 1, 0) : row + 2, 3:6] = True
    np.testing.assert_array_equal(~np.isfinite(y), held)


def test_rounding_is_at_most_three_times_a_plain_sum_s(rng):
    x, kernel = some(rng, (20, 16, 16, 32), "float64"), some(rng, (3, 3, 32, 8), "float64", "plain")
    exact = reference.conv2d(x, kernel, None, *SAME)
    small = x.astype("float32"), kernel.astype("float32"), None, *SAME
    plain, paired = (ops.conv2d(*small) - exact for ops in (reference, kernels))
    assert np.sqrt((paired**2).mean()) < 3 * np.sqrt((plain**2).mean())
