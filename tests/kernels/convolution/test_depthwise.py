"""A channel that is a group of its own: the loop along a row against its twin, shapes, blocks."""

import numpy as np
import pytest
from agreement import DTYPES, agree, some

from npcnn import kernels, reference
from npcnn.kernels.run.compile import kernel
from npcnn.kernels.tiles import depthwise_tiles, simd

# x, kernel, strides, dilation: rows in place and packed, shorter than a vector, of many vectors;
# several filters a channel; stride phases, some of them without a tap; planes cut into blocks
SHAPES = [
    ((20, 9, 8, 3), (3, 3, 1, 3), (1, 1), (1, 1)),
    ((3, 7, 5, 2), (3, 2, 1, 4), (1, 1), (2, 1)),
    ((64, 28, 28, 2), (3, 3, 1, 2), (2, 2), (1, 1)),
    ((5, 9, 40, 3), (2, 5, 1, 6), (3, 2), (1, 1)),
    ((33, 6, 7, 2), (1, 1, 1, 2), (3, 3), (1, 1)),
    ((64, 44, 28, 1), (3, 3, 1, 2), (1, 1), (1, 2)),
    ((1, 300, 280, 1), (5, 3, 1, 1), (2, 1), (1, 1)),
    ((2, 50, 1, 2), (3, 1, 1, 2), (1, 1), (1, 1)),
]


@kernel
def _run(*values):
    depthwise_tiles.run_tile(*values)


@pytest.mark.usefixtures("jit")
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_loop_does_what_its_twin_says(dtype, rng):
    lanes = simd.lanes_of(np.dtype(dtype))
    w, buf, bias = (rng.standard_normal(900).astype(dtype) for _ in range(3))
    plan = np.array([5, 0, 9, 40, 41, 3, 0, 100, 7, 50], np.int64)
    for n in (lanes, lanes + 3, 4 * lanes, 13 * lanes + 1, 16 * lanes):
        for taps in (0, 1, 4):
            for relu in (0, 1):
                out = rng.standard_normal(500).astype(dtype)
                want = out.copy()
                values = w, buf, bias, plan, (13, 3, 11, 4), (1, 6, taps, n), relu
                _run(out, *values)
                depthwise_tiles.run_tile(want, *values)
                tolerance = 1e-5 if dtype == "float32" else 1e-13
                np.testing.assert_allclose(out, want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("padding", "activation"), [("same", "relu"), ("valid", "linear")])
@pytest.mark.parametrize("case", SHAPES)
def test_agrees_with_the_reference_and_with_itself_on_any_threads(
    case, padding, activation, dtype, rng, with_threads
):
    x_shape, kernel_shape, strides, dilation = case
    form = strides, padding, dilation, activation, x_shape[3]
    x, weights = some(rng, x_shape, dtype), some(rng, kernel_shape, dtype, "plain")
    bias, found = some(rng, kernel_shape[3:], dtype, "plain"), []
    y = reference.grouped_conv2d(x, weights, bias, *form)
    grad_y = some(rng, y.shape, dtype, "plain")
    for ops, threads in ((reference, 1), (kernels, 1), (kernels, 2)):
        try:
            with_threads(threads)
        except ValueError:
            continue
        grads = [np.full(kernel_shape, np.nan, dtype), np.full(kernel_shape[3:], np.nan, dtype)]
        grad_x = ops.grouped_conv2d_backward(grad_y, x, y, weights, *grads, *form)
        found.append((ops.grouped_conv2d(x, weights, bias, *form), grad_x, *grads))
    for wanted, *results in zip(*found, strict=True):
        agree(results[0], wanted, scale=3)
        assert len({result.tobytes() for result in results}) == 1
    alone = [np.full_like(grad, np.nan) for grad in grads]
    none = kernels.grouped_conv2d_backward(grad_y, x, y, weights, *alone, *form, False)
    assert none is None
    for one, other in zip(alone, grads, strict=True):
        np.testing.assert_array_equal(one, other)
