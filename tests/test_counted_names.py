"""Automatic names are counted over the process: what goes by places must not mind the count.

That they are Keras's is held in keras_names.py.
"""

import threading

import numpy as np
import pytest

import npcnn
from npcnn import layers as L  # noqa: N812
from npcnn.callbacks import ModelCheckpoint
from npcnn.checks import ArgumentError, NpcnnWarning

RNG = np.random.default_rng(3)
X = RNG.random((24, 5), "float32")
Y = [(X[:, :1] > 0.5).astype("float32"), X[:, 1:2]]


def two_heads(metric=None):
    """Return a model whose outputs and metric have names that nobody said."""
    npcnn.set_random_seed(1)
    x = L.Input((5,))
    y = L.Dropout(0.3)(L.Dense(4, activation="relu")(x))
    model = npcnn.Model(x, [L.Dense(1, activation="sigmoid")(y), L.Dense(1)(y)])
    found = [metric or npcnn.metrics.AUC(num_thresholds=9)]
    model.compile(npcnn.optimizers.Adam(0.01), ["binary_crossentropy", "mse"], metrics=[found, []])
    return model


def curves(history):
    return list(history.values())  # in their order, whatever they are called


def learnt(model, **options):
    npcnn.set_random_seed(7)
    return model.fit(X, Y, batch_size=8, verbose=0, validation_split=0.25, **options).history


def test_a_run_goes_on_where_more_was_made_before(tmp_path):
    plain = two_heads()
    whole = learnt(plain, epochs=4)
    first = two_heads()
    early = learnt(first, epochs=2, callbacks=[ModelCheckpoint(tmp_path / "run.keras")])
    second = two_heads()
    names = [model.metric_names for model in (first, second)]
    assert names[0] == ["loss", "dense_4_loss", "dense_5_loss", "dense_4_auc_1"]
    assert names[1] == ["loss", "dense_7_loss", "dense_8_loss", "dense_7_auc_2"]
    late = second.fit(
        X, Y, 8, 4, 0, validation_split=0.25, resume_from=tmp_path / "run.keras",
        callbacks=[ModelCheckpoint(tmp_path / "run.keras")],
    )  # fmt: skip
    assert curves(late.history) == curves(whole)
    assert [curve[:2] for curve in curves(late.history)] == curves(early)
    for a, b in zip(plain.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_recording_goes_on_under_the_names_of_here(tmp_path):
    def run(epochs, **more):
        recorder = npcnn.Recorder(tmp_path / "film.npz", every=1, picture=X[0])
        saver = ModelCheckpoint(tmp_path / "run.keras")
        model = two_heads()
        model.fit(X, Y, 8, epochs, 0, callbacks=[recorder, saver], **more)
        return model, npcnn.load_recording(tmp_path / "film.npz")

    _, before = run(1)
    model, after = run(2, resume_from=tmp_path / "run.keras")
    assert after.steps.tolist() == [0, 1, 2, 3, 4, 5, 6]
    kernel = f"weights/{model.layers[1].name}/kernel"
    assert (kernel, model.layers[1].name) == ("weights/dense_3/kernel", "dense_3")
    np.testing.assert_array_equal(after[kernel][:4], before["weights/dense/kernel"])


def test_names_that_were_said_must_be_those_of_the_checkpoint(tmp_path):
    first = two_heads(npcnn.metrics.AUC(num_thresholds=9, name="area"))
    learnt(first, epochs=1, callbacks=[ModelCheckpoint(tmp_path / "run.keras")])
    other = two_heads(npcnn.metrics.AUC(num_thresholds=9, name="other"))
    with pytest.raises(ArgumentError, match="a checkpoint with metrics"):
        other.fit(X, Y, 8, 2, 0, validation_split=0.25, resume_from=tmp_path / "run.keras")


@pytest.mark.parametrize("ending", [".keras", ".h5", ".weights.h5"])
def test_weights_go_by_places_in_files(tmp_path, ending):
    one, other = two_heads(), two_heads()
    path = tmp_path / f"model{ending}"
    one.save_weights(path) if ending == ".weights.h5" else one.save(path)
    other.load_weights(path)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    if ending != ".weights.h5":
        again = npcnn.load_model(path)
        assert [layer.name for layer in again.layers] == [layer.name for layer in one.layers]
        assert (again.name, again.optimizer.name) == (one.name, one.optimizer.name)


def test_the_count_changes_no_bits():
    made = []
    for k in range(2):
        if k:
            npcnn.backend.clear_session()
        model = two_heads()
        learnt(model, epochs=1)
        made.append(model.get_weights())
    for a, b in zip(*made, strict=True):
        np.testing.assert_array_equal(a, b)


def test_threads_count_for_themselves():
    names = {}

    def make(key):
        names[key] = [L.Dense(1).name for _ in range(50)]

    threads = [threading.Thread(target=make, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = ["dense", *(f"dense_{k}" for k in range(1, 50))]
    assert list(names.values()) == [wanted] * 4
    # two of one name in one model: one that nobody said is changed
    one, other = L.Dense(2), L.Dense(2, name="dense_1")
    two = L.Dense(2)
    model = npcnn.Sequential([L.Input((3,)), one, other, two])
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dense_2"]


def test_a_model_without_anything_to_learn_says_so():
    model = npcnn.Sequential([L.Input((5,)), L.Dense(1)])
    model.trainable = False
    model.compile("sgd", "mse")
    before = model.get_weights()
    text = r"^Sequential 'sequential': learning: expected trainable weights, got none; set train"
    with pytest.warns(NpcnnWarning, match=text):
        model.fit(X, Y[1], epochs=1, verbose=0)
    model.compile("sgd", "mse")
    with pytest.warns(NpcnnWarning, match=text):
        model.train_on_batch(X, Y[1])
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
    assert model.evaluate(X, Y[1], verbose=0) > 0  # in silence
    model.trainable = True
    model.fit(X, Y[1], epochs=1, verbose=0)  # likewise
    assert (before[0] != model.get_weights()[0]).any()


def test_a_table_has_the_layers_that_are_never_called():
    class Net(npcnn.Model):
        def __init__(self):
            super().__init__()
            self.one, self.idle = L.Dense(2), L.Dense(7)

        def call(self, x):
            return self.one(x)

    def rows(model):
        lines = []
        model.summary(print_fn=lines.append)
        return [line.split() for line in lines if "dense" in line]

    model = Net()
    idle = ["dense_1", "(Dense)", "?", "0", "(unbuilt)"]
    assert rows(model) == [["dense", *idle[1:]], idle]
    model.build((None, 3))
    assert rows(model) == [["dense", "(Dense)", "(None,", "2)", "8"], idle]
