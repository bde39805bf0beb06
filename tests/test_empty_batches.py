"""Batches of no samples: every op gives arrays of none, and gradients of zeros."""

import numpy as np
import pytest

import npcnn
from npcnn import layers

DTYPES = ["float32", "float64"]


def none_of(shape, dtype):
    return np.empty((0, *shape), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("size", [(3, 3), (1, 1)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_conv2d(ops, rng, dtype, activation, size, strides):
    x, kernel, bias = none_of((6, 5, 2), dtype), np.ones((*size, 2, 4), dtype), np.ones(4, dtype)
    for padding in ("same", "valid"):
        how = strides, padding, (1, 1), activation
        y = ops.conv2d(x, kernel, bias, *how)
        assert y.shape[0] == 0
        assert y.shape[3] == 4
        assert y.dtype == dtype
        grad_kernel, grad_bias = np.ones_like(kernel), np.ones_like(bias)
        grad_x = ops.conv2d_backward(y, x, y, kernel, grad_kernel, grad_bias, *how)
        assert grad_x.shape == x.shape
        assert grad_x.dtype == dtype
        assert not grad_kernel.any()
        assert not grad_bias.any()
        grad_kernel[...] = 1
        assert ops.conv2d_backward(y, x, y, kernel, grad_kernel, None, *how, False) is None
        assert not grad_kernel.any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_dense(ops, dtype, activation, shape):
    x, kernel, bias = none_of(shape, dtype), np.ones((3, 4), dtype), np.ones(4, dtype)
    y = ops.dense(x, kernel, bias, activation)
    assert y.shape == (0, *shape[:-1], 4)
    assert y.dtype == dtype
    grad_kernel, grad_bias = np.ones_like(kernel), np.ones_like(bias)
    grad_x = ops.dense_backward(y, x, y, kernel, grad_kernel, grad_bias, activation)
    assert grad_x.shape == x.shape
    assert grad_x.dtype == dtype
    assert not grad_kernel.any()
    assert not grad_bias.any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("strides", [(2, 2), (1, 1)])
def test_max_pooling2d(ops, dtype, padding, strides):
    x = none_of((5, 6, 3), dtype)
    y = ops.max_pooling2d(x, (2, 2), strides, padding)
    assert y.shape[0] == 0
    assert y.dtype == dtype
    grad_x = ops.max_pooling2d_backward(y, x, y, (2, 2), strides, padding)
    assert grad_x.shape == x.shape
    assert grad_x.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4,), (2, 3, 4)])
def test_ops_element_by_element(ops, dtype, shape):
    x = none_of(shape, dtype)
    found = [
        ops.relu(x, 0.1, 6.0, 0.5), ops.relu_backward(x, x, 0.1, 6.0, 0.5),
        ops.sigmoid(x), ops.sigmoid_backward(x, x), ops.tanh(x), ops.tanh_backward(x, x),
        ops.softmax(x), ops.softmax_backward(x, x),
        ops.dropout(x, 0.5, 7, x.shape), ops.dropout_backward(x, 0.5, 7, x.shape),
        ops.dropout(x, 0.5, 7, (1,) * x.ndim),
    ]  # fmt: skip
    for y in found:
        assert y.shape == x.shape
        assert y.dtype == dtype
    y = ops.flatten(x)
    assert y.shape == (0, np.prod(shape))
    assert ops.flatten_backward(y, x.shape).shape == x.shape
    taken = ops.gather(np.ones((3, *shape), "uint8"), np.empty(0, np.int64), np.dtype(dtype))
    assert taken.shape == x.shape
    assert taken.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4,), (2, 4)])
def test_losses(ops, dtype, shape):
    x, weights = none_of(shape, dtype), none_of(shape[:-1], dtype)
    for loss in (ops.categorical_crossentropy, ops.categorical_crossentropy_from_logits):
        losses, grad = loss(x, x, weights)
        assert losses.shape == weights.shape
        assert grad.shape == x.shape
        assert losses.dtype == grad.dtype == dtype


@pytest.mark.parametrize("training", [False, True])
def test_a_network_of_every_layer(backend, training):
    model = npcnn.Sequential(
        [
            layers.Input((8, 8, 2)), layers.Conv2D(3, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(), layers.Conv2D(4, 2, activation="tanh"), layers.ReLU(),
            layers.Flatten(), layers.Dropout(0.5), layers.Dense(5, activation="sigmoid"),
            layers.Dense(3), layers.Softmax(),
        ]
    )  # fmt: skip
    x = none_of((8, 8, 2), "float32")
    for layer in model.layers:
        x = layer.forward(x, training)
    assert x.shape == (0, 3)
    for layer in reversed(model.layers):
        x = layer.backward(x)
        assert x.shape == (0, *layer.input_shape[1:])
        for _, _, gradient in layer.parameters():
            assert not gradient.any()
