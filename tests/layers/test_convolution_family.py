"""Grouped, depthwise, separable and transposed convolutions, beside oracles in loops."""

import layer_checks
import numpy as np
import oracles
import pytest
from agreement import DTYPES, agree, any_layout, some
from arrays import unchanged
from hypothesis import given
from hypothesis import strategies as st

from npcnn import kernels, layers, reference
from npcnn.checks import ArgumentError
from npcnn.gradient_check import check_layer

BACKENDS = {"reference": reference, "kernels": kernels}


def grouped(x, kernel, bias, strides, padding, dilation, activation, groups):
    """Each group's convolution by the plain one's oracle."""
    c, f = x.shape[3] // groups, kernel.shape[3] // groups
    parts = []
    for g in range(groups):
        filters = slice(g * f, g * f + f)
        parts.append(
            oracles.conv2d(
                x[..., g * c : g * c + c], kernel[..., filters], bias[filters], strides, padding,
                dilation, activation,
            )
        )  # fmt: skip
    return np.concatenate(parts, axis=-1)


def transposed(x, kernel, bias, strides, dilation, before, size, activation):
    y = np.zeros((len(x), *size, kernel.shape[2])) + bias
    for n, i, j, c in np.ndindex(x.shape):
        for u, v, f in np.ndindex(kernel.shape[:3]):
            row = i * strides[0] + u * dilation[0] - before[0]
            column = j * strides[1] + v * dilation[1] - before[1]
            if 0 <= row < size[0] and 0 <= column < size[1]:
                y[n, row, column, f] += float(x[n, i, j, c]) * float(kernel[u, v, f, c])
    return np.maximum(y, 0) if activation == "relu" else y


@st.composite
def groups_of(draw):
    """Return the shapes of x and kernel, and a grouped convolution's options."""
    whole = st.integers
    taps, dilation = [(draw(whole(1, 3)), draw(whole(1, 3))) for _ in range(2)]
    padding = draw(st.sampled_from(["same", "valid"]))
    least = [(k - 1) * d + 1 if padding == "valid" else 1 for k, d in zip(taps, dilation)]  # noqa: B905
    height, width = (draw(whole(low, max(low, 7))) for low in least)
    groups, c, f = draw(whole(1, 5)), draw(whole(1, 3)), draw(whole(1, 3))
    strides = draw(whole(1, 3)), draw(whole(1, 3))
    shapes = (draw(st.sampled_from([1, 2, 17])), height, width, groups * c), (*taps, c, groups * f)
    activation = draw(st.sampled_from(["linear", "relu"]))
    return shapes, (strides, padding, dilation, activation, groups)


@st.composite
def transposes(draw):
    """Return the shapes of x and kernel, and a transposed convolution's options."""
    two = st.tuples(st.integers(1, 4), st.integers(1, 4))
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    shapes = (draw(st.sampled_from([1, 2, 17])), height, width, draw(st.integers(1, 3)))
    kernel = (*draw(two), draw(st.integers(1, 3)), shapes[3])
    before = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    size = draw(st.tuples(st.integers(1, 14), st.integers(1, 14)))
    activation = draw(st.sampled_from(["linear", "relu"]))
    return (shapes, kernel), (draw(two), draw(two), before, size, activation)


def arrays_of(rng, shapes, filters, dtype, layout):
    x, kernel = some(rng, shapes[0], dtype, layout), some(rng, shapes[1], dtype, "plain")
    return x, kernel, some(rng, (filters,), dtype, "plain")


@pytest.mark.parametrize("dtype", DTYPES)
@given(case=groups_of(), seed=st.integers(0, 2**32 - 1))
def test_groups_on_any_shape(dtype, case, seed):
    shapes, options = case
    rng = np.random.default_rng(seed)
    x, kernel, bias = arrays_of(rng, shapes, shapes[1][3], dtype, any_layout(rng))
    want = grouped(x, kernel, bias, *options).astype(dtype)
    for ops in BACKENDS.values():
        with unchanged(x, kernel, bias):
            agree(ops.grouped_conv2d(x, kernel, bias, *options), want)
    grad_y, results = some(rng, want.shape, dtype, any_layout(rng)), []
    for ops in BACKENDS.values():
        grads = [np.full(array.shape, np.nan, dtype) for array in (kernel, bias)]
        grad_x = ops.grouped_conv2d_backward(
            grad_y, x, want, kernel, grads[0], grads[1] if seed % 3 else None, *options,
            seed % 5 > 0,
        )  # fmt: skip
        results.append([grad_x, grads[0], *(grads[1:] if seed % 3 else [])])
    for got, wanted in zip(results[1], results[0], strict=True):
        agree(got, wanted, scale=3)


@pytest.mark.parametrize("dtype", DTYPES)
@given(case=transposes(), seed=st.integers(0, 2**32 - 1))
def test_transposes_on_any_shape(dtype, case, seed):
    shapes, options = case
    rng = np.random.default_rng(seed)
    x, kernel, bias = arrays_of(rng, shapes, shapes[1][2], dtype, any_layout(rng))
    want = transposed(x, kernel, bias, *options).astype(dtype)
    for ops in BACKENDS.values():
        with unchanged(x, kernel, bias):
            agree(ops.conv2d_transpose(x, kernel, bias, *options), want)
    grad_y, results = some(rng, want.shape, dtype, any_layout(rng)), []
    strides, dilation, before, _, activation = options
    for ops in BACKENDS.values():
        grads = [np.full(array.shape, np.nan, dtype) for array in (kernel, bias)]
        grad_x = ops.conv2d_transpose_backward(
            grad_y, x, want, kernel, grads[0], grads[1] if seed % 3 else None, strides, dilation,
            before, activation, seed % 5 > 0,
        )  # fmt: skip
        results.append([grad_x, grads[0], *(grads[1:] if seed % 3 else [])])
    for got, wanted in zip(results[1], results[0], strict=True):
        agree(got, wanted, scale=3)


@pytest.mark.parametrize("ops", BACKENDS.values(), ids=BACKENDS)
def test_nothing_in_nothing_out(ops):
    x, kernel, bias = np.zeros((0, 4, 4, 2)), np.ones((3, 3, 1, 2)), np.ones(2)
    options = (1, 1), "same", (1, 1), "relu", 2
    y = ops.grouped_conv2d(x, kernel, bias, *options)
    assert y.shape == (0, 4, 4, 2)
    grads = np.ones_like(kernel), np.ones(2)
    assert ops.grouped_conv2d_backward(y, x, y, kernel, *grads, *options).shape == x.shape
    assert not grads[0].any()
    kernel, options = np.ones((3, 3, 5, 2)), ((2, 2), (1, 1), (0, 0))
    y = ops.conv2d_transpose(x, kernel, None, *options, (9, 9), "linear")
    assert y.shape == (0, 9, 9, 5)
    grads = np.ones_like(kernel), np.ones(5)
    back = ops.conv2d_transpose_backward(y, x, y, kernel, *grads, *options, "linear")
    assert back.shape == x.shape
    assert not grads[0].any()


# a layer, its input, its output, its parameters
FAMILY = {
    "groups": (
        lambda **more: layers.Conv2D(4, 3, groups=2, activation="relu", **more),
        (2, 5, 6, 6), (2, 3, 4, 4), [(3, 3, 3, 4), (4,)], "conv2d",
    ),
    "depthwise": (
        lambda **more: layers.DepthwiseConv2D((3, 2), 2, "same", 2, **more),
        (2, 5, 6, 3), (2, 3, 3, 6), [(3, 2, 3, 2), (6,)], "depthwise_conv2d",
    ),
    "depthwise, dilated": (
        lambda **more: layers.DepthwiseConv2D(
            2, dilation_rate=(2, 1), activation="tanh", use_bias=False, **more
        ),
        (2, 5, 4, 3), (2, 3, 3, 3), [(2, 2, 3, 1)], "depthwise_conv2d",
    ),
    "separable": (
        lambda **more: layers.SeparableConv2D(4, 3, padding="same", depth_multiplier=2, **more),
        (2, 4, 5, 3), (2, 4, 5, 4), [(3, 3, 3, 2), (1, 1, 6, 4), (4,)], "separable_conv2d",
    ),
    "separable, strides": (
        lambda **more: layers.SeparableConv2D(4, 2, (2, 1), activation="relu", **more),
        (2, 4, 5, 3), (2, 2, 4, 4), [(2, 2, 3, 1), (1, 1, 3, 4), (4,)], "separable_conv2d",
    ),
    "transposed": (
        lambda **more: layers.Conv2DTranspose(4, 3, 2, "same", activation="relu", **more),
        (2, 3, 4, 2), (2, 6, 8, 4), [(3, 3, 4, 2), (4,)], "conv2d_transpose",
    ),
    "transposed, all of it": (
        lambda **more: layers.Conv2DTranspose(3, (1, 3), (2, 1), use_bias=False, **more),
        (2, 3, 4, 2), (2, 6, 6, 3), [(1, 3, 3, 2)], "conv2d_transpose",
    ),
    "transposed, dilated": (
        lambda **more: layers.Conv2DTranspose(3, 3, dilation_rate=2, activation="sigmoid", **more),
        (2, 3, 4, 2), (2, 7, 8, 3), [(3, 3, 3, 2), (3,)], "conv2d_transpose",
    ),
    "transposed, and more": (
        lambda **more: layers.Conv2DTranspose(3, 4, (2, 3), "same", (0, 2), **more),
        (2, 3, 4, 2), (2, 4, 11, 3), [(4, 4, 3, 2), (3,)], "conv2d_transpose",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAMILY)
def test_everything(backend, case):
    make, input_shape, output_shape, parameters, snake = FAMILY[case]
    layer_checks.check_shapes(make, input_shape, output_shape, parameters)
    layer_checks.check_config(make, input_shape)
    table = check_layer(make(), input_shape, raise_on_error=True)
    assert len(table.rows) == 1 + len(parameters)
    layer_checks.check_in_a_model(make, input_shape, snake)
    layer_checks.check_training(make, input_shape)


def test_depthwise_is_each_channel_alone(backend, rng):
    """Filter m of channel c is output c·M + m; separable is that, and single pixels' filters."""
    x = rng.normal(size=(2, 5, 6, 3))
    layer = layers.SeparableConv2D(4, 3, strides=2, padding="same", depth_multiplier=2)
    layer.build((None, 5, 6, 3), "float64")
    layer.bias[...] = rng.normal(size=4)
    deep = np.concatenate(
        [
            oracles.conv2d(
                x[..., c : c + 1], layer.depthwise_kernel[:, :, c : c + 1], None, (2, 2), "same",
                (1, 1), "linear",
            )
            for c in range(3)
        ],
        axis=-1,
    )  # fmt: skip
    want = deep @ layer.pointwise_kernel[0, 0] + layer.bias
    np.testing.assert_allclose(layer.forward(x), want, atol=1e-12)
    half = layers.DepthwiseConv2D(3, 2, "same", 2)
    half.build((None, 5, 6, 3), "float64")
    half.kernel[...] = layer.depthwise_kernel
    half.bias[...] = rng.normal(size=6)
    np.testing.assert_allclose(half.forward(x), deep + half.bias, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), r"\(depth_multiplier\): expected"),
        (lambda: layers.DepthwiseConv2D(3, 2, dilation_rate=2), "expected strides or dilation_rat"),
        (lambda: layers.SeparableConv2D(0, 3), r"SeparableConv2D\(filters\): expected a positive"),
        (lambda: layers.SeparableConv2D(2, 3, 2, dilation_rate=2), "expected strides or dilation_"),
        (lambda: layers.Conv2DTranspose(2, 3, 2, dilation_rate=2), "expected strides or dilation_"),
        (
            lambda: layers.Conv2DTranspose(2, 3, 2, output_padding=2),
            r"Conv2DTranspose\(output_padding\): expected less than strides=\(2, 2\), got \(2, 2\)",
        ),
        (
            lambda: layers.Conv2DTranspose(2, 3, 2, output_padding=(1, -1)),
            r"expected a whole number of 0 or more, or two, got \(1, -1\); such as 1 or",
        ),
        (
            lambda: layers.Conv2DTranspose(2, 2, 2, "same", 0).build((None, 1, 1, 1)),
            "expected an output of 1 to 1048576 rows and columns, got 0×0; use other strides",
        ),
        (
            lambda: layers.Conv2DTranspose(2, 2, 10**9).build((None, 8, 8, 1)),
            "expected an output of 1 to 1048576 rows and columns, got 8000000000×8000000000",
        ),
        (lambda: layers.Conv2DTranspose(2, 2).build((None, 8, 8)), "expected images as"),
        (lambda: layers.DepthwiseConv2D(3).build((None, 2, 8, 1)), "expected images that hold one"),
    ],
)
def test_bad_arguments(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


def test_a_dilation_far_beyond_the_image(backend):
    """Its centre tap alone sees something."""
    layer = layers.Conv2DTranspose(1, 3, padding="same", dilation_rate=10**12)
    x = np.arange(16.0, dtype="float32").reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(layer(x), x * layer.kernel[1, 1, 0, 0])
