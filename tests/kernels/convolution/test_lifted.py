"""A kernel's gradient from lifted rows: the emitted runs against their twins, odd shapes, bits."""

import numpy as np
import pytest
from agreement import DTYPES, agree, some

from npcnn import kernels, reference
from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.run.compile import kernel
from npcnn.kernels.tiles import lifted_tiles, simd


@kernel
def _lift(*values):
    lifted_tiles.lift_run(*values)


@kernel
def _turn(*values):
    lifted_tiles.turn_run(*values)


@pytest.mark.usefixtures("jit")
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_runs_do_what_their_twins_say(dtype, rng):
    lanes = simd.lanes_of(np.dtype(dtype))
    source = rng.standard_normal(5000).astype(dtype)
    for n in (lanes, lanes + 3, 3 * lanes):
        rows = [value for start in (7, 90, 0, 311) for value in (source, start)]
        turns = [(1, n), (lanes, n), (lanes + 2, n)]
        for run, twin, tails in (
            (_lift, lifted_tiles.lift_run, [(400, n, *rows)]),
            (_turn, lifted_tiles.turn_run, [
                (60 * 2 * lanes, -(-f // lanes) * lanes, source, 5, 101, 3000, apart, f, count)
                for f, count in turns for apart in (101, 0)
            ]),
        ):  # fmt: skip
            for tail in tails:
                out = rng.standard_normal(12_000).astype(dtype)
                want = out.copy()
                run(out, 13, *tail)
                twin(want, 13, *tail)
                np.testing.assert_array_equal(out, want)


# odd and even rows, one segment and several, a halo wider than the image, filters that fill no
# vector, more channels than a tile has, rows of more cells than are lifted at once
SHAPES = [
    ((9, 5, 8, 13), (3, 3, 13, 16), "same", (1, 1), "linear"),
    ((33, 6, 5, 12), (3, 2, 12, 15), "valid", (1, 2), "relu"),
    ((32, 4, 2, 12), (3, 3, 12, 16), "same", (1, 3), "relu"),
    ((1, 3, 700, 12), (3, 3, 12, 16), "same", (1, 1), "linear"),
    ((64, 2, 2, 14), (3, 1, 14, 32), "same", (1, 1), "linear"),
]


@pytest.mark.skipif(not simd.WIDE, reason="rows are not paired with 16 registers")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", SHAPES)
def test_agrees_with_the_reference_and_with_itself_on_any_threads(case, dtype, rng, with_threads):
    x_shape, kernel_shape, padding, dilation, activation = case
    form = (1, 1), padding, dilation, activation
    geometry = plans.geometry_of(x_shape, kernel_shape, *form[:3])
    assert calls.backward_call(geometry, np.dtype(dtype), 1, 1).lifted
    x, weights = some(rng, x_shape, dtype), some(rng, kernel_shape, dtype, "plain")
    y = reference.conv2d(x, weights, None, *form)
    grad_y = some(rng, y.shape, dtype, "plain")
    found = []
    for ops, threads in ((reference, 1), (kernels, 1), (kernels, 2)):
        try:
            with_threads(threads)
        except ValueError:
            continue
        grads = [np.full(kernel_shape, np.nan, dtype), np.full(kernel_shape[3:], np.nan, dtype)]
        grad_x = ops.conv2d_backward(grad_y, x, y, weights, *grads, *form)
        found.append((grad_x, *grads))
    for wanted, *results in zip(*found, strict=True):
        agree(results[0], wanted, scale=3)
        assert len({result.tobytes() for result in results}) == 1


def test_small_integers_stay_exact(rng):
    x = rng.integers(-9, 10, (16, 7, 8, 12)).astype("float32")
    y = rng.integers(-9, 10, (16, 7, 8, 16)).astype("float32")
    weights, grads = np.zeros((3, 3, 12, 16), "float32"), []
    for ops in (reference, kernels):
        grads.append(np.empty_like(weights))
        ops.conv2d_backward(y, x, y, weights, grads[-1], None, (1, 1), "same", (1, 1), "linear")
    np.testing.assert_array_equal(*grads)


@pytest.mark.parametrize("case", ["transpose", "groups"])
def test_other_convolutions_learn_where_rows_would_be_lifted(case, rng):
    n, side, filters = 9, 8, 16
    wide, twice = (n, side + 2, side + 2, 12), (n, side, side, 2 * filters)
    name, grad, x, kernel, options = {
        "transpose": ("conv2d_transpose_backward", wide, (n, side, side, filters),
                      (3, 3, 12, filters), ((1, 1), (1, 1), (0, 0), "relu")),
        "groups": ("grouped_conv2d_backward", twice, (n, side, side, 24),
                   (3, 3, 12, 2 * filters), ((1, 1), "same", (1, 1), "relu", 2)),
    }[case]  # fmt: skip
    arrays = [rng.standard_normal(shape) for shape in (grad, x, grad, kernel)]
    found = []
    for ops in (reference, kernels):
        grads = [np.full(kernel, np.nan), np.full(grad[3], np.nan)]
        found.append([getattr(ops, name)(*arrays, *grads, *options), *grads])
    for wanted, got in zip(*found, strict=True):
        agree(got, wanted, scale=3)
