"""Strides, dilations and windows far beyond the image: the same results, and no work in them."""

import numpy as np
import oracles
import pytest

from npcnn import Sequential, layers
from npcnn.backend import ops

LARGE = [1, 2, 7, 8, 9, 13, 14, 29, 30, 31]
HUGE = [10**7, 10**18, 2**63 - 1]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [*LARGE, 1000])
def test_strides(backend, stride, padding):
    r = np.random.default_rng(stride)
    x, kernel, bias = r.random((2, 7, 6, 2)), r.random((3, 2, 2, 3)), r.random(3)
    arguments = ((stride, 2), padding, (1, 1), "linear")
    want = oracles.conv2d(x, kernel, bias, *arguments)
    y = ops.conv2d(x, kernel, bias, *arguments)
    np.testing.assert_allclose(y, want, rtol=1e-12)
    grad_y = r.random(y.shape)
    by_kernel, by_bias = np.zeros(kernel.shape), np.zeros(3)
    grad_x = ops.conv2d_backward(grad_y, x, y, kernel, by_kernel, by_bias, *arguments)
    wanted = oracles.conv2d_backward(grad_y, x, y, kernel, *arguments)
    for found, want in zip((grad_x, by_kernel, by_bias), wanted, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("window", [(3, 2), (2, 3), (4, 1), (5, 4)])
@pytest.mark.parametrize("dilation", LARGE)
def test_dilations(backend, dilation, window):
    r = np.random.default_rng(dilation)
    x, kernel, bias = r.random((2, 7, 6, 2)), r.random((*window, 2, 3)), r.random(3)
    arguments = ((1, 1), "same", (dilation, dilation + 1), "linear")
    want = oracles.conv2d(x, kernel, bias, *arguments)
    np.testing.assert_allclose(ops.conv2d(x, kernel, bias, *arguments), want, rtol=1e-12)


@pytest.mark.parametrize("stride", [1, 2, 3, 9])
@pytest.mark.parametrize("size", [*LARGE, 64])
def test_pools(backend, size, stride):
    r = np.random.default_rng(size)
    x = r.permutation(2 * 7 * 6 * 2).reshape(2, 7, 6, 2).astype("float64")
    arguments = ((size, size + 1), (stride, stride + 1), "same")
    want, _ = oracles.max_pooling2d(x, *arguments)
    y = ops.max_pooling2d(x, *arguments)
    np.testing.assert_array_equal(y, want)
    grad_y = r.random(y.shape)
    found = ops.max_pooling2d_backward(grad_y, x, y, *arguments)
    want = oracles.max_pooling2d_backward(grad_y, x, *arguments)
    np.testing.assert_allclose(found, want, rtol=1e-12)


@pytest.mark.parametrize("huge", HUGE)
def test_a_huge_one_costs_no_time(backend, huge):
    stack = [
        layers.Input((6, 6, 1)),
        layers.Conv2D(2, 3, strides=huge, padding="same"),
        layers.Conv2D(2, (3, 2), dilation_rate=huge, padding="same"),
        layers.MaxPooling2D(huge, 1, padding="same"),
        layers.MaxPooling2D(1, huge),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]
    model = Sequential(stack)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.train_on_batch(np.ones((4, 6, 6, 1)), [0, 1, 2, 0])
    assert np.isfinite(model.get_weights()[0]).all()
