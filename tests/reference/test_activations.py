import math

import numpy as np
import oracles
import pytest
from arrays import LAYOUTS, assert_close, in_layout, unchanged

from npcnn.gradient_check import numerical_gradient, relative_error, spaced_values

RELU = [
    (0.0, None, 0.0),
    (0.3, None, 0.0),
    (0.0, 0.5, 0.0),
    (0.0, None, 0.25),
    (0.2, 0.6, 0.1),
    (0.0, 0.0, 0.0),
]
BY_ELEMENT = {
    "sigmoid": lambda v: 1 / (1 + math.exp(-v)),
    "tanh": math.tanh,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("arguments", RELU)
def test_relu_agrees_with_the_oracle(ops, rng, arguments, dtype):
    x = (2 * spaced_values((2, 3, 4, 2), rng)).astype(dtype)
    with unchanged(x):
        y = ops.relu(x, *arguments)
    assert_close(y, oracles.relu(x, *arguments), dtype)


def test_relu_at_its_corners(ops):
    x = np.array([[-1.0, 0.0, 0.25, 1.0, 6.0, 7.0]])
    np.testing.assert_array_equal(ops.relu(x, 0.0, 6.0, 0.25), [[0, 0, 0, 1, 6, 6]])
    grad = ops.relu_backward(np.ones((1, 6)), x, 0.5, 6.0, 0.25)
    np.testing.assert_array_equal(grad, [[0.5, 0.5, 0.5, 1, 0, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("arguments", RELU[:-1])
def test_relu_backward(ops, rng, arguments, dtype):
    x = spaced_values((3, 4, 4), rng)
    upstream = rng.uniform(-1, 1, x.shape)
    numerical = numerical_gradient(lambda: float((ops.relu(x, *arguments) * upstream).sum()), x)
    found = ops.relu_backward(upstream.astype(dtype), x.astype(dtype), *arguments)
    assert_close(found, numerical, dtype) if dtype == np.float32 else None
    assert relative_error(found, numerical) <= (1e-7 if dtype == np.float64 else 1e-6)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_smooth_ones_agree_with_math(ops, rng, name, dtype):
    x = rng.uniform(-4, 4, (2, 3, 5)).astype(dtype)
    with unchanged(x):
        y = getattr(ops, name)(x)
    want = np.array([BY_ELEMENT[name](float(v)) for v in x.ravel()]).reshape(x.shape)
    assert_close(y, want, dtype)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2, 3, 4), (2, 2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_agrees_with_the_oracle(ops, rng, shape, dtype):
    x = rng.uniform(-4, 4, shape).astype(dtype)
    with unchanged(x):
        y = ops.softmax(x)
    rows = x.reshape(-1, shape[-1])
    want = np.array([oracles.softmax([float(v) for v in row]) for row in rows]).reshape(shape)
    assert_close(y, want, dtype)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 4), (2, 2, 2, 3)])
def test_backward_by_differences(ops, rng, name, shape):
    x = rng.uniform(-2, 2, shape)
    upstream = rng.uniform(-1, 1, shape)
    forward, backward = getattr(ops, name), getattr(ops, f"{name}_backward")
    y = forward(x)
    with unchanged(upstream, y):
        found = backward(upstream, y)
    numerical = numerical_gradient(lambda: float((forward(x) * upstream).sum()), x)
    assert relative_error(found, numerical) <= 1e-7
    single = backward(upstream.astype("float32"), y.astype("float32"))
    assert_close(single, numerical, np.float32)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softmax"])
def test_any_memory_layout(ops, rng, name, layout):
    forward, backward = getattr(ops, name), getattr(ops, f"{name}_backward")
    for shape in ((3, 4), (2, 3, 4), (2, 3, 2, 4)):
        x, grad_y = rng.uniform(-2, 2, (2, *shape))
        y = forward(x)
        assert_close(forward(in_layout(x, layout)), y, np.float64)
        strided = [in_layout(a, layout) for a in (grad_y, y)]
        assert_close(backward(*strided), backward(grad_y, y), np.float64)
    strided = [in_layout(a, layout) for a in (grad_y, x)]
    plain = ops.relu_backward(grad_y, x, 0.1, 1.0, 0.2)
    np.testing.assert_array_equal(ops.relu_backward(*strided, 0.1, 1.0, 0.2), plain)
    found = ops.relu(strided[1], 0.1, 1.0, 0.2)
    np.testing.assert_array_equal(found, ops.relu(x, 0.1, 1.0, 0.2))


def test_far_out_values_are_finite(ops):
    x = np.array([[-1e4, 0.0, 1e4]], "float32")
    np.testing.assert_array_equal(ops.softmax(x), [[0, 0, 1]])
    np.testing.assert_array_equal(ops.sigmoid(x), [[0, 0.5, 1]])
    np.testing.assert_array_equal(ops.tanh(x), [[-1, 0, 1]])


def test_nan_goes_through(ops):
    x = np.array([[np.nan, 1.0], [2.0, 2.0]])
    np.testing.assert_array_equal(ops.relu(x, 0.0, None, 0.0), x)
    np.testing.assert_array_equal(ops.relu(x, 0.1, 6.0, 0.5), x)
    np.testing.assert_array_equal(ops.softmax(x), [[np.nan, np.nan], [0.5, 0.5]])
    for name in ("sigmoid", "tanh"):
        y = getattr(ops, name)(x)
        np.testing.assert_array_equal(np.isnan(y), np.isnan(x))
