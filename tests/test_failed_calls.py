"""What a failed call must leave as it was: weights, layers, state, to the bit."""

import numpy as np
import pytest
from models import assert_same_weights, small_data, small_model

import npcnn
from npcnn import NpcnnError, Sequential, layers

X, Y = small_data(4)
NAN = np.where(np.arange(4 * 36).reshape(4, 6, 6, 1) == 100, np.nan, 0.5)

BAD_FITS = [
    {"x": NAN},
    {"y": [0, 1, 2, 3]},
    {"y": Y[:3]},
    {"epochs": 0},
    {"batch_size": 0},
    {"verbose": 9},
    {"callbacks": [print]},
    {"initial_epoch": 5},
    {"validation_data": (X, Y + 9)},
    {"validation_data": (X[:, :5], Y)},
    {"validation_freq": 0},
    {"validation_split": 2},
    {"class_weight": {9: 1}},
    {"sample_weight": [1]},
    {"validation_batch_size": -1, "validation_data": (X, Y)},
]


def state(model):
    """Return all that a failing call must not touch."""
    weights = model.get_weights()
    slots = [slot.copy() for slot in model.optimizer.slots.values()]
    return weights + slots, model.optimizer.iterations, list(model.layers), model.history


@pytest.mark.parametrize("arguments", BAD_FITS, ids=[str(list(a)) for a in BAD_FITS])
def test_a_failed_fit_changes_nothing(arguments):
    model = small_model(dropout=0.5)
    model.fit(X, Y, verbose=0)
    arrays, *rest = state(model)
    with pytest.raises(NpcnnError):
        model.fit(**{"x": X, "y": Y, "verbose": 0, **arguments})
    arrays_after, *rest_after = state(model)
    assert_same_weights(arrays_after, arrays)
    assert rest_after == rest


@pytest.mark.parametrize("arguments", BAD_FITS, ids=[str(list(a)) for a in BAD_FITS])
def test_a_failed_fit_builds_nothing(arguments):
    """A model without shapes must be free to be built for the right data afterwards."""
    model = Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    npcnn.set_random_seed(5)
    with pytest.raises(NpcnnError):
        model.fit(**{"x": X, "y": Y, "verbose": 0, **arguments})
    assert not any(layer.built for layer in model.layers)
    model.build((None, 6, 6, 1))
    npcnn.set_random_seed(5)
    fresh = Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3, "softmax")])
    fresh.build((None, 6, 6, 1))
    assert_same_weights(model.get_weights(), fresh.get_weights())


def test_a_failed_build_builds_nothing():
    model = Sequential([layers.Conv2D(2, 3), layers.MaxPooling2D(), layers.Conv2D(2, 3)])
    with pytest.raises(NpcnnError, match="Conv2D 'conv2d_1': expected images that hold one window"):
        model.build((None, 6, 6, 1))
    assert not any(layer.built for layer in model.layers)
    model.build((None, 9, 9, 1))
    assert model.output_shape == (None, 1, 1, 2)


def test_a_failed_set_weights_writes_nothing():
    model = small_model()
    before = model.get_weights()
    new = [np.ones_like(w) for w in before]
    for bad in (np.zeros(4), "abc", None, [["a"]]):
        with pytest.raises(NpcnnError):
            model.set_weights([*new[:-1], bad])
        assert_same_weights(model.get_weights(), before)
    with pytest.raises(NpcnnError):
        model.layers[0].set_weights([new[0], np.zeros(7)])
    assert_same_weights(model.get_weights(), before)


@pytest.mark.parametrize(
    "bad",
    [
        lambda model: layers.Conv2D(2, 3),
        lambda model: model.layers[0],
        lambda model: [model.add(layers.Dense(3, name="mine")), layers.Dense(3, name="mine")][1],
        lambda model: layers.Dense(2, dtype="float64"),
        lambda model: layers.Input((3,)),
        lambda model: "Dense",
    ],
)
def test_a_failed_add_adds_nothing(bad):
    model = small_model()
    layer = bad(model)
    before, count = model.get_weights(), len(model.layers)
    name = getattr(layer, "name", None)
    with pytest.raises(NpcnnError):
        model.add(layer)
    assert len(model.layers) == count
    assert getattr(layer, "name", None) == name
    assert_same_weights(model.get_weights(), before)
    model.fit(X, Y, verbose=0)


def test_a_layer_refused_by_one_model_fits_another():
    layer = layers.Conv2D(2, 3)
    with pytest.raises(NpcnnError):
        small_model().add(layer)
    model = Sequential([layers.Input((6, 6, 1)), layer])
    assert model.output_shape == (None, 4, 4, 2)


def test_a_failed_compile_changes_nothing():
    model = small_model()
    before = model.optimizer, model.loss, model.measures
    for bad in (("adamm", "categorical_crossentropy"), ("adam", "maee")):
        with pytest.raises(NpcnnError):
            model.compile(*bad)
    with pytest.raises(NpcnnError):
        model.compile("sgd", "categorical_crossentropy", ["nonsense"])
    assert (model.optimizer, model.loss, model.measures) == before
