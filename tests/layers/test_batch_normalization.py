"""Batch normalisation: op, layer, state, beside an oracle and beside Keras."""

import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout
from layer_checks import check_config, check_in_a_model

import npcnn
from npcnn import layers
from npcnn.backend import ops, using
from npcnn.checks import ArgumentError
from npcnn.gradient_check import check_layer


def oracle(x, gamma, beta, mean, variance, momentum, epsilon, training):
    """Return y, new mean, new variance by loops over channels and numbers."""
    y, mean, variance = np.empty(x.shape), mean.copy(), variance.copy()
    for c in range(x.shape[-1]):
        numbers = [float(v) for v in x[..., c].ravel()]
        center, spread = mean[c], variance[c]
        if training:
            center = sum(numbers) / len(numbers)
            spread = sum((v - center) ** 2 for v in numbers) / len(numbers)
            mean[c] = momentum * mean[c] + (1 - momentum) * center
            variance[c] = momentum * variance[c] + (1 - momentum) * spread
        scaled = [gamma[c] * (v - center) / (spread + epsilon) ** 0.5 + beta[c] for v in numbers]
        y[..., c] = np.reshape(scaled, x.shape[:-1])
    return y, mean, variance


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 3), (4, 6, 5, 3), (1, 1, 1, 2), (2, 40, 30, 2), (3, 4, 2)])
def test_forward(rng, backend, shape, training, dtype):
    x = (rng.normal(size=shape) * 3 + 1).astype(dtype)
    gamma, beta, mean = (rng.normal(size=shape[-1]).astype(dtype) for _ in range(3))
    variance = rng.uniform(0.5, 2, shape[-1]).astype(dtype)
    want = oracle(x, gamma, beta, mean, variance, 0.9, 0.01, training)
    for layout in [None, *LAYOUTS]:
        running = mean.copy(), variance.copy()
        given = x if layout is None else in_layout(x, layout)
        y, _, _ = ops.batch_normalization(given, gamma, beta, *running, 0.9, 0.01, training)
        for got, wanted in zip((y, *running), want, strict=True):
            np.testing.assert_allclose(
                got, wanted, *((2e-4, 2e-5) if dtype == "float32" else (1e-11, 1e-12))
            )
        assert y.dtype == dtype


@pytest.mark.parametrize("training", [True, False])
def test_both_backends_agree(rng, training):
    x, grad = (rng.normal(size=(6, 9, 7, 4)) for _ in range(2))
    found = []
    for name in ("numpy", "numba"):
        with using(name):
            gamma, running = np.arange(1.0, 5), (np.zeros(4), np.ones(4))
            y, center, rate = ops.batch_normalization(x, gamma, None, *running, 0.9, 1e-3, training)
            grads = np.empty(4), np.empty(4)
            grad_x = ops.batch_normalization_backward(
                grad, x, gamma, center, rate, *grads, training
            )
            found.append([y, *running, grad_x, *grads])
    for one, other in zip(*found, strict=True):
        assert_close(one, other, "float64")


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"momentum": 0.5}])
@pytest.mark.parametrize("training", [True, False])
def test_gradients(backend, options, training):
    for shape in ((4, 3), (3, 4, 5, 2)):
        layer = layers.BatchNormalization(**options)
        assert check_layer(layer, shape, training=training).passed


def test_the_layer_in_a_model(backend):
    check_config(layers.BatchNormalization, (3, 4, 4, 2))
    check_in_a_model(layers.BatchNormalization, (3, 4, 4, 2), "batch_normalization")


def network():
    npcnn.set_random_seed(3)
    model = npcnn.Sequential(
        [
            layers.Input((6, 6, 1)), layers.Conv2D(4, 3), layers.BatchNormalization(),
            layers.ReLU(), layers.Flatten(), layers.Dense(3, activation="softmax"),
        ]
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def test_training_moves_the_running_statistics_and_is_replayed():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 6, 6, 1)).astype("float32"), rng.integers(0, 3, 20)
    with using("numba"):
        model = network()
        for _ in range(5):
            model.train_on_batch(x, y)
        assert model.program.last.played, str(model.program)
        assert (model.layers[1].moving_mean != 0).all()
        before = model.layers[1].moving_mean.copy()
        model.predict(x, verbose=0)
        np.testing.assert_array_equal(model.layers[1].moving_mean, before)
        model.layers[1].trainable = False
        model.train_on_batch(x, y)
        np.testing.assert_array_equal(model.layers[1].moving_mean, before)


@pytest.mark.parametrize("options", [{"axis": 1}, {"axis": 2, "renorm": True}])
def test_statistics_of_another_axis(backend, options):
    """The layer of an axis gives what that of the channels gives for x turned."""
    axis, x = options["axis"], np.random.default_rng(2).normal(size=(4, 3, 5, 2))
    layer, plain = layers.BatchNormalization(**options), layers.BatchNormalization()
    for one, shape in ((layer, x.shape), (plain, np.moveaxis(x, axis, -1).shape)):
        one.build((None, *shape[1:]), "float64")
    assert layer.moving_mean.shape == (x.shape[axis],)
    y = plain(np.moveaxis(x, axis, -1), training=not layer.renorm)
    if layer.renorm:  # before anything is known: as inference
        assert_close(y, np.moveaxis(x / np.sqrt(1.001), axis, -1), "float64")
        layer.renorm_stddev[...] = np.sqrt(1.001)
    assert_close(np.moveaxis(layer(x, training=True), axis, -1), y, "float64")
    assert_close(layer.moving_mean, 0.01 * x.mean(axis=tuple({0, 1, 2, 3} - {axis})), "float64")
    if not layer.renorm:
        assert check_layer(layer, x.shape, training=True).passed


@pytest.mark.parametrize(
    "clipping", [{"rmix": 1}, {"rmin": 2, "rmax": 1}, {"dmax": -1}, {"rmax": float("nan")}, [1]]
)
def test_bad_bounds(clipping):
    with pytest.raises(ArgumentError, match=r"^BatchNormalization\(renorm_clipping\): expected"):
        layers.BatchNormalization(renorm=True, renorm_clipping=clipping)
