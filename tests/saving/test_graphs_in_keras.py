"""Random functional models in the real Keras and here: layers' order, numbers, steps, files."""

import json
import random

import numpy as np
import pytest

import npcnn
from npcnn import Model, Sequential, layers

IMAGE = (6, 6, 2)
MERGE = ["Add", "Average", "Maximum", "Minimum", "Subtract"]
KINDS = ["convolve", "merge", "join", "share", "nest", "normalise"]


def inner_model(channels, draw, k):
    """Return a model with names of its own: on torch Keras takes equal ones for one variable's."""
    x = layers.Input((6, 6, channels), name=f"in_{k}")
    conv = layers.Conv2D(2, 3, padding="same", activation="tanh", name=f"conv_{k}")
    if draw.random() < 0.5:
        return Sequential([x, conv, layers.BatchNormalization(name=f"norm_{k}")])
    y = layers.Add(name=f"add_{k}")([conv(x), layers.Conv2D(2, 1, name=f"point_{k}")(x)])
    return Model(x, y)


def random_model(seed):
    """Return a model of 3 to 12 calls: convolutions, merges, shared layers, models within it."""
    draw = random.Random(seed)
    x = layers.Input(IMAGE)
    pool, shared = [x], []
    for _ in range(draw.randint(3, 12)):
        one, kind = draw.choice(pool), draw.choice(KINDS)
        channels = one.shape[-1]
        if kind == "convolve":
            shared.append((channels, layers.Conv2D(draw.choice([2, 3]), 3, padding="same")))
            pool.append(shared[-1][1](one))
        elif kind == "merge":
            alike = [other for other in pool if other.shape == one.shape]
            name = draw.choice(MERGE)
            count = 2 if name == "Subtract" else draw.randint(2, 3)
            pool.append(getattr(layers, name)()([draw.choice(alike) for _ in range(count)]))
        elif kind == "join":
            pool.append(layers.Concatenate()([one, draw.choice(pool)]))
        elif kind == "nest":
            shared.append((channels, inner_model(channels, draw, len(pool))))
            pool.append(shared[-1][1](one))
        elif kind == "normalise":
            pool.append(layers.BatchNormalization()(one))
        else:
            pool += [layer(one) for wanted, layer in shared[-1:] if wanted == channels]
    ends = [layers.GlobalAveragePooling2D()(one) for one in pool[-3:]]
    y = layers.concatenate(ends) if len(ends) > 1 else ends[0]
    return Model(x, layers.Dense(3, activation="softmax")(y))


@pytest.fixture(scope="module")
def keras(start_keras):
    """One whose sums are as exact as JAX makes them: normalising in a row enlarges errors."""
    return start_keras(JAX_DISABLE_MOST_OPTIMIZATIONS="0")


@pytest.mark.parametrize("seed", range(12))
def test_random_graphs(keras, tmp_path, seed):
    npcnn.set_random_seed(seed)
    model = random_model(seed)
    model.compile(npcnn.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(8, *IMAGE)).astype("float32"), rng.integers(0, 3, 8)
    suffix = (".keras", ".h5")[seed % 2]
    path, back = tmp_path / f"model{suffix}", tmp_path / f"theirs{suffix}"
    model.save(path)
    theirs = keras(x, y, load=path, train=3, save=[back])
    # Keras orders the layers anew when it reads them
    assert [one["name"] for one in theirs["config"]["layers"]] == [one.name for one in model.layers]
    np.testing.assert_allclose(model(x), theirs["arrays"]["y"], atol=1e-5)
    for loss in theirs["losses"]:
        np.testing.assert_allclose(model.train_on_batch(x, y), loss, rtol=1e-4)
    for one, other in zip(model.get_weights(), theirs["weights"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    again = npcnn.load_model(back)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    for one, other in zip(again.get_weights(), theirs["weights"], strict=True):
        np.testing.assert_array_equal(one, other)
    from_text = npcnn.models.model_from_json(theirs["json"])
    assert [w.shape for w in from_text.get_weights()] == [w.shape for w in model.get_weights()]


@pytest.mark.parametrize(("suffix", "kind"), [(".keras", Model), (".h5", Model), (".h5", None)])
def test_a_model_within_may_be_the_end(keras, tmp_path, suffix, kind):
    """Where a model's ends are listed, Keras counts a functional model's calls from 1."""
    x, z, dense = layers.Input((3,)), layers.Input((3,)), layers.Dense(3, name="own")
    block = Model(z, dense(z), name="block") if kind else Sequential([z, dense], name="block")
    model = Model(x, block(layers.subtract([block(x), x])))
    path, back = tmp_path / f"model{suffix}", tmp_path / f"theirs{suffix}"
    model.save(path)
    data = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    theirs = keras(data, load=path, save=[back])
    np.testing.assert_allclose(model(data), theirs["arrays"]["y"], atol=1e-5)
    assert json.loads(theirs["json"])["config"]["output_layers"] == ["block", 1 + bool(kind), 0]
    np.testing.assert_array_equal(npcnn.load_model(back)(data), model(data))


def test_a_layer_of_two_models(keras, tmp_path):
    """In .h5 Keras makes two of it; the weights are those of the one."""
    shared, x, z = layers.Dense(3, name="shared"), layers.Input((3,)), layers.Input((3,))
    block = Model(x, shared(layers.Dense(3, name="own")(x)), name="block")
    model = Model(z, layers.add([block(z), shared(z)]))
    model.save(tmp_path / "model.h5")
    data = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    theirs = keras(data, load=tmp_path / "model.h5", save=[tmp_path / "theirs.h5"])
    np.testing.assert_allclose(model(data), theirs["arrays"]["y"], atol=1e-5)
    again = npcnn.load_model(tmp_path / "theirs.h5")
    np.testing.assert_allclose(again(data), theirs["arrays"]["y"], atol=1e-5)
