import numpy as np
import oracles
import pytest
from layer_checks import check_everything

from npcnn import layers
from npcnn.checks import ArgumentError

CASES = [
    ({"filters": 3, "kernel_size": 3}, (2, 5, 6, 2), (2, 3, 4, 3)),
    ({"filters": 3, "kernel_size": (3, 2), "padding": "same"}, (2, 5, 4, 2), (2, 5, 4, 3)),
    ({"filters": 2, "kernel_size": 3, "strides": (2, 1)}, (1, 5, 5, 1), (1, 2, 3, 2)),
    (
        {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same"},
        (1, 5, 5, 1),
        (1, 3, 3, 2),
    ),
    ({"filters": 2, "kernel_size": 3, "dilation_rate": (2, 1)}, (1, 6, 5, 2), (1, 2, 3, 2)),
    ({"filters": 2, "kernel_size": 1, "use_bias": False}, (2, 3, 3, 2), (2, 3, 3, 2)),
    ({"filters": 3, "kernel_size": 2, "activation": "relu"}, (2, 4, 4, 2), (2, 3, 3, 3)),
    ({"filters": 3, "kernel_size": 2, "activation": "softmax"}, (2, 3, 3, 2), (2, 2, 2, 3)),
    ({"filters": 3, "kernel_size": 2, "activation": "tanh"}, (2, 3, 3, 2), (2, 2, 2, 3)),
    ({"filters": 3, "kernel_size": 2, "activation": "sigmoid"}, (2, 3, 3, 2), (2, 2, 2, 3)),
]


@pytest.mark.parametrize(("arguments", "input_shape", "output_shape"), CASES)
def test_everything(backend, arguments, input_shape, output_shape):
    size = arguments["kernel_size"]
    size = size if isinstance(size, tuple) else (size, size)
    parameters = [(*size, input_shape[3], arguments["filters"]), (arguments["filters"],)]
    if not arguments.get("use_bias", True):
        parameters.pop()
    check_everything(
        lambda **more: layers.Conv2D(**arguments, **more),
        input_shape, output_shape, parameters, "conv2d",
    )  # fmt: skip


def test_computes_a_convolution(backend, rng):
    layer = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")
    x = rng.uniform(-1, 1, (2, 6, 5, 3)).astype("float32")
    y = layer(x)
    layer.bias[...] = [0.1, -0.2, 0.3, 0]
    y = layer(x)
    arguments = ((2, 2), "same", (1, 1), "relu")
    want = oracles.conv2d(x, layer.kernel, layer.bias, *arguments)
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-6)


def test_starts_as_keras_does():
    layer = layers.Conv2D(5, 3)
    layer.build((None, 28, 28, 1))
    limit = np.sqrt(6 / (9 * 1 + 9 * 5))
    assert np.abs(layer.kernel).max() <= limit
    assert np.abs(layer.kernel).max() > 0.8 * limit
    assert (layer.bias == 0).all()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, 3), r"Conv2D\(filters\): expected a positive integer, got 0; "),
        ((2.0, 3), r"Conv2D\(filters\): expected a positive integer, got 2\.0; "),
        ((2, (3, 3, 3)), r"Conv2D\(kernel_size\): .*got \(3, 3, 3\); give one number"),
        ((2, 3, -1), r"Conv2D\(strides\): expected a positive integer or a pair .*got -1; "),
        ((2, 3, 1, "full"), r"Conv2D\(padding\): expected one of valid, same, got 'full'; "),
        ((2, 3, 1, "same", "channels_first"), r"Conv2D\(data_format\): expected 'channels_last'"),
        (
            (2, 3, 2, "same", None, 2),
            r"Conv2D: expected strides or dilation_rate to be 1, got strides=",
        ),
        (
            (2, 3, 1, "same", None, 1, 3),
            r"Conv2D\(groups\): expected a divisor of filters=2, got 3",
        ),
    ],
)
def test_bad_arguments(arguments, text):
    with pytest.raises(ArgumentError, match=text):
        layers.Conv2D(*arguments)


def test_bad_inputs():
    with pytest.raises(ArgumentError, match=r"expected images as .*; reshape to four axes"):
        layers.Conv2D(2, 3).build((None, 28, 28))
    with pytest.raises(ArgumentError, match="expected channels in 2 groups, got 3; give another"):
        layers.Conv2D(2, 3, groups=2).build((None, 9, 9, 3))
    with pytest.raises(ArgumentError, match="expected images that hold one window, got 2×9 for"):
        layers.Conv2D(2, 3).build((None, 2, 9, 1))
