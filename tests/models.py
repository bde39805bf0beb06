"""Models and data that several tests use."""

import json

import numpy as np

from npcnn import Sequential, layers, set_random_seed


def document_layers(dropout=False):
    """The document's layers; its program adds a dropout that its table does not have."""
    return [
        layers.Conv2D(5, (3, 3), activation="relu", input_shape=(28, 28, 1), padding="same"),
        layers.Conv2D(5, (3, 3), activation="relu", padding="same"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(10, (3, 3), activation="relu", padding="same"),
        layers.Conv2D(10, (3, 3), activation="relu", padding="same"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        *([layers.Dropout(0.5)] if dropout else []),
        layers.Dense(10, activation="softmax"),
    ]


def document_model(dropout=False, **arguments):
    return Sequential(document_layers(dropout), **arguments)


def small_model(dtype=None, dropout=0.0, compiled=True, optimizer="adam"):
    """A convolution, a pooling and two dense layers over 6×6 pictures, three classes."""
    model = Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(3, activation="softmax"),
        ],
        dtype=dtype,
    )
    if compiled:
        model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def small_data(n=30, seed=0):
    """Pictures with a bright row, whose number of three is the class; uint8, like MNIST."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    x = rng.integers(0, 60, (n, 6, 6, 1)).astype("uint8")
    x[np.arange(n), 2 * y] += 150
    return x, y


def assert_same_weights(first, second):
    """Compare bit by bit."""
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def trained(optimizer="adam"):
    """Return a small model after two epochs, with an optimizer that has state."""
    model = small_model(optimizer=optimizer)
    x, y = small_data(12)
    model.fit(x / np.float32(255), y, 4, 2, verbose=0)
    return model


def edited(path, change):
    """Rewrite the model_config of a .h5 file in place."""
    import h5py

    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)


def tanh_model(optimizer, frozen=()):
    """Return a compiled network of three layers, those of these numbers frozen."""
    set_random_seed(3)
    stack = [layers.Dense(4, "tanh"), layers.Dense(5, "tanh"), layers.Dense(3, "softmax")]
    model = Sequential([layers.Input((6,)), *stack])
    for number in frozen:
        model.layers[number].trainable = False
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def tanh_data():
    """Return samples and labels for it."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(24, 6)).astype("float32"), rng.integers(0, 3, 24)
