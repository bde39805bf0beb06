"""elu, selu, leaky_relu and silu by name, beside their formulas and PyTorch's values."""

import math

import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout

import npcnn
from npcnn import activations, layers, reference
from npcnn.activations.elu import ALPHA, SCALE
from npcnn.backend import ops, using
from npcnn.gradient_check import check_layer

FORMULAS = {
    "elu": lambda v: v if v > 0 else math.exp(v) - 1,
    "selu": lambda v: SCALE * (v if v > 0 else ALPHA * (math.exp(v) - 1)),
    "leaky_relu": lambda v: v if v > 0 else 0.2 * v,
    "silu": lambda v: v / (1 + math.exp(-v)),
}
NAMES = list(FORMULAS)


@pytest.fixture(params=["numpy", "numba"])
def backend(request):
    with using(request.param):
        yield request.param


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(rng, backend, name, dtype):
    x = rng.uniform(-6, 6, (3, 4, 5, 2)).astype(dtype)
    want = np.empty(x.shape)
    for i, v in np.ndenumerate(x.astype("float64")):
        want[i] = FORMULAS[name](v)
    for layout in LAYOUTS:
        assert_close(activations.get(name)(in_layout(x, layout)), want, dtype)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_and_files(backend, name, tmp_path):
    assert check_layer(layers.Activation(name), (2, 5)).passed
    assert check_layer(layers.Dense(4, name), (2, 5)).passed
    assert check_layer(layers.Conv2D(2, 2, activation=name), (2, 5, 4, 3)).passed
    model = npcnn.Sequential([layers.Input((4,)), layers.Dense(3, activation=name)])
    model.save(tmp_path / "m.keras")
    again = npcnn.load_model(tmp_path / "m.keras")
    x = np.eye(4, dtype="float32")
    np.testing.assert_array_equal(model(x), again(x))
    assert again.layers[-1].activation == name


@pytest.mark.parametrize("name", NAMES)
def test_a_step_with_it_is_replayed(rng, name):
    x, y = rng.normal(size=(6, 5)).astype("float32"), rng.integers(0, 3, 6)
    with using("numba"):
        model = npcnn.Sequential([layers.Input((5,)), layers.Dense(4, name), layers.Dense(3)])
        model.add(layers.Softmax())
        model.compile("adam", "sparse_categorical_crossentropy")
        for _ in range(8):
            model.train_on_batch(x, y)
        assert model.program.last.played, str(model.program)


def test_silu_far_out(backend):
    x = np.array([-1e30, -200.0, 0.0, 200.0, 1e30], "float32")
    np.testing.assert_array_equal(ops.silu(x), [0, 0, 0, 200, np.float32(1e30)])
    np.testing.assert_array_equal(ops.silu_backward(np.ones(5, "float32"), x), [0, 0, 0.5, 1, 1])


def test_the_reference_differentiates_itself():
    """With an imaginary part of 1e-100, out comes the derivative times that."""
    x = np.linspace(-5, 5, 42)
    along = reference.silu(x + 1e-100j).imag / 1e-100
    np.testing.assert_allclose(reference.silu_backward(np.ones(42), x), along, rtol=1e-12)
