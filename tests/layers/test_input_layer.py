import numpy as np
import pytest

from npcnn import Input, Sequential, layers
from npcnn.checks import ArgumentError
from npcnn.layers import InputLayer


def test_says_the_shape_of_a_model():
    model = Sequential([Input((4, 4, 2)), layers.Flatten()])
    assert model.input_shape == (None, 4, 4, 2)
    assert model.output_shape == (None, 32)
    assert len(model.layers) == 1


def test_a_number_is_a_shape_of_one_axis():
    assert Input(7).shape == (None, 7)


def test_config_of_both_keras_versions():
    layer = InputLayer((28, 28, 1), name="pixels")
    config = layer.get_config()
    assert config["batch_shape"] == (None, 28, 28, 1)
    assert InputLayer.from_config(config).get_config() == config
    old = {"name": "pixels", "batch_input_shape": [None, 28, 28, 1]}
    assert InputLayer.from_config(old).input_shape == (None, 28, 28, 1)
    with pytest.raises(ArgumentError, match="InputLayer: expected a batch_shape, got None"):
        InputLayer.from_config({"name": "pixels"})


def test_computes_nothing():
    x = np.ones((2, 3))
    layer = InputLayer((3,))
    assert layer.forward(x) is x
    assert layer.backward(x) is x


def test_only_first_and_once():
    model = Sequential([Input((3,))])
    for late in (model, Sequential([layers.Dense(2)])):
        with pytest.raises(ArgumentError, match="expected the input before all layers"):
            late.add(Input((3,)))


def test_a_shape_that_is_none():
    with pytest.raises(ArgumentError, match=r"Input\(shape\): expected positive integers"):
        Input((None, 3))
