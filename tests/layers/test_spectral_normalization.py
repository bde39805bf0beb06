"""The layer that divides another's kernel by its spectral norm; beside Keras in newer_layers.py."""

import copy
import pickle

import numpy as np
import pytest

import npcnn
from npcnn import layers
from npcnn.backend import ops
from npcnn.checks import ArgumentError
from npcnn.gradient_check import check_layer

INNER = {
    "Dense": (lambda: layers.Dense(3, activation="tanh"), (4, 5)),
    "Conv2D": (lambda: layers.Conv2D(2, (2, 3), strides=2), (3, 5, 6, 2)),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(2, 2, use_bias=False), (2, 3, 3, 2)),
}


def test_the_op_divides_by_the_largest_singular_value(rng, backend):
    kernel, u = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(1, 5))
    once, start = kernel.copy(), u.copy()
    ops.spectral_normalize(once, start, 1)
    rows = kernel.reshape(-1, 5)
    v = rows @ u[0] / np.linalg.norm(rows @ u[0])
    next_u = v @ rows / np.linalg.norm(v @ rows)
    np.testing.assert_allclose(start[0], next_u)
    np.testing.assert_allclose(once, kernel / (v @ rows @ next_u))
    ops.spectral_normalize(kernel, u, 500)
    np.testing.assert_allclose(np.linalg.svd(kernel.reshape(-1, 5))[1][0], 1)
    ops.spectral_normalize(nothing := np.zeros((2, 5)), u, 1)
    assert not nothing.any()


@pytest.mark.parametrize("name", INNER)
def test_it_is_the_layer_and_its_kernel_changes_in_training_only(backend, name):
    make, shape = INNER[name]
    layer, plain = layers.SpectralNormalization(make(), 60), make()
    x = np.random.default_rng(0).normal(size=shape)
    layer.build((None, *shape[1:]), "float64")
    plain.build((None, *shape[1:]), "float64")
    bias = [np.full(3 if name == "Dense" else 2, 0.1)] if plain.use_bias else []
    layer.set_weights([plain.kernel, layer.vector_u, *bias])
    plain.set_weights([plain.kernel, *bias])
    np.testing.assert_array_equal(layer.forward(x), plain.forward(x))
    y = layer.forward(x, training=True)
    norm = np.linalg.svd(plain.kernel.reshape(-1, plain.kernel.shape[-1]))[1][0]
    plain.set_weights([plain.kernel / norm, *bias])
    np.testing.assert_allclose(y, plain.forward(x), rtol=1e-4)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other.forward(x), layer.forward(x))
        other.forward(x * 1.5, training=True)
    assert np.shares_memory(layer.layer.kernel, layer.layer_kernel)
    for training in (False, True):
        assert check_layer(layers.SpectralNormalization(make()), shape, training=training).passed
    again = layers.SpectralNormalization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_it_learns():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 6)).astype("float32"), np.arange(30) % 3
    inner = layers.SpectralNormalization(layers.Dense(8, "relu"))
    model = npcnn.Sequential([layers.Input((6,)), inner, layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    start = inner.vector_u.copy()
    assert [w.shape for w in model.get_weights()[:3]] == [(6, 8), (1, 8), (8,)]  # as in Keras
    model.fit(x, y, epochs=3, verbose=0)
    assert (inner.vector_u != start).all()
    assert 0.5 < np.linalg.norm(inner.layer.kernel, 2) < 1.5
    assert str(model.program).startswith("not replayed")


@pytest.mark.parametrize("wrong", [layers.Flatten(), layers.Dense, "Dense", {"class_name": "x"}])
def test_what_has_no_kernel_is_one_line(wrong):
    text = r"^SpectralNormalization\(layer\): expected a layer of npcnn's with a kernel, got"
    with pytest.raises(ArgumentError, match=text):
        layers.SpectralNormalization(wrong)
