"""The reference's forward ops and losses differentiate what they are given: complex in and out.

An imaginary part of 1e-100 comes out as the derivative times 1e-100, to rounding: no difference is
taken. Each backward is held against that, along random directions.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npcnn import reference
from npcnn.gradient_check import spaced_values

STEP = 1e-100


def derivative(f, x, direction):
    y = f(x + STEP * 1j * direction)
    assert y.dtype == np.complex128
    assert np.isfinite(y).all()
    assert np.abs(y.real - f(x)).max() <= 1e-14 * np.abs(y.real).max()
    return y.imag / STEP


def holds(f, pairs, upstream):
    """For each (array, gradient): ⟨upstream, derivative⟩ = ⟨gradient, direction⟩."""
    rng = np.random.default_rng(5)
    arrays = [array for array, _ in pairs]
    for k, (array, gradient) in enumerate(pairs):
        direction = rng.uniform(-1, 1, array.shape)
        along = derivative(lambda a, k=k: f(*arrays[:k], a, *arrays[k + 1 :]), array, direction)
        want, got = (gradient * direction).sum(), (upstream * along).sum()
        assert abs(want - got) <= 1e-13 * max(1.0, np.abs(gradient * direction).sum())


@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("strides", "dilation"), [((2, 1), (1, 1)), ((1, 1), (2, 1))])
def test_conv2d(rng, activation, padding, strides, dilation):
    x, kernel, bias = (rng.normal(size=s) for s in ((2, 7, 6, 3), (3, 2, 3, 4), (4,)))
    how = strides, padding, dilation, activation
    y = reference.conv2d(x, kernel, bias, *how)
    upstream, grads = rng.normal(size=y.shape), (np.empty_like(kernel), np.empty_like(bias))
    grad_x = reference.conv2d_backward(upstream, x, y, kernel, *grads, *how)
    pairs = [(x, grad_x), (kernel, grads[0]), (bias, grads[1])]
    holds(lambda *arrays: reference.conv2d(*arrays, *how), pairs, upstream)


@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4)])
def test_dense(rng, activation, shape):
    x, kernel, bias = rng.normal(size=shape), rng.normal(size=(4, 3)), rng.normal(size=3)
    y = reference.dense(x, kernel, bias, activation)
    upstream, grads = rng.normal(size=y.shape), (np.empty_like(kernel), np.empty_like(bias))
    grad_x = reference.dense_backward(upstream, x, y, kernel, *grads, activation)
    pairs = [(x, grad_x), (kernel, grads[0]), (bias, grads[1])]
    holds(lambda *arrays: reference.dense(*arrays, activation), pairs, upstream)


@given(st.booleans(), st.integers(1, 3), st.integers(1, 3), st.sampled_from(["same", "valid"]))
def test_max_pooling2d(ties, size, stride, padding):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (2, 6, 5, 2)) * 1.0 if ties else spaced_values((2, 6, 5, 2), rng)
    how = (size, 2), (stride, 2), padding
    y = reference.max_pooling2d(x, *how)
    upstream = rng.normal(size=y.shape)
    grad_x = reference.max_pooling2d_backward(upstream, x, y, *how)
    holds(lambda x: reference.max_pooling2d(x, *how), [(x, grad_x)], upstream)


@pytest.mark.parametrize("how", [(0.0, None, 0.0), (0.3, 1.0, 0.25), (0.0, 1.0, 0.0)])
def test_relu(rng, how):
    x = np.concatenate(
        [2 * spaced_values((40,), rng), np.zeros(4)]
    )  # at a bend, as backward has it
    upstream = rng.normal(size=x.shape)
    grad_x = reference.relu_backward(upstream, x, *how)
    holds(lambda x: reference.relu(x, *how), [(x, grad_x)], upstream)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize("scale", [1.0, 10.0, 300.0])
def test_smooth_activations(rng, name, scale):
    x, upstream = scale * rng.normal(size=(6, 5)), rng.normal(size=(6, 5))
    forward, backward = getattr(reference, name), getattr(reference, f"{name}_backward")
    holds(forward, [(x, backward(upstream, forward(x)))], upstream)


def test_dropout_flatten_and_gather(rng):
    x, upstream = rng.normal(size=(4, 3, 2)), rng.normal(size=(4, 3, 2))
    grad_x = reference.dropout_backward(upstream, 0.4, 7, x.shape)
    holds(lambda x: reference.dropout(x, 0.4, 7, x.shape), [(x, grad_x)], upstream)
    flat = reference.flatten(upstream)
    holds(reference.flatten, [(x, reference.flatten_backward(flat, x.shape))], flat)
    assert reference.gather(x * 1j, np.array([1]), np.dtype(complex)).dtype == complex


@pytest.mark.parametrize("scale", [1.0, 30.0, 1000.0])
@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4)])
def test_losses(rng, scale, shape):
    targets, weights = rng.uniform(0, 1, shape), rng.uniform(0, 2, shape[:-1])
    upstream = np.full(shape[:-1], 1 / weights.size)
    for loss, x in (
        (reference.categorical_crossentropy_from_logits, scale * rng.normal(size=shape)),
        (
            reference.categorical_crossentropy,
            rng.uniform(0, 1, shape) ** min(scale, 30),
        ),  # some clipped
    ):
        grad = loss(x, targets, weights)[1]
        holds(lambda x, loss=loss: loss(x, targets, weights)[0], [(x, grad)], upstream)
