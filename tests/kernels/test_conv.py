import importlib

import numpy as np
import pytest
from agreement import DTYPES, agree, any_layout, some
from arrays import unchanged
from hypothesis import given
from hypothesis import strategies as st

from npcnn import kernels, reference
from npcnn.kernels.run.compile import JIT

conv = importlib.import_module("npcnn.kernels.conv")

LARGEST = (40, 13, 70) if JIT else (17, 6, 9)


def both(x, kernel, bias, arguments, rng, layout="own", need_grad_x=True):
    """Run both sides forward and backward; compare all results; return the kernels' own."""
    want = reference.conv2d(x, kernel, bias, *arguments)
    got = kernels.conv2d(x, kernel, bias, *arguments)
    agree(got, want)
    grad_y = some(rng, want.shape, x.dtype, layout)
    results = []
    for ops in (reference, kernels):
        grad_kernel = np.full(kernel.shape, np.nan, x.dtype)
        grad_bias = None if bias is None else np.full(bias.shape, np.nan, x.dtype)
        grad_x = ops.conv2d_backward(
            grad_y, x, want, kernel, grad_kernel, grad_bias, *arguments, need_grad_x
        )
        results.append((grad_x, grad_kernel, grad_bias))
    for result, wanted in zip(results[1], results[0], strict=True):
        agree(result, wanted, scale=3)
    return got, *results[1]


@st.composite
def convolutions(draw):
    batches, sizes, channels = LARGEST
    whole = st.integers
    kernel = draw(whole(1, 4)), draw(whole(1, 4))
    dilation = draw(whole(1, 2)), draw(whole(1, 2))
    padding = draw(st.sampled_from(["same", "valid"]))
    least = [(k - 1) * d + 1 if padding == "valid" else 1 for k, d in zip(kernel, dilation)]  # noqa: B905
    height, width = (draw(whole(low, max(low, sizes))) for low in least)
    few = draw(whole(1, channels)), draw(whole(1, 7))
    c, f = few if draw(st.booleans()) else few[::-1]
    strides = draw(whole(1, 3)), draw(whole(1, 3))
    activation = draw(st.sampled_from(["linear", "relu"]))
    shapes = (draw(whole(1, batches)), height, width, c), (*kernel, c, f)
    return (*shapes, (strides, padding, dilation, activation)), draw(whole(0, 2**32 - 1))


@given(convolutions())
def test_agrees_with_the_reference_on_any_shape(case):
    (x_shape, kernel_shape, arguments), seed = case
    rng = np.random.default_rng(seed)
    dtype = DTYPES[seed % 2]
    x, kernel = some(rng, x_shape, dtype, any_layout(rng)), some(rng, kernel_shape, dtype, "plain")
    bias = some(rng, kernel_shape[3:], dtype, "plain") if seed % 3 else None
    with unchanged(x, kernel):
        both(x, kernel, bias, arguments, rng, any_layout(rng), need_grad_x=seed % 5 > 0)


# each path of the code: few and many filters, whole and cut rows, edges, every stride phase
PATHS = [
    ((60, 28, 28, 1), (3, 3, 1, 5), ((1, 1), "same", (1, 1), "relu")),
    ((60, 14, 14, 5), (3, 3, 5, 10), ((1, 1), "same", (1, 1), "relu")),
    ((16, 9, 8, 20), (3, 3, 20, 33), ((1, 1), "valid", (1, 1), "linear")),
    ((17, 5, 9, 3), (5, 5, 3, 7), ((1, 1), "same", (1, 2), "relu")),
    ((64, 1, 1, 40), (1, 1, 40, 30), ((1, 1), "valid", (1, 1), "relu")),
    ((31, 17, 17, 4), (3, 3, 4, 6), ((2, 2), "same", (1, 1), "relu")),
    ((33, 10, 11, 4), (2, 3, 4, 6), ((3, 2), "valid", (1, 1), "linear")),
    ((1, 28, 28, 5), (3, 3, 5, 5), ((1, 1), "same", (1, 1), "relu")),
    ((300, 6, 40, 2), (3, 3, 2, 11), ((1, 1), "same", (1, 1), "relu")),
    ((20, 4, 3, 2), (3, 7, 2, 3), ((1, 1), "same", (1, 1), "relu")),  # wider than the image
    ((20, 9, 9, 2), (1, 1, 2, 3), ((4, 3), "same", (1, 1), "relu")),  # cells no window sees
    ((1, 200, 3, 20), (3, 3, 20, 33), ((1, 1), "same", (1, 1), "relu")),  # short rows, many blocks
    ((64, 8, 4, 20), (3, 3, 20, 33), ((1, 1), "same", (1, 1), "linear")),
    ((5, 40, 8, 20), (3, 2, 20, 18), ((2, 2), "valid", (1, 1), "relu")),
]


@pytest.mark.usefixtures("jit")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PATHS)
def test_each_path_agrees_and_gives_the_same_bits_for_any_threads(case, dtype, rng, with_threads):
    x_shape, kernel_shape, arguments = case
    x, kernel = some(rng, x_shape, dtype), some(rng, kernel_shape, dtype, "plain")
    bias = some(rng, kernel_shape[3:], dtype, "plain")
    found = []
    for number in (1, 2):
        try:
            with_threads(number)
        except ValueError:
            pytest.skip("one thread only")
        found.append(both(x, kernel, bias, arguments, np.random.default_rng(3)))
    for one, two in zip(*found, strict=True):
        assert one.tobytes() == two.tobytes()


def test_results_lie_with_the_batch_innermost(rng):
    x, kernel = some(rng, (4, 5, 6, 2), "float32"), some(rng, (3, 3, 2, 3), "float32", "plain")
    y = kernels.conv2d(x, kernel, None, (1, 1), "same", (1, 1), "linear")
    assert y.transpose(3, 1, 2, 0).flags.c_contiguous
    assert not np.shares_memory(x, y)


def test_nothing_in_nothing_out(rng):
    kernel = some(rng, (3, 3, 2, 4), "float32", "plain")
    for shape in [(0, 5, 5, 2), (2, 2, 5, 2)]:
        x = np.zeros(shape, "float32")
        arguments = ((1, 1), "valid", (1, 1), "relu")
        y = kernels.conv2d(x, kernel, None, *arguments)
        assert y.shape == (shape[0], max(shape[1] - 2, 0), 3, 4)
        grad_kernel, grad_bias = np.ones_like(kernel), np.ones(4, "float32")
        grad_x = kernels.conv2d_backward(y, x, y, kernel, grad_kernel, grad_bias, *arguments)
        assert grad_x.shape == shape
        assert not grad_kernel.any()
        assert not grad_bias.any()
        assert not grad_x.any()


def test_nan_passes_through_and_stays_in_its_image(rng):
    x, kernel = some(rng, (20, 6, 6, 2), "float32"), some(rng, (3, 3, 2, 3), "float32", "plain")
    x[7, 2, 3, 1] = np.nan
    y = kernels.conv2d(x, kernel, None, (1, 1), "same", (1, 1), "relu")
    assert np.isnan(y[7, 1:4, 2:5]).all()
    assert np.isnan(y).sum() == 27


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [1, 3, 16, 33])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("rows", "columns"), [(3, 1), (5, 3), (3, 3), (1, 2)])
def test_one_column_is_turned_into_one_row(dtype, batch, padding, rows, columns):
    """Its numbers are the same, and so is where each weight lies."""
    if padding == "valid":
        columns = 1
    rng = np.random.default_rng(batch)
    x, kernel = some(rng, (batch, 61, 1, 3), dtype), some(rng, (rows, columns, 3, 7), dtype)
    for strides, dilation in [((1, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 1), (4, 2))]:
        for activation in ("linear", "relu"):
            both(
                x,
                kernel,
                some(rng, (7,), dtype, "plain"),
                (strides, padding, dilation, activation),
                rng,
            )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [1, 3, 33])
@pytest.mark.parametrize("columns", [2, 3, 5, 8])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_images_of_few_columns(dtype, batch, columns, padding):
    """With few filters and with many; their rows are short where the kernel has many sums."""
    rng = np.random.default_rng(batch)
    rows, batch = (23, batch) if JIT else (10, min(batch, 17))  # as plain Python it takes minutes
    for channels, filters in [(3, 5), (20, 18)]:
        x = some(rng, (batch, rows, columns, channels), dtype)
        kernel = some(rng, (3, 2, channels, filters), dtype, "plain")
        for strides, dilation in [((1, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 1), (4, 1))]:
            arguments = (strides, padding, dilation, "relu" if batch == 3 else "linear")
            both(x, kernel, some(rng, (filters,), dtype, "plain"), arguments, rng)


@pytest.mark.parametrize(
    ("shape", "filters", "short"),
    [
        ((1, 1024, 2, 64), 64, True),
        ((1, 8, 8, 64), 64, True),
        ((64, 4, 4, 64), 64, True),
        ((1, 64, 64, 4), 8, False),  # few sums: they stay in the cache
        ((60, 28, 28, 5), 5, False),
        ((60, 14, 14, 10), 10, False),
        ((64, 32, 32, 16), 16, False),
    ],
)
def test_short_rows_have_one_sum_a_weight_and_block(shape, filters, short):
    """Not a vector of sums, which each row of a few cells would load and store: 2 MB and more."""
    kernel = (3, 3, shape[3], filters)
    geometry = conv.plans.geometry_of(shape, kernel, (1, 1), "same", (1, 1))
    call = conv.calls.backward_call(geometry, np.dtype("float32"), 1, 1)
    assert bool(conv.calls.header_at(call.ints, 0).cells) == (short or call.lifted)
    lanes = conv.plans.simd.lanes_of(np.dtype("float32"))
    a_weight = 1 if short or call.lifted else lanes
    sums = (12 if call.lifted else 9) * shape[3] * filters * a_weight + (filters + 1) * lanes
    assert call.totals == call.tasks * sums


def test_few_short_rows_are_work_for_two_threads():
    geometry = conv.plans.geometry_of((64, 4, 4, 64), (3, 3, 64, 64), (1, 1), "same", (1, 1))
    assert conv.calls.backward_call(geometry, np.dtype("float32"), 1, 1).tasks == 2


def test_a_column_and_a_row_are_cut_alike():
    column, row = (
        conv.plans.geometry_of((1, *size, 2), (*kernel, 2, 3), (2, 1)[::step], "same", (1, 1))
        for size, kernel, step in [((999, 1), (3, 5), 1), ((1, 999), (5, 3), -1)]
    )
    assert column == row._replace(turned=True)
    assert (
        conv.plans.geometry_of((1, 9, 2, 2), (3, 3, 2, 3), (1, 1), "same", (1, 1)).turned is False
    )
