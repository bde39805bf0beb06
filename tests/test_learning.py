import os

import numpy as np
import pytest
from models import document_model

import npcnn
from npcnn import threads
from npcnn.checks import NpcnnError


@pytest.fixture(autouse=True)
def one_thread():
    """Keep to one core: where others compute too, two threads wait for each other in vain."""
    before = threads.get_num_threads()
    threads.set_num_threads(1)
    yield
    threads.set_num_threads(before)


def pictures(n):
    """Digits from MNIST where it is at hand, drawn ones elsewhere."""
    if os.environ.get("NPCNN_DATA"):
        (x, y), _ = npcnn.datasets.load_mnist()
        return x[:n, ..., None], y[:n]
    x, y = npcnn.datasets.draw_digits(n, seed=1)
    return x.reshape(-1, 28, 28, 1), y


def test_the_documents_network_overfits_60_pictures(backend):
    npcnn.set_random_seed(0)
    x, y = pictures(60)
    model = document_model()
    model.compile("adam", "categorical_crossentropy", ["accuracy"])
    history = model.fit(x, npcnn.utils.to_categorical(y, 10), 10, 40, verbose=0).history
    assert history["accuracy"][-1] == 1.0
    assert history["loss"][-1] < 0.01
    assert model.evaluate(x, npcnn.utils.to_categorical(y, 10), verbose=0)[1] == 1.0


def test_it_cannot_learn_what_is_not_there():
    """Labels drawn at random: on other pictures the network must be as good as guessing."""
    npcnn.set_random_seed(0)
    x, _ = pictures(300)
    y = np.random.default_rng(0).integers(0, 10, 300)
    model = document_model(dropout=True)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x[:200], y[:200], 20, 5, verbose=0)
    assert model.evaluate(x[200:], y[200:], verbose=0)[1] < 0.25


def test_two_epochs_of_mnist_reach_97_percent():
    """The document's settings: raw pixels, batches of 60, Adam, dropout 0.5."""
    try:
        (x_train, y_train), (x_test, y_test) = npcnn.datasets.load_mnist()
    except NpcnnError as error:
        pytest.skip(f"MNIST is not here and cannot be fetched: {error}")
    if len(x_train) < 60_000:
        pytest.skip(f"the MNIST at hand is a part only: {len(x_train)} pictures")
    npcnn.set_random_seed(0)
    model = document_model(dropout=True)
    model.compile("adam", "categorical_crossentropy", ["accuracy"])
    one_hot = [npcnn.utils.to_categorical(y, 10) for y in (y_train, y_test)]
    history = model.fit(
        x_train[..., None], one_hot[0], 60, 2, 0, validation_data=(x_test[..., None], one_hot[1])
    ).history
    assert history["val_accuracy"][-1] >= 0.97
    assert history["val_loss"][-1] < 0.11
