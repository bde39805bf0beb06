"""Layers and models that another layer is given as arguments, in files."""

import h5py
import numpy as np
import pytest

import npcnn
from npcnn import layers, saving
from npcnn.checks import FormatError


class Block(layers.Layer):
    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x):
        inner = self.inner
        while not callable(inner):
            inner = inner[-1]
        return inner(x) * 2.0


class Kept(Block):
    def get_config(self):
        return {**super().get_config(), "inner": saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "inner": saving.deserialize_keras_object(config["inner"])})


class Whole(npcnn.Model):
    def __init__(self, inner):
        super().__init__()
        self.inner, self.gain = inner, npcnn.Variable(2.0)

    def call(self, x):
        return self.inner(x) * self.gain


def dense():
    return layers.Dense(2, name="inside")


def graph():
    x = layers.Input((3,))
    return npcnn.Model(x, layers.Dense(2)(layers.Dense(4)(x)), name="inside")


def row():
    return npcnn.Sequential([layers.Input((3,)), layers.Dense(2)], name="inside")


def model_of(layer):
    return npcnn.Sequential([layers.Input((3,)), layer])


HELD = {
    "a layer": (dense, "the layer Dense 'inside'"),
    "a list": (lambda: [dense()], "the layer Dense 'inside'"),
    "lists in lists": (lambda: [[dense()]], "the layer Dense 'inside'"),
    "a graph": (graph, "the layer Model 'inside'"),
    "a row": (row, "the layer Sequential 'inside'"),
}


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("held", HELD)
def test_one_without_a_get_config_is_told_what_to_write(held, ending, tmp_path):
    make, got = HELD[held]
    with pytest.raises(FormatError) as caught:
        model_of(Block(make(), name="mine")).save(tmp_path / f"m.{ending}")
    said = str(caught.value)
    assert said.startswith("Block 'mine'.inner: expected numbers, texts, lists and dicts, which ")
    assert f"got {got}; let get_config() return saving.serialize_keras_object() of it" in said


def test_of_a_model_s_class_it_is_the_same_line(tmp_path):
    model = Whole(dense())
    model(np.ones((1, 3)))
    with pytest.raises(FormatError, match=r"'whole'\.inner: .* got the layer Dense 'inside'"):
        model.save(tmp_path / "m.keras")


@pytest.mark.parametrize("make", [dense, graph, row])
def test_what_the_line_says_works(make, tmp_path):
    model = model_of(Kept(make()))
    model.save(tmp_path / "m.keras")
    again = npcnn.load_model(tmp_path / "m.keras", custom_objects={"Kept": Kept})
    x = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_array_equal(again(x), model(x))


def test_other_things_are_named_with_their_argument():
    with pytest.raises(FormatError, match=r"'mine'\.inner: .* got a set; let get_config\(\) "):
        model_of(Block([{1}, layers.ReLU()], name="mine")).get_config()


@pytest.mark.parametrize("name", ["body", "branches", "parts", "moments", "nodes", "begin"])
def test_a_file_has_what_an_attribute_holds_under_its_name_whatever_that_is(name, tmp_path):
    class Named(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            setattr(self, name, npcnn.Sequential([layers.Dense(3)]))
            self.last = layers.Dense(3)

        def build(self, input_shape):
            self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")

        def call(self, x):
            return self.last(getattr(self, name)(x)) * self.scale

    model, other = model_of(Named()), model_of(Named())
    path, places = tmp_path / "m.weights.h5", []
    model.save_weights(path)
    with h5py.File(path) as file:
        file.visititems(lambda place, at: places.append(place) if hasattr(at, "dtype") else None)
    within = [f"{name}/layers/dense/vars/0", f"{name}/layers/dense/vars/1"]
    wanted = ["vars/0", "last/vars/0", "last/vars/1", *within]  # as Keras 3 has them
    assert sorted(places) == sorted(f"layers/named/{place}" for place in wanted)
    other.load_weights(path)
    x = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_array_equal(other(x), model(x))
