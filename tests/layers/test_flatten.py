import numpy as np
import pytest
from layer_checks import check_everything

import npcnn
from npcnn import Sequential, layers
from npcnn.checks import ArgumentError


@pytest.mark.parametrize(
    ("input_shape", "output_shape"),
    [((2, 3, 4, 5), (2, 60)), ((3, 4), (3, 4)), ((2, 2, 3), (2, 6)), ((1, 1, 1, 1), (1, 1))],
)
def test_everything(backend, input_shape, output_shape):
    trains = input_shape != (1, 1, 1, 1)
    check_everything(layers.Flatten, input_shape, output_shape, (), "flatten", trains)


def test_a_vector_in_c_order():
    x = np.arange(12).reshape(1, 2, 3, 2)
    np.testing.assert_array_equal(layers.Flatten()(x), [np.arange(12)])


def test_single_numbers_become_vectors():
    layer = layers.Flatten()
    layer.build((None,))
    assert layer.output_shape == (None, 1)


@pytest.mark.parametrize("count", [0, 1, 10])
def test_single_numbers_there_and_back(backend, count):
    layer = layers.Flatten()
    x = np.arange(count, dtype="float32")
    y = layer(x)
    np.testing.assert_array_equal(y, x.reshape(count, 1))
    np.testing.assert_array_equal(layer.backward(2 * y), 2 * x)


def test_channels_first_is_refused():
    with pytest.raises(ArgumentError, match=r"Flatten\(data_format\): expected 'channels_last'"):
        layers.Flatten("channels_first")


def test_a_model_of_single_numbers(backend, tmp_path):
    """As Keras: trained, saved, loaded; the shape said first or learnt from the data."""
    x, y = np.linspace(-1, 1, 8), np.arange(8) // 4
    for first in ([layers.Input(())], []):
        model = Sequential([*first, layers.Flatten(), layers.Dense(2, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, 3, 2, 0)
        assert model.predict(x, verbose=0).shape == (8, 2)
        for name in ("m.keras", "m.h5"):
            model.save(tmp_path / name)
            back = npcnn.load_model(tmp_path / name)
            assert back.input_shape == (None,)
            np.testing.assert_array_equal(back(x), model(x))
