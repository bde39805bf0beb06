import numpy as np
import oracles
import pytest
from arrays import LAYOUTS, assert_close, in_layout, unchanged
from hypothesis import given
from hypothesis import strategies as st

from npcnn.gradient_check import numerical_gradient, relative_error

SHAPES = [(1, 1, 1), (1, 7, 3), (4, 5, 6), (9, 20, 2), (33, 3, 17)]


def backward(ops, grad_y, x, y, kernel, activation, need_grad_x=True, bias=True):
    flat = np.full(kernel.size + kernel.shape[1], 99.0, kernel.dtype)
    grad_kernel = flat[: kernel.size].reshape(kernel.shape)
    grad_bias = flat[kernel.size :] if bias else None
    grad_x = ops.dense_backward(
        grad_y, x, y, kernel, grad_kernel, grad_bias, activation, need_grad_x
    )
    return grad_x, grad_kernel, grad_bias


def arrays_for(shape, rng, dtype=np.float64):
    n, inputs, units = shape
    draw = (rng.uniform(-1, 1, s).astype(dtype) for s in ((n, inputs), (inputs, units), units))
    return tuple(draw)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", ["plain", *LAYOUTS])
def test_agrees_with_the_oracle(ops, rng, shape, activation, dtype, layout):
    x, kernel, bias = arrays_for(shape, rng, dtype)
    arranged = (lambda a: a) if layout == "plain" else (lambda a: in_layout(a, layout))
    y = ops.dense(arranged(x), arranged(kernel), bias, activation)
    assert_close(y, oracles.dense(x, kernel, bias, activation), dtype)
    grad_y = rng.uniform(-1, 1, y.shape).astype(dtype)
    inputs = [arranged(a) for a in (grad_y, x, y, kernel)]
    with unchanged(*inputs):
        found = backward(ops, *inputs, activation)
    expected = oracles.dense_backward(grad_y, x, y, kernel, activation)
    for got, want in zip(found, expected, strict=True):
        assert_close(got, want, dtype)


def test_without_bias_and_without_the_gradient_by_x(ops, rng):
    x, kernel, _ = arrays_for((4, 5, 6), rng)
    y = ops.dense(x, kernel, None, "linear")
    assert_close(y, oracles.dense(x, kernel, None, "linear"), np.float64)
    expected = oracles.dense_backward(y, x, y, kernel, "linear")
    grad_x, grad_kernel, _ = backward(ops, y, x, y, kernel, "linear", False, bias=False)
    assert grad_x is None
    assert_close(grad_kernel, expected[1], np.float64)


@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_gradients_by_differences(ops, rng, activation):
    x, kernel, bias = arrays_for((4, 5, 6), rng)
    y = ops.dense(x, kernel, bias, activation)
    upstream = rng.uniform(-1, 1, y.shape)
    found = backward(ops, upstream, x, y, kernel, activation)

    def objective():
        return float((ops.dense(x, kernel, bias, activation) * upstream).sum())

    for value, gradient in zip((x, kernel, bias), found, strict=True):
        assert relative_error(gradient, numerical_gradient(objective, value)) <= 1e-7


def test_nan_stays_in_its_row(ops):
    x = np.array([[np.nan, 1.0], [2.0, 3.0]])
    for activation in ("linear", "relu"):
        y = ops.dense(x, np.ones((2, 2)), None, activation)
        np.testing.assert_array_equal(y, [[np.nan, np.nan], [5.0, 5.0]])


@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9))
def test_any_shape(n, inputs, units):
    from npcnn import reference

    x, kernel, bias = arrays_for((n, inputs, units), np.random.default_rng(1))
    y = reference.dense(x, kernel, bias, "relu")
    assert_close(y, oracles.dense(x, kernel, bias, "relu"), np.float64)
