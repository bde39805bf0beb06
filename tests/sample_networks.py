"""Networks and digits for the tests that look inside."""

import numpy as np

import npcnn
from npcnn import layers


def document_network(dtype=None, dropout=0.0):
    """The document's network, compiled, with biases that are not zero (and so off the kinks)."""
    npcnn.backend.clear_session(free_memory=False)  # a test may make several of the same names
    model = npcnn.Sequential(dtype=dtype)
    model.add(layers.Conv2D(5, (3, 3), activation="relu", input_shape=(28, 28, 1), padding="same"))
    model.add(layers.Conv2D(5, (3, 3), activation="relu", padding="same"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Conv2D(10, (3, 3), activation="relu", padding="same"))
    model.add(layers.Conv2D(10, (3, 3), activation="relu", padding="same"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Flatten())
    if dropout:
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    return compiled(model)


def small_network(dtype=None, padding="same"):
    """One of each layer, on 8 × 8 pictures of two channels and three classes."""
    npcnn.backend.clear_session(free_memory=False)
    model = npcnn.Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.Conv2D(3, (3, 2), strides=(2, 1), padding=padding, activation="relu"),
            layers.MaxPooling2D((2, 2), strides=(1, 2), padding=padding),
            layers.Conv2D(4, 2, dilation_rate=2, padding="same", activation="tanh"),
            layers.Conv2D(4, 1, use_bias=False),
            layers.ReLU(max_value=2.0),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(6, activation="sigmoid"),
            layers.Dense(3),
            layers.Softmax(),
        ],
        dtype=dtype,
    )
    return compiled(model)


def compiled(model):
    rng = np.random.default_rng(3)
    for layer in model.layers:
        for name, value, _ in layer.parameters():
            if name == "bias":
                value[...] = rng.uniform(-0.1, 0.1, value.shape)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def digits(n, seed=5):
    """Drawn digits scaled to 0…1, with a little noise: no two neighbours alike, so no ties."""
    x, y = npcnn.datasets.draw_digits(n, seed=seed)
    noise = np.random.default_rng(seed).uniform(0, 0.2, (n, 28, 28, 1))
    return x[..., None] / 255 + noise, y


def pictures(n, seed=5):
    """Noise for `small_network`, and labels."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 8, 8, 2)), rng.integers(0, 3, n)
