"""LeakyReLU and ELU: ops and layers, beside the formulas element by element."""

import json
import math

import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout, unchanged
from layer_checks import check_everything

import npcnn
from npcnn import layers, reference
from npcnn.backend import ops


@pytest.mark.parametrize("alpha", [1.0, 0.3, 0.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_elu_and_its_gradient(rng, backend, layout, dtype, alpha):
    x, grad = (rng.uniform(-6, 6, (3, 4, 5, 2)).astype(dtype) for _ in range(2))
    with unchanged(x, grad):
        y = ops.elu(in_layout(x, layout), alpha)
        grad_x = ops.elu_backward(grad, in_layout(x, layout), alpha)
    want, slope = np.empty(x.shape), np.empty(x.shape)
    for i, v in np.ndenumerate(x.astype("float64")):
        want[i] = v if v > 0 else alpha * (math.exp(v) - 1)
        slope[i] = 1 if v > 0 else alpha * math.exp(v)
    assert_close(y, want, dtype)
    assert_close(grad_x, grad * slope, dtype)


def test_elu_far_out_at_zero_and_nan(backend):
    x = np.array([-1e30, -1e-30, 0.0, 1e30, np.nan], "float32")
    np.testing.assert_array_equal(
        ops.elu(x, 1.0), np.array([-1, -1e-30, 0, 1e30, np.nan], "float32")
    )
    np.testing.assert_array_equal(
        ops.elu_backward(np.ones(5, "float32"), x, 1.0), [0, 1, 1, 1, np.nan]
    )


def test_the_reference_differentiates_itself():
    """With an imaginary part of 1e-100, out comes the derivative times that."""
    x = np.linspace(-5, 5, 42)
    along = reference.elu(x + 1e-100j, 0.7).imag / 1e-100
    np.testing.assert_allclose(reference.elu_backward(np.ones(42), x, 0.7), along, rtol=1e-13)


def test_leaky_relu(rng, backend):
    x = rng.uniform(-2, 2, (5, 7)).astype("float32")
    want = [[v if v > 0 else 0.3 * v for v in row] for row in x.tolist()]
    assert_close(layers.LeakyReLU()(x), np.array(want), "float32")


def test_the_layers(backend):
    check_everything(layers.LeakyReLU, (4, 6, 5, 2), (4, 6, 5, 2), (), "leaky_re_lu")
    check_everything(layers.ELU, (4, 6, 5, 2), (4, 6, 5, 2), (), "elu")


def test_kinks():
    x = np.array([0.0, 1.0, 0.0])
    found = [layer.kinks(x) for layer in (layers.LeakyReLU(), layers.ELU(), layers.ELU(2.0))]
    assert found == [2, 0, 2]


def test_alpha_as_keras_2_writes_it():
    model = npcnn.Sequential([layers.Input((3,)), layers.LeakyReLU()])
    text = json.loads(model.to_json())
    config = text["config"]["layers"][1]["config"]
    config["alpha"] = 0.2
    del config["negative_slope"]
    again = npcnn.models.model_from_json(json.dumps(text))
    assert again.layers[-1].negative_slope == 0.2
    assert layers.LeakyReLU(alpha=0.1).get_config()["negative_slope"] == 0.1


@pytest.mark.parametrize("value", [-0.1, "x", float("nan"), None])
def test_a_wrong_slope_is_one_line(value):
    for make in (layers.LeakyReLU, layers.ELU):
        with pytest.raises(npcnn.checks.NpcnnError, match=rf"{make.__name__}\("):
            make(value)
