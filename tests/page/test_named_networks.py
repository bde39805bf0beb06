"""Pages of networks that people come with: small, wide, with branches; what they answer."""

import numpy as np
import pytest
import sample_networks as networks
from benchmark_scripts import load

import npcnn
from npcnn import layers


def stack(*rest, size=28):
    return npcnn.Sequential([layers.Input((size, size, 1)), *rest])


def lenet5():
    return stack(
        layers.Conv2D(6, 5, padding="same", activation="tanh"), layers.AveragePooling2D(),
        layers.Conv2D(16, 5, activation="tanh"), layers.AveragePooling2D(), layers.Flatten(),
        layers.Dense(120, activation="tanh"), layers.Dense(84, activation="tanh"),
        layers.Dense(10, activation="softmax"),
    )  # fmt: skip


def normalized():
    convolutions = [
        layer
        for filters in (32, 64)
        for layer in (
            layers.Conv2D(filters, 3, use_bias=False), layers.BatchNormalization(),
            layers.ReLU(), layers.MaxPooling2D(),
        )
    ]  # fmt: skip
    return stack(*convolutions, layers.Flatten(), layers.Dense(10, activation="softmax"))


def tiny():
    return stack(
        layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3, "softmax"), size=8
    )


NETWORKS = {
    "document": networks.document_network,
    "lenet5": lenet5,
    "conv32-conv64, normalized": normalized,
    "resnet20": lambda: load("resnet20").resnet20(),
    "8 × 8": tiny,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_answers_are_those_of_npcnn(opened, name):
    npcnn.set_random_seed(3)
    model = NETWORKS[name]()
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x = rng.random((4, *model.input_shape[1:]), "float32")
    y = np.arange(4) % model.output_shape[-1]
    browser = opened(model, x, y)
    expected, trace = model.predict(x, verbose=0), npcnn.trace(model, x[1:2], y[1:2])
    found, loss = browser.execute_script(
        "const { app } = npcnn; app.useSample(1);return [[...app.pass.outputs[0].data], app.loss];"
    )
    np.testing.assert_allclose(found, expected[1], rtol=1e-4, atol=1e-6)
    assert loss == pytest.approx(trace.loss, rel=1e-4)
    cards = browser.execute_script("return npcnn.board.cards.length")
    assert cards == len(model.layers) + isinstance(model, npcnn.Sequential)
    assert browser.get_log("browser") == []
