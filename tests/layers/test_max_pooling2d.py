import numpy as np
import oracles
import pytest
from layer_checks import check_everything

from npcnn import layers
from npcnn.checks import ArgumentError

CASES = [
    ({}, (2, 4, 6, 2), (2, 2, 3, 2)),
    ({}, (2, 5, 5, 2), (2, 2, 2, 2)),
    ({"pool_size": 3, "strides": 1}, (1, 5, 5, 2), (1, 3, 3, 2)),
    ({"pool_size": (3, 2), "strides": (1, 2), "padding": "same"}, (1, 5, 5, 2), (1, 5, 3, 2)),
    ({"padding": "same"}, (1, 5, 3, 1), (1, 3, 2, 1)),
]


@pytest.mark.parametrize(("arguments", "input_shape", "output_shape"), CASES)
def test_everything(backend, arguments, input_shape, output_shape):
    check_everything(
        lambda **more: layers.MaxPooling2D(**arguments, **more),
        input_shape, output_shape, (), "max_pooling2d",
    )  # fmt: skip


def test_strides_are_the_window_unless_given():
    assert layers.MaxPooling2D((3, 2)).strides == (3, 2)
    assert layers.MaxPooling2D((3, 2), strides=1).strides == (1, 1)


def test_agrees_with_the_oracle(backend, rng):
    x = rng.integers(0, 5, (2, 5, 5, 3)).astype("float32")
    y = layers.MaxPooling2D(3, 2, "same")(x)
    np.testing.assert_array_equal(y, oracles.max_pooling2d(x, (3, 3), (2, 2), "same")[0])


def test_no_gradient_where_none_is_needed():
    layer = layers.MaxPooling2D()
    y = layer(np.ones((1, 4, 4, 1)))
    assert layer.backward(y, need_grad_x=False) is None


def test_errors():
    with pytest.raises(ArgumentError, match=r"MaxPooling2D\(pool_size\): .* got 0; "):
        layers.MaxPooling2D(0)
    with pytest.raises(ArgumentError, match=r"MaxPooling2D\(strides\): .* got -2; "):
        layers.MaxPooling2D(2, -2)
    with pytest.raises(ArgumentError, match="images that hold one window, got 1×9 for pool_size"):
        layers.MaxPooling2D().build((None, 1, 9, 1))
