"""Weights of the rows of a sample that has several: the model's output is (n, rows, classes)."""

import numpy as np
import pytest

import npcnn
from npcnn import Sequential, gradient_check, layers, losses

X = np.random.default_rng(0).random((4, 2, 5))
Y = np.random.default_rng(1).integers(0, 3, (4, 2))
W = np.arange(8.0).reshape(4, 2)
MODES = pytest.mark.parametrize(
    "loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"]
)


def rows_model(loss):
    npcnn.set_random_seed(3)
    model = Sequential(
        [layers.Input((2, 5)), layers.Dense(3, activation="softmax")], dtype="float64"
    )
    model.compile("sgd", loss)
    return model, Y if loss.startswith("sparse") else np.eye(3)[Y]


def losses_of(model):
    p = np.take_along_axis(model.predict(X, verbose=0), Y[..., None], -1)[..., 0]
    return -np.log(p)


@MODES
@pytest.mark.parametrize("weights", [W, W[..., None], W.astype(int)], ids=["rows", "axis", "ints"])
def test_each_row_counts_by_its_own(backend, loss, weights):
    model, y = rows_model(loss)
    want = (losses_of(model) * W).mean()
    assert model.evaluate(X, y, sample_weight=weights, verbose=0) == pytest.approx(want)
    assert npcnn.trace(model, X, y, sample_weight=weights).loss == pytest.approx(want)
    assert losses.loss_of(loss, "here")(y, model.predict(X, verbose=0), weights) == pytest.approx(
        want
    )
    history = model.fit(X, y, sample_weight=weights, verbose=0, batch_size=3, shuffle=False)
    assert history.history["loss"][0] == pytest.approx(want, rel=0.2)  # moves with the first step
    with pytest.raises(npcnn.NpcnnError, match=r"one weight a sample, \(4,\) or a row, \(4, 2\)"):
        model.fit(X, y, sample_weight=np.ones((4, 3)), verbose=0)


@MODES
def test_the_gradient_is_theirs(backend, loss):
    model, y = rows_model(loss)
    assert gradient_check.check_model(model, X, y, sample_weight=W).passed
    found = npcnn.trace(model, X, y, sample_weight=W)["dense"]
    by_hand = found.grad_activation * found.activation
    by_hand -= found.activation * by_hand.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found.grad_pre_activation, by_hand, rtol=1e-9, atol=1e-15)


@MODES
def test_one_weight_a_sample_is_that_of_all_its_rows(backend, loss):
    spread = np.repeat(W[:, :1], 2, axis=1)
    found = []
    for weights in (W[:, 0], W[:, :1], spread):
        model, y = rows_model(loss)
        model.train_on_batch(X, y, sample_weight=weights)
        found.append(model.get_weights()[0])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@MODES
def test_one_weight_for_all(backend, loss):
    model, y = rows_model(loss)
    plain = model.evaluate(X, y, verbose=0)
    assert model.evaluate(X, y, sample_weight=2.0, verbose=0) == pytest.approx(2 * plain)


def test_a_part_kept_for_validation_keeps_its_weights():
    model, y = rows_model("sparse_categorical_crossentropy")
    before = (losses_of(model) * W)[3:].mean()
    model.optimizer.learning_rate = 0.0
    history = model.fit(X, y, sample_weight=W, validation_split=0.25, verbose=0).history
    assert history["val_loss"][0] == pytest.approx(before)
