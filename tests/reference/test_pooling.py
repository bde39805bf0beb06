import numpy as np
import oracles
import pytest
from arrays import LAYOUTS, assert_close, in_layout, unchanged
from hypothesis import given
from hypothesis import strategies as st

from npcnn.gradient_check import numerical_gradient, relative_error, spaced_values

CASES = [
    ((2, 6, 6, 3), (2, 2), (2, 2), "valid"),
    ((2, 7, 5, 2), (2, 2), (2, 2), "same"),
    ((2, 7, 5, 2), (2, 2), (2, 2), "valid"),
    ((1, 6, 6, 2), (3, 3), (1, 1), "valid"),  # windows overlap
    ((1, 6, 6, 2), (3, 3), (2, 2), "same"),
    ((1, 7, 6, 1), (3, 2), (1, 3), "same"),
    ((1, 7, 7, 1), (2, 2), (3, 3), "valid"),  # gaps between windows
    ((1, 2, 2, 1), (5, 5), (1, 1), "same"),  # larger than the image
    ((3, 1, 1, 4), (1, 1), (1, 1), "valid"),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("ties", [False, True])
def test_agrees_with_the_oracle(ops, rng, case, dtype, ties):
    x_shape, *arguments = case
    x = spaced_values(x_shape, rng).astype(dtype)
    if ties:  # few values, many of them equal: the first in row order must win
        x = rng.integers(0, 2, x_shape).astype(dtype)
    y = ops.max_pooling2d(x, *arguments)
    assert_close(y, oracles.max_pooling2d(x, *arguments)[0], dtype)
    grad_y = rng.uniform(-1, 1, y.shape).astype(dtype)
    with unchanged(x, y, grad_y):
        grad_x = ops.max_pooling2d_backward(grad_y, x, y, *arguments)
    assert_close(grad_x, oracles.max_pooling2d_backward(grad_y, x, *arguments), dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout(ops, rng, layout):
    for case in (CASES[1], CASES[4]):
        x_shape, *arguments = case
        x = rng.integers(0, 4, x_shape).astype("float32")
        y = ops.max_pooling2d(in_layout(x, layout), *arguments)
        assert_close(y, oracles.max_pooling2d(x, *arguments)[0], np.float32)
        grad_y = rng.uniform(-1, 1, y.shape).astype("float32")
        strided = [in_layout(a, layout) for a in (grad_y, x, y)]
        with unchanged(*strided):
            grad_x = ops.max_pooling2d_backward(*strided, *arguments)
        expected = oracles.max_pooling2d_backward(grad_y, x, *arguments)
        assert_close(grad_x, expected, np.float32)


@pytest.mark.parametrize("case", CASES)
def test_gradient_by_differences(ops, rng, case):
    x_shape, *arguments = case
    x = spaced_values(x_shape, rng)
    y = ops.max_pooling2d(x, *arguments)
    upstream = rng.uniform(-1, 1, y.shape)
    found = ops.max_pooling2d_backward(upstream, x, y, *arguments)
    numerical = numerical_gradient(
        lambda: float((ops.max_pooling2d(x, *arguments) * upstream).sum()), x
    )
    assert relative_error(found, numerical) <= 1e-7


def test_padding_never_wins(ops):
    x = np.full((1, 3, 3, 1), -7.0)
    y = ops.max_pooling2d(x, (2, 2), (2, 2), "same")
    np.testing.assert_array_equal(y, np.full((1, 2, 2, 1), -7.0))


def test_the_first_of_equal_values_takes_the_gradient(ops):
    x = np.zeros((1, 2, 2, 1))
    y = ops.max_pooling2d(x, (2, 2), (2, 2), "valid")
    grad_x = ops.max_pooling2d_backward(np.full((1, 1, 1, 1), 3.0), x, y, (2, 2), (2, 2), "valid")
    np.testing.assert_array_equal(grad_x[0, :, :, 0], [[3.0, 0.0], [0.0, 0.0]])


def test_nan_wins_its_windows(ops):
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    x[0, 0, 1, 0] = x[0, 1, 0, 0] = np.nan
    y = ops.max_pooling2d(x, (2, 2), (2, 2), "valid")
    np.testing.assert_array_equal(y[0, :, :, 0], [[np.nan, 7.0], [13.0, 15.0]])
    grad_x = ops.max_pooling2d_backward(np.ones(y.shape), x, y, (2, 2), (2, 2), "valid")
    assert grad_x[0, 0, 1, 0] == 1
    assert grad_x.sum() == 4


@given(
    st.integers(1, 7), st.integers(1, 7), st.integers(1, 3),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)), st.sampled_from(["same", "valid"]),
)  # fmt: skip
def test_any_shape(height, width, channels, pool_size, strides, padding):
    from npcnn import reference

    if padding == "valid":
        height, width = max(height, pool_size[0]), max(width, pool_size[1])
    x = np.random.default_rng(0).integers(-3, 3, (1, height, width, channels)).astype(float)
    y = reference.max_pooling2d(x, pool_size, strides, padding)
    np.testing.assert_array_equal(y, oracles.max_pooling2d(x, pool_size, strides, padding)[0])
    grad_y = np.ones(y.shape)
    grad_x = reference.max_pooling2d_backward(grad_y, x, y, pool_size, strides, padding)
    expected = oracles.max_pooling2d_backward(grad_y, x, pool_size, strides, padding)
    np.testing.assert_array_equal(grad_x, expected)
