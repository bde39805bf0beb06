import numpy as np
import oracles
import pytest
from layer_checks import check_everything

from npcnn import layers
from npcnn.checks import ArgumentError

CASES = [
    ({"units": 3}, (4, 5), (4, 3)),
    ({"units": 1}, (1, 1), (1, 1)),
    ({"units": 3, "use_bias": False}, (4, 5), (4, 3)),
    ({"units": 4, "activation": "relu"}, (4, 5), (4, 4)),
    ({"units": 4, "activation": "softmax"}, (4, 5), (4, 4)),
    ({"units": 4, "activation": "tanh", "kernel_initializer": "he_normal"}, (4, 5), (4, 4)),
    ({"units": 4, "activation": "sigmoid", "bias_initializer": "ones"}, (4, 5), (4, 4)),
    ({"units": 2, "activation": "relu"}, (2, 3, 4), (2, 3, 2)),
    ({"units": 2, "activation": "softmax"}, (2, 3, 2, 3), (2, 3, 2, 2)),
]


@pytest.mark.parametrize(("arguments", "input_shape", "output_shape"), CASES)
def test_everything(backend, arguments, input_shape, output_shape):
    parameters = [(input_shape[-1], arguments["units"]), (arguments["units"],)]
    if not arguments.get("use_bias", True):
        parameters.pop()
    check_everything(
        lambda **more: layers.Dense(**arguments, **more),
        input_shape, output_shape, parameters, "dense", trains=input_shape[-1] > 1,
    )  # fmt: skip


def test_computes_a_product(backend, rng):
    layer = layers.Dense(4, activation="relu", bias_initializer="ones")
    x = rng.uniform(-1, 1, (3, 5)).astype("float32")
    y = layer(x)
    want = oracles.dense(x, layer.kernel, layer.bias, "relu")
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-6)


def test_more_axes_are_rows(rng):
    layer = layers.Dense(2)
    x = rng.uniform(-1, 1, (2, 3, 4)).astype("float32")
    y = layer(x)
    for n in range(2):
        np.testing.assert_allclose(y[n], x[n] @ layer.kernel, rtol=1e-6)


@pytest.mark.parametrize("units", [0, -3, 2.5, "3", None, True])
def test_bad_units(units):
    with pytest.raises(ArgumentError, match=r"Dense\(units\): expected a positive integer, got"):
        layers.Dense(units)


def test_bad_input():
    with pytest.raises(ArgumentError, match="Dense: expected at least two axes"):
        layers.Dense(3).build((None,))
