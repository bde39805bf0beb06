import numpy as np
import pytest
from models import assert_same_weights, document_model, small_data, small_model

import npcnn
from npcnn import Sequential, layers
from npcnn.checks import NpcnnWarning


def test_the_documents_network():
    model = document_model()
    shapes = [layer.output_shape[1:] for layer in model.layers]
    assert shapes == [
        (28, 28, 5), (28, 28, 5), (14, 14, 5), (14, 14, 10), (14, 14, 10), (7, 7, 10), (490,),
        (128,), (10,),
    ]  # fmt: skip
    counts = [layer.count_params() for layer in model.layers]
    assert counts == [50, 230, 0, 460, 910, 0, 0, 62848, 1290]
    assert model.count_params() == 65_788
    assert [w.shape for w in model.get_weights()][:2] == [(3, 3, 1, 5), (5,)]


def test_weights_come_in_keras_order():
    model = small_model()
    shapes = [(3, 3, 1, 3), (3,), (12, 8), (8,), (8, 3), (3,)]
    assert [w.shape for w in model.get_weights()] == shapes
    new = [np.full(shape, k, "float64") for k, shape in enumerate(shapes)]
    model.set_weights(new)
    assert_same_weights(model.get_weights(), [w.astype("float32") for w in new])
    model.fit(*small_data(), verbose=0)
    model.set_weights(new)
    assert_same_weights(model.get_weights(), [w.astype("float32") for w in new])


def test_get_weights_are_copies():
    model = small_model()
    model.fit(*small_data(), verbose=0)
    before = model.get_weights()
    for w in model.get_weights():
        w[...] = 99
    assert_same_weights(model.get_weights(), before)


def test_add_infers_shapes_and_names():
    model = Sequential(name="mine")
    model.add(layers.Dense(4, input_shape=(7,)))
    model.add(layers.Dense(3))
    model.add(layers.Dense(2, name="last"))
    assert model.built
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "last"]
    assert model.input_shape == (None, 7)
    assert model.output_shape == (None, 2)
    assert model.get_layer("last") is model.layers[2]
    assert model.get_layer(index=-1) is model.layers[2]


def test_pop():
    model = small_model(compiled=False)
    last = model.layers[-1]
    assert model.pop() is last
    assert model.output_shape == (None, 8)
    model.add(layers.Dense(2, activation="softmax"))
    assert model.layers[-1].name == "dense_2"
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(small_data()[0], small_data()[1] % 2, verbose=0)
    assert model.predict(small_data()[0], verbose=0).shape == (30, 2)


def test_layers_added_after_training_learn_too():
    model = small_model()
    x, y = small_data()
    model.fit(x, y, verbose=0)
    model.pop()
    model.add(layers.Dense(4, activation="relu"))
    model.add(layers.Dense(3, activation="softmax"))
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_built_from_the_first_data():
    npcnn.set_random_seed(3)
    known = Sequential([layers.Input((6, 6, 1)), layers.Conv2D(2, 3), layers.Flatten()])
    known.add(layers.Dense(3, "softmax"))
    npcnn.set_random_seed(3)
    unknown = Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3, "softmax")])
    assert not unknown.built
    x, y = small_data()
    np.testing.assert_array_equal(unknown.predict(x, verbose=0), known.predict(x, verbose=0))
    assert unknown.input_shape == (None, 6, 6, 1)
    for model in (known, unknown):
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(x, y, verbose=0)
    assert_same_weights(known.get_weights(), unknown.get_weights())


@pytest.mark.parametrize("first", ["fit", "evaluate", "predict", "train_on_batch", "call", "build"])
def test_whatever_comes_first_builds(first):
    model = Sequential([layers.Flatten(), layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = small_data()
    calls = {
        "fit": lambda: model.fit(x, y, verbose=0),
        "evaluate": lambda: model.evaluate(x, y, verbose=0),
        "predict": lambda: model.predict(x, verbose=0),
        "train_on_batch": lambda: model.train_on_batch(x, y),
        "call": lambda: model(x),
        "build": lambda: model.build((None, 6, 6, 1)),
    }
    calls[first]()
    assert model.count_params() == 111


def test_layers_shared_by_two_models():
    """A part of a network is trained in one model and used, and trained, in the other."""
    whole = small_model()
    part = Sequential(whole.layers[:4], name="part")
    x, y = small_data()
    whole.fit(x, y, verbose=0)
    inner = part.predict(x, verbose=0)
    assert inner.shape == (30, 8)
    before = part.get_weights()
    whole.fit(x, y, verbose=0)
    assert all((a != b).any() for a, b in zip(before, part.get_weights(), strict=True))
    assert_same_weights(part.get_weights(), whole.get_weights()[:4])
    other = Sequential([*whole.layers[:4], layers.Dense(3, "softmax", name="head")])
    other.compile("adam", "sparse_categorical_crossentropy")
    head = whole.get_weights()[4:]
    other.fit(x, y, verbose=0)
    assert_same_weights(other.get_weights()[:4], whole.get_weights()[:4])
    assert_same_weights(whole.get_weights()[4:], head)
    loss = other.evaluate(x, y, verbose=0)
    other.fit(x, y, epochs=10, verbose=0)
    assert other.evaluate(x, y, verbose=0) < loss


def test_frozen_layers_stay():
    model = small_model()
    model.layers[0].trainable = False
    model.layers[3].trainable = False
    before = model.get_weights()
    model.fit(*small_data(), verbose=0)
    after = model.get_weights()
    assert_same_weights(after[:4], before[:4])
    assert all((a != b).any() for a, b in zip(after[4:], before[4:], strict=True))
    model.layers[0].trainable = True
    model.fit(*small_data(), verbose=0)
    assert (model.get_weights()[0] != before[0]).any()
    assert_same_weights(model.get_weights()[2:4], before[2:4])


def test_a_frozen_model_stays():
    model = small_model()
    model.trainable = False
    assert not any(layer.trainable for layer in model.layers)
    before = model.get_weights()
    with pytest.warns(NpcnnWarning, match="expected trainable weights, got none"):
        model.fit(*small_data(), verbose=0)
    assert_same_weights(model.get_weights(), before)
    model.trainable = True
    model.fit(*small_data(), verbose=0)
    assert (model.get_weights()[0] != before[0]).any()
    frozen = Sequential([layers.Input((2,)), layers.Dense(2)], trainable=False)
    assert not frozen.layers[0].trainable


def test_get_config():
    config = small_model().get_config()
    assert config["name"] == "sequential"
    assert config["dtype"]["config"] == {"name": "float32"}
    assert [entry["class_name"] for entry in config["layers"]] == [
        "InputLayer", "Conv2D", "MaxPooling2D", "Flatten", "Dense", "Dropout", "Dense",
    ]  # fmt: skip
