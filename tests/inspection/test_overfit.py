import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import layers
from npcnn.checks import ArgumentError


def test_the_documents_network_learns_and_stays_as_it_was():
    model, (x, y) = networks.document_network(dropout=0.5), networks.digits(10)
    model.train_on_batch(x, y)
    before = model.get_weights(), model.optimizer.iterations, model.get_layer("dense").kernel
    slots = {name: slot.copy() for name, slot in model.optimizer.slots.items()}
    report = npcnn.overfit_one_batch(model, x, y, steps=150)
    assert report
    assert report.learned
    assert report.accuracy == 1.0
    assert report.losses[-1] < 0.25 * report.losses[0]
    assert len(report.losses) <= 150
    assert str(report).startswith("it learns: every sample of the batch is answered right (10 ")
    for a, b in zip(before[0], model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.optimizer.iterations == before[1] == 1
    assert model.get_layer("dense").kernel is before[2]
    for name, slot in slots.items():
        np.testing.assert_array_equal(slot, model.optimizer.slots[name])


def one_layer(optimizer):
    model = npcnn.Sequential(
        [layers.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(4, "softmax")]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def test_verdicts():
    x, y = np.eye(4), np.arange(4)
    dead = one_layer("adam")
    dead.layers[0].bias[...] = -1e3
    report = npcnn.overfit_one_batch(dead, x, y, steps=50)
    assert not report
    assert "no gradient arrives at dense; look for dead ReLUs" in str(report)
    wild = one_layer(npcnn.optimizers.SGD(1e30))
    report = npcnn.overfit_one_batch(wild, 100 * x, y, steps=50)
    assert "lower the learning rate" in report.reason
    slow = one_layer(npcnn.optimizers.SGD(1e-9))
    report = npcnn.overfit_one_batch(slow, x, y, steps=20)
    assert str(report).startswith("it does not learn: the loss stays at ln 4, that of guessing")
    same = npcnn.overfit_one_batch(one_layer("adam"), np.ones((4, 4)), y, steps=50)
    assert not same.learned  # one picture with four labels


def test_errors():
    model, (x, y) = networks.small_network(), networks.pictures(2)
    with pytest.raises(ArgumentError, match=r"overfit_one_batch\(steps\): expected a positive"):
        npcnn.overfit_one_batch(model, x, y, steps=0)
    with pytest.raises(ArgumentError, match=r"overfit_one_batch\(x\)"):
        npcnn.overfit_one_batch(model, x[0], y)
