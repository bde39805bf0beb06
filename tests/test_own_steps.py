"""Steps that a model's class writes itself; keras_steps.py has what can be asked of Keras."""

import numpy as np
import pytest
from models import small_data, small_model

import npcnn
from npcnn import Sequential, layers, losses, ops
from npcnn.checks import ArgumentError, DtypeError, NpcnnWarning

X, Y = small_data(24)
with npcnn.random.seeded(0):
    START = small_model().get_weights()


def like_small_model(kind, **compiled):
    model = kind(small_model().layers)
    model.set_weights(START)
    model.compile(**{"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", **compiled})
    return model


def history_of(model, **more):
    return model.fit(X, Y, batch_size=10, epochs=2, verbose=0, **more).history


class Unchanged(Sequential):
    def train_step(self, data):
        x, y, weights = data
        assert [len(x), len(y)] == 2 * [len(weights)]
        return {**super().train_step(data), "more": {"seen": np.float32(1)}}

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(self.compute_loss(x, y, y_pred), sample_weight=[len(x)])
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}

    def predict_step(self, data):
        return {"class": super().predict_step(data).argmax(axis=-1)}


def test_steps_that_call_what_they_replace_change_nothing():
    weights, metrics = np.linspace(0.5, 2, 24), ["accuracy"]
    how = {"sample_weight": weights, "validation_data": (X[:9], Y[:9])}
    plain, own = (like_small_model(k, metrics=metrics) for k in (Sequential, Unchanged))
    before, after = history_of(plain, **how), history_of(own, **how)
    assert after.pop("seen") == [1, 1]
    assert list(after) == list(before)
    for name, values in before.items():
        assert after[name] == pytest.approx(values, rel=1e-6)
    for one, other in zip(own.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert own.evaluate(X, Y, verbose=0) == pytest.approx(plain.evaluate(X, Y, verbose=0))
    assert own.test_on_batch(X, Y) == pytest.approx(plain.test_on_batch(X, Y), rel=1e-6)
    classes = own.predict(X, batch_size=10, verbose=0)["class"]
    np.testing.assert_array_equal(classes, plain.predict(X, verbose=0).argmax(axis=-1))


class Squares(Sequential):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return ops.mean((y_pred - ops.one_hot(y, 3)) ** 2) + sum(self.losses) * self.times

    times = 1.0


def test_a_loss_of_ones_own_is_gone_back_through():
    own, plain = like_small_model(Squares), like_small_model(Sequential, loss="mse")
    for model in (own, plain):
        model.layers[-1].kernel_regularizer = npcnn.regularizers.L2(0.1)
    hot = np.eye(3)[Y]
    want = plain.fit(X, hot, batch_size=10, epochs=2, verbose=0).history["loss"]
    assert history_of(own)["loss"] == pytest.approx(want, rel=1e-6)
    for one, other in zip(own.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert "compute_loss is the class's own" in str(own.program)


def test_what_cannot_be_gone_back_through_is_one_line():
    model = like_small_model(type("Bare", (Sequential,), {"compute_loss": lambda *_, **__: 1.0}))
    with pytest.raises(DtypeError, match=r"^Bare\.compute_loss\(\): expected one number, got 1\.0"):
        history_of(model)
    own = like_small_model(type("Odd", (Squares,), {"times": 2.0}))
    own.add(layers.Dense(3, kernel_regularizer="l2"))
    with pytest.raises(ArgumentError, match=r"penalties once, got 2 times; add sum\(self.losses\)"):
        history_of(own)
    with pytest.raises(ArgumentError, match=r"^fit\(\) with Unchanged's own step: .*leave check_n"):
        history_of(like_small_model(Unchanged), check_numerics=True)
    step = {"train_step": lambda self, data: super(Sequential, self).train_step(data) and 3}
    model = like_small_model(type("Three", (Sequential,), step))
    with pytest.raises(DtypeError, match=r"^Three '.*'\.train_step\(\): expected a dict of numb"):
        history_of(model)


def test_callbacks_know_which_way_a_metric_is_better():
    model = like_small_model(Sequential, metrics=[npcnn.metrics.MeanSquaredError("far")])
    model.best = npcnn.metrics.SparseTopKCategoricalAccuracy(2, "near")
    stop = npcnn.callbacks.EarlyStopping("far"), npcnn.callbacks.EarlyStopping("near")
    for callback in stop:
        callback.set_model(model)
    assert [callback.upward for callback in stop] == [False, True]


def test_the_loss_as_it_was_given():
    loss = losses.MeanSquaredError()
    for given in ("mse", loss):
        assert like_small_model(Sequential, loss=given).loss is given
    assert Sequential().loss is None
    assert Sequential().metrics == []


class _Says(npcnn.Model):
    """Says itself what is reported: what there is, and one more."""

    def __init__(self):
        super().__init__()
        self.dense, self.most = layers.Dense(3, activation="softmax"), npcnn.metrics.Mean("most")

    def call(self, x):
        return self.dense(x)

    @property
    def metrics(self):
        return super().metrics


def test_a_class_may_add_to_the_metrics_there_are():
    model = _Says()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = np.ones((6, 4)), np.arange(6) % 3
    assert sorted(model.fit(x, y, verbose=0).history) == ["accuracy", "loss", "most"]
    assert [metric.name for metric in model.metrics] == ["loss", "compile_metrics", "most"]
    assert model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("units", "loss", "tail"),
    [(1, "mse", ()), (1, "mse", (1,)), (3, "sparse_categorical_crossentropy", (1,)),
     (3, "sparse_categorical_crossentropy", ()), (3, "mse", (3,))],
)  # fmt: skip
@pytest.mark.parametrize("streamed", [False, True])
def test_metrics_and_steps_of_ones_own_see_targets_as_they_were_given(units, loss, tail, streamed):
    seen = []

    def told(y_true, y_pred):
        seen.append(y_true.shape)
        return ops.mean(y_pred, axis=-1)

    class Stepping(Sequential):
        def test_step(self, data):
            seen.append(data[1].shape)
            return super().test_step(data)

    model = Stepping([layers.Input((2,)), layers.Dense(units, activation="sigmoid")])
    model.compile("sgd", loss, metrics=[told])
    x, y = np.ones((4, 2)), np.ones((4, *tail))
    batches = iter([(x, y)] * 4)
    for look, steps in ((model.fit, "steps_per_epoch"), (model.evaluate, "steps")):
        look(*([batches] if streamed else [x, y]), verbose=0, **{steps: 1})
    model.train_on_batch(x, y)
    assert set(seen) == {y.shape}
    assert len(seen) == 4


class Taught(npcnn.Model):
    """Learns what another network says, which only `compute_loss` calls."""

    def __init__(self, teacher):
        super().__init__()
        self.teacher = teacher
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return ops.mean(ops.square(self.teacher(x) - y_pred))


@pytest.mark.parametrize("built", [True, False])
def test_what_only_the_loss_calls_is_said_to_learn_nothing(built):
    x = np.ones((8, 4), "float32")
    given = [layers.Input((4,))] if built else []
    teacher = Sequential([*given, layers.Dense(3, name="last")], name="teacher")
    model = Taught(teacher)
    model.compile("sgd")
    line = (
        r"^Taught\.compute_loss\(\): expected layers to learn that call\(\) calls, got "
        r"Dense 'last', which learns nothing; let call\(\) return what it gives too, or "
        r"set its trainable = False."
    )  # fmt: skip
    with pytest.warns(NpcnnWarning, match=line) as said:
        model.fit(x, np.zeros((8, 3)), epochs=3, verbose=0)
    assert len(said) == 1
    frozen = Taught(teacher)
    teacher.trainable = False
    frozen.compile("sgd")
    losses = frozen.fit(x, np.zeros((8, 3)), epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[0]
