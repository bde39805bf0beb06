"""Layers that say themselves what a file keeps of them, and files that lack something."""

import numpy as np
import pytest

import npcnn
from npcnn import Sequential, layers


class Table(layers.Layer):
    """Has a weight, and numbers that are none."""

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1],), "ones", name="w")
        self.extra = np.zeros(3)

    def call(self, x):
        return x * self.w

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["extra"] = self.extra

    def load_own_variables(self, store):
        self.w.assign(store["0"])
        self.extra = np.array(store["extra"])


def table():
    model = Sequential([layers.Input((4,)), Table(name="table"), layers.Dense(2)])
    model.layers[0].w.assign([1.0, 2.0, 3.0, 4.0])
    model.layers[0].extra = np.arange(3.0)
    return model


def test_what_a_layer_keeps_comes_back(tmp_path):
    """From a whole model's file, and from one of weights."""
    model = table()
    model.save(tmp_path / "m.keras")
    back = npcnn.load_model(tmp_path / "m.keras", custom_objects={"Table": Table})
    for before, after in zip(model.get_weights(), back.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert back.layers[0].extra.tolist() == [0, 1, 2]
    model.save_weights(tmp_path / "m.weights.h5")
    model.layers[0].extra = np.zeros(3)
    model.layers[0].w.assign(np.zeros(4))
    model.load_weights(tmp_path / "m.weights.h5")
    assert (model.layers[0].extra.tolist(), model.layers[0].w.tolist()) == ([0, 1, 2], [1, 2, 3, 4])


def test_those_of_all_layers_put_weights_in_order():
    """By number, as Keras; another count is refused before anything is written."""
    layer, store = layers.Dense(2), {}
    layer.build((None, 3))
    layer.save_own_variables(store)
    assert [(name, value.shape) for name, value in store.items()] == [("0", (3, 2)), ("1", (2,))]
    layer.load_own_variables({"0": np.ones((3, 2)), "1": [5.0, 6.0]})
    assert layer.bias.tolist() == [5, 6]
    with pytest.raises(ValueError, match=r"load_own_variables\(\): expected a list of 2 arrays"):
        layer.load_own_variables({"0": np.ones((3, 2))})


def test_what_is_missing_is_said_by_keras_kinds_of_error(tmp_path):
    """No file: FileNotFoundError, and ValueError for a model; no class: TypeError."""
    model = table()
    for kind in (FileNotFoundError, ValueError, OSError):
        with pytest.raises(kind, match=r"no\.weights\.h5: expected a file that can be read"):
            model.load_weights(tmp_path / "no.weights.h5")
    model.save(tmp_path / "m.keras")
    with pytest.raises(TypeError, match="a class npcnn lacks"):
        npcnn.load_model(tmp_path / "m.keras")


def test_a_loss_by_name_is_that_name_again(tmp_path):
    """`model.loss` after loading is what `compile` was given."""
    model = Sequential([layers.Input((4,)), layers.Dense(2)])
    model.compile("sgd", "mae")
    model.save(tmp_path / "m.keras")
    assert npcnn.load_model(tmp_path / "m.keras").loss == "mae"
