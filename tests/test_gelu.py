"""GELU: op, gradient and activation, beside `math.erf` and the values PyTorch gives."""

import math

import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout, unchanged

import npcnn
from npcnn import activations, layers, reference
from npcnn.backend import ops
from npcnn.gradient_check import check_layer

# torch.nn.functional.gelu(torch.tensor(…, dtype=torch.float64))
PUBLISHED = {-3.0: -0.00404969409489031, -1.0: -0.15865525393145702, 0.0: 0.0,
             0.5: 0.34573123063700656, 2.0: 1.9544997361036416}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_op_and_its_gradient(rng, backend, layout, dtype):
    x, grad = (rng.uniform(-6, 6, (3, 4, 5, 2)).astype(dtype) for _ in range(2))
    with unchanged(x):
        y = ops.gelu(in_layout(x, layout))
        grad_x = ops.gelu_backward(grad, in_layout(x, layout))
    want, slope = np.empty(x.shape), np.empty(x.shape)
    for i, v in np.ndenumerate(x.astype("float64")):
        share = 0.5 * math.erfc(-v / math.sqrt(2))
        want[i] = v * share
        slope[i] = share + v * math.exp(-v * v / 2) / math.sqrt(2 * math.pi)
    assert_close(y, want, dtype)
    assert_close(grad_x, grad * slope, dtype)
    assert y.dtype == grad_x.dtype == dtype


def test_published_values(backend):
    x = np.array(list(PUBLISHED))
    np.testing.assert_allclose(
        activations.gelu(x), list(PUBLISHED.values()), rtol=1e-12, atol=1e-15
    )


def test_far_out_and_at_zero(backend):
    x = np.array([-1e30, -40.0, 0.0, 40.0, 1e30], "float32")
    np.testing.assert_array_equal(ops.gelu(x), [0, 0, 0, 40, np.float32(1e30)])
    np.testing.assert_array_equal(ops.gelu_backward(np.ones(5, "float32"), x), [0, 0, 0.5, 1, 1])


def test_the_reference_differentiates_itself():
    """With an imaginary part of 1e-100, out comes the derivative times that."""
    x = np.linspace(-5, 5, 41)
    along = reference.gelu(x + 1e-100j).imag / 1e-100
    np.testing.assert_allclose(
        reference.gelu_backward(np.ones(41), x), along, rtol=1e-13, atol=1e-17
    )


def test_as_a_layer_and_by_name(backend, tmp_path):
    assert check_layer(layers.Activation("gelu"), (2, 5)).passed
    assert check_layer(layers.Dense(4, "gelu"), (2, 5)).passed
    assert check_layer(layers.Conv2D(2, 2, activation="gelu"), (2, 5, 4, 3)).passed
    model = npcnn.Sequential([layers.Input((4,)), layers.Dense(3, activation="gelu")])
    model.save(tmp_path / "m.keras")
    again = npcnn.load_model(tmp_path / "m.keras")
    x = np.eye(4, dtype="float32")
    np.testing.assert_array_equal(model(x), again(x))
    assert again.layers[-1].activation == "gelu"
