"""Files and JSON between npcnn and the real Keras, both ways."""

import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npcnn
from npcnn import layers, losses, optimizers

EXAMPLES = int(os.environ.get("NPCNN_KERAS_EXAMPLES", "12"))

# What Keras 3 logs for every compiled .h5 with metrics, its own as well.
KERAS_OWN = "Compiled the loaded model, but the compiled metrics have yet to be built."


def document_network():
    model = npcnn.Sequential(name="document")
    model.add(layers.Conv2D(5, (3, 3), activation="relu", input_shape=(28, 28, 1), padding="same"))
    model.add(layers.Conv2D(5, (3, 3), activation="relu", padding="same"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Conv2D(10, (3, 3), activation="relu", padding="same"))
    model.add(layers.Conv2D(10, (3, 3), activation="relu", padding="same"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.0))
    model.add(layers.Dense(10, activation="softmax"))
    return model


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
activations = st.sampled_from(["linear", "relu", "tanh", "sigmoid"])
starts = st.sampled_from(["glorot_uniform", "he_normal", "lecun_uniform", "random_normal"])


@st.composite
def convolutions(draw):
    strides = draw(pairs)
    return layers.Conv2D(
        draw(st.integers(1, 4)), draw(pairs), strides=strides, padding="same",
        dilation_rate=draw(pairs) if max(strides) == 1 else 1, activation=draw(activations),
        use_bias=draw(st.booleans()), kernel_initializer=draw(starts),
        trainable=draw(st.sampled_from([True, True, False])),
    )  # fmt: skip


poolings = st.builds(layers.MaxPooling2D, pairs, strides=st.none() | pairs, padding=st.just("same"))
relus = st.builds(
    layers.ReLU, max_value=st.none() | st.sampled_from([1.0, 6.0]),
    negative_slope=st.sampled_from([0.0, 0.1]), threshold=st.sampled_from([0.0, 0.05]),
)  # fmt: skip
plain = st.one_of(
    relus,
    st.builds(layers.Activation, activations),
    st.builds(layers.Dropout, st.sampled_from([0.0, 0.0])),
)
denses = st.builds(layers.Dense, st.integers(1, 8), activation=activations, use_bias=st.booleans())


NAMES = ["sequential", "net_1"]


@st.composite
def models(draw, names=NAMES):
    """A network of one to nine layers with a softmax at its end, uncompiled."""
    shape = (draw(st.integers(4, 9)), draw(st.integers(4, 9)), draw(st.integers(1, 3)))
    stack = [layers.Input(shape)]
    stack += draw(st.lists(st.one_of(convolutions(), convolutions(), poolings, plain), max_size=4))
    stack += [layers.Flatten()]
    stack += draw(st.lists(st.one_of(denses, plain), max_size=2))
    classes = draw(st.integers(2, 4))
    end = [layers.Dense(classes, activation="softmax", name=draw(st.sampled_from([None, "m"])))]
    if draw(st.booleans()):
        end = [layers.Dense(classes), layers.Softmax()]
    return npcnn.Sequential(stack + end, name=draw(st.sampled_from(names)))


def accuracy_named(name):
    metric = npcnn.metrics.get("accuracy")
    metric.name = name
    return metric


@st.composite
def compilations(draw):
    optimizer = draw(
        st.sampled_from(
            [
                optimizers.Adam(0.002, beta_1=0.8, epsilon=1e-6),
                optimizers.SGD(0.05),
                optimizers.SGD(0.02, momentum=0.9),
                optimizers.SGD(0.02, momentum=0.5, nesterov=True),
            ]
        )
    )
    loss = draw(
        st.sampled_from(
            [
                losses.CategoricalCrossentropy(),
                losses.CategoricalCrossentropy(label_smoothing=0.1),
                losses.SparseCategoricalCrossentropy(),
            ]
        )
    )
    metrics = draw(st.sampled_from([[], ["accuracy"], [accuracy_named("hits")]]))
    config = optimizer.get_config()
    return type(optimizer)(**config), loss, metrics


def data_for(model, n=8):
    r = np.random.default_rng(3)
    x = r.normal(size=(n, *model.input_shape[1:])).astype("float32")
    labels = r.integers(0, model.output_shape[-1], n)
    sparse = isinstance(getattr(model, "loss", None), losses.SparseCategoricalCrossentropy)
    return x, labels if sparse else npcnn.utils.to_categorical(labels, model.output_shape[-1])


def slots_of(model):
    """The optimizer's state in Keras's order."""
    from npcnn.saving.variables import optimizer_variables

    return [value for _, value in optimizer_variables(model)][2:]


def architecture(model):
    return json.loads(model.to_json())["config"]


def assert_equal(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def unexpected(reply):
    return [text for text in reply["warnings"] if not text.startswith(KERAS_OWN)]


def there_and_back(keras, model, extension):
    """npcnn → Keras → npcnn → Keras, training on the way; everything is kept exactly."""
    x, t = data_for(model)
    for _ in range(3):
        model.train_on_batch(x, t)
    first, second, third = (keras.path(extension) for _ in range(3))
    model.save(first)

    reply = keras(x, t, load=first, save=[str(second)])
    assert unexpected(reply) == []
    np.testing.assert_allclose(reply["arrays"]["y"], model(x), atol=1e-6, rtol=1e-6)
    assert_equal(reply["weights"], model.get_weights())
    assert_equal(reply["slots"], slots_of(model))
    assert reply["steps"] == 3

    back = npcnn.load_model(second)
    assert architecture(back) == architecture(model)
    assert back.optimizer.get_config() == model.optimizer.get_config()
    assert back.optimizer.iterations == 3
    assert back.objective.losses[0].get_config() == model.objective.losses[0].get_config()
    assert back.metric_names == model.metric_names
    assert_equal(back.get_weights(), model.get_weights())
    assert_equal(slots_of(back), slots_of(model))

    theirs = keras(x, t, load=first, train=10, save=[str(third)])["losses"]
    ours = [back.train_on_batch(x, t, return_dict=True)["loss"] for _ in range(10)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)

    kept = npcnn.load_model(third)  # Keras → npcnn → Keras
    kept.save(first)
    again = keras(x, t, load=first)
    assert_equal(again["weights"], kept.get_weights())
    assert_equal(again["slots"], slots_of(kept))
    assert again["steps"] == kept.optimizer.iterations == 13


@pytest.mark.parametrize("extension", [".keras", ".h5"])
def test_the_documents_network_there_and_back(keras, extension):
    model = document_network()
    model.compile("adam", "categorical_crossentropy", ["accuracy"])
    there_and_back(keras, model, extension)


@pytest.mark.parametrize("extension", [".keras", ".h5"])
@settings(max_examples=EXAMPLES)
@given(model=models(), compilation=compilations())
def test_drawn_networks_there_and_back(keras, extension, model, compilation):
    model.compile(*compilation)
    there_and_back(keras, model, extension)


@settings(max_examples=EXAMPLES)
@given(model=models([*NAMES, "my net"]))
def test_predictions_and_json_of_uncompiled_networks(keras, model):
    x, _ = data_for(model)
    path = keras.path(".keras")
    model.save(path)
    reply = keras(x, load=path)
    assert reply["warnings"] == []
    assert not reply["compiled"]
    np.testing.assert_allclose(reply["arrays"]["y"], model(x), atol=1e-6, rtol=1e-6)
    assert architecture(npcnn.model_from_json(reply["json"])) == architecture(model)
    weights = keras.path(".weights.h5")
    model.save_weights(weights)
    reply = keras(x, json=model.to_json(), weights=weights)
    assert reply["warnings"] == []
    assert_equal(reply["weights"], model.get_weights())


def test_our_json_is_keras_own(keras):
    model = document_network()
    x, _ = data_for(model, 2)
    path = keras.path(".keras")
    model.save(path)
    theirs = json.loads(keras(x, load=path)["json"])["config"]
    ours = json.loads(model.to_json())["config"]
    for entry, own in zip(theirs["layers"], ours["layers"], strict=True):
        assert entry["class_name"] == own["class_name"]
        assert entry["module"] == own["module"]
        assert entry.get("build_config") == own.get("build_config")
        for option, value in own["config"].items():
            if option != "dtype" and not option.endswith("_initializer"):
                assert entry["config"][option] == value


@pytest.mark.parametrize("extension", [".keras", ".h5"])
def test_float64_models(keras, extension):
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2)], dtype="float64")
    path = keras.path(extension)
    model.save(path)
    back = npcnn.load_model(path)
    assert back.dtype == np.float64
    assert_equal(back.get_weights(), model.get_weights())
    reply = keras(np.ones((1, 3)), load=path)
    assert_equal(reply["weights"], model.get_weights())


@pytest.mark.parametrize("name", ["sequential", "my net"])  # TensorFlow trains none with a blank
@pytest.mark.parametrize("extension", [".keras", ".h5"])
def test_a_compiled_model_that_never_trained(keras, extension, name):
    stack = [layers.Input((3,)), layers.Dense(2, activation="softmax")]
    model = npcnn.Sequential(stack, name=name)
    model.compile("adam", "categorical_crossentropy")
    x, t = data_for(model)
    path, kept = keras.path(extension), keras.path(extension)
    model.save(path)
    reply = keras(x, t, load=path, save=[str(kept)])
    assert unexpected(reply) == []
    assert reply["steps"] == 0
    assert all((slot == 0).all() for slot in reply["slots"])
    back = npcnn.load_model(kept)
    assert (back.optimizer.iterations, back.name) == (0, name)


def test_keras_reads_a_checkpoint_as_any_model(keras):
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile("adam", "categorical_crossentropy")
    x, t = data_for(model)
    path = keras.path(".keras")
    saver = npcnn.callbacks.ModelCheckpoint(path)
    model.fit(x, t, epochs=2, batch_size=4, callbacks=saver, verbose=0)
    reply = keras(x, t, load=path)
    assert reply["warnings"] == []
    assert reply["steps"] == 4
    assert_equal(reply["weights"], model.get_weights())
