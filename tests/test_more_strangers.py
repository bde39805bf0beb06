"""What strangers wrote and what then went wrong in silence, or in an error of Python's own."""

import numpy as np
import pytest

import npcnn
from npcnn import NpcnnError, callbacks, layers, metrics, ops

X = np.random.default_rng(0).random((12, 6)).astype("float32")
Y = np.random.default_rng(1).random((12, 3)).astype("float32")


class Gain(layers.Layer):
    def build(self, input_shape):
        self.gain = self.add_weight(shape=(input_shape[-1],), name="gain", initializer="ones")

    def call(self, x):
        return x * self.gain


class Around(layers.Layer):
    """Builds the layer that it holds, as textbooks have it."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def build(self, input_shape):
        self.inner.build(input_shape)
        self.mix = self.add_weight(shape=(), name="mix", initializer="ones")

    def call(self, x):
        return self.inner(x) * self.mix


class Later(Gain):
    def build(self, input_shape):
        super().build(input_shape)
        self.shift = self.add_weight(shape=(input_shape[-1],), name="shift", initializer="zeros")

    def call(self, x):
        return super().call(x) + self.shift


class Pair(layers.Layer):
    def build(self, a_shape, b_shape):
        self.w = self.add_weight(shape=(a_shape[-1], b_shape[-1]), name="w")

    def call(self, a, b):
        return ops.matmul(a, self.w) * b


def names(model):
    return [weight.name for weight in model.weights]


def fitted(*stack, **more):
    model = npcnn.Sequential([layers.Input((6,)), *stack, layers.Dense(3)])
    model.compile("sgd", "mse", **more)
    return model, model.fit(X, Y, 4, verbose=0).history


# `build` called by a program: the weights were made twice, and the first ones were never used.


@pytest.mark.parametrize("times", [1, 2])
def test_a_layer_that_was_built_has_its_weights_once(times, backend):
    for made, own in ((Gain(), ["gain"]), (Later(), ["gain", "shift"])):
        for _ in range(times):
            made.build((None, 6))
        assert names(made) == own
        first = made.gain
        model, _ = fitted(made)
        assert names(model) == [*own, "kernel", "bias"]
        assert made.gain is first
        assert (first.numpy() != 1).all()


def test_a_layer_within_others_has_its_weights_once(backend, tmp_path):
    model, _ = fitted(Around(Around(Gain())))
    assert names(model) == ["mix", "mix", "gain", "kernel", "bias"]
    assert model.count_params() == 1 + 1 + 6 + 6 * 3 + 3


def test_build_takes_what_its_arguments_are():
    layer = Pair()
    layer.build((None, 6), b_shape=(None, 2))
    assert layer.w.shape == (6, 2)
    assert layer(np.ones((1, 6)), np.ones((1, 2))).shape == (1, 2)
    assert len(layer.weights) == 1


def test_a_build_that_failed_may_be_tried_again():
    class Picky(Gain):
        def build(self, input_shape):
            if input_shape[-1] != 6:
                raise KeyError("six")
            super().build(input_shape)

    layer = Picky()
    with pytest.raises(KeyError):
        layer.build((None, 5))
    layer.build((None, 6))
    assert names(layer) == ["gain"]


# Metrics, models, data ---------------------------------------------------------------------------


def test_a_metric_that_counts_and_has_no_result_says_so(backend):
    class Forgets(metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            self.seen = len(y_pred)

    with pytest.raises(NpcnnError, match=r"^Forgets: expected a method result, got none; docs/ext"):
        fitted(metrics=[Forgets()])


def test_one_that_adds_up_in_the_base_s_way_needs_none(backend):
    class Adds(metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            self.add_up(np.abs(np.asarray(y_true) - y_pred).mean(axis=-1), np.zeros(len(y_pred)))

    assert fitted(metrics=[Adds(name="none")])[1]["none"] == [0.0]


def test_a_model_that_does_not_begin_says_so(backend):
    class Forgets(npcnn.Model):
        def __init__(self):
            self.dense = layers.Dense(3)

        def call(self, x):
            return self.dense(x)

    for use in (
        lambda m: m(X), lambda m: m.compile("sgd", "mse"), lambda m: m.predict(X), repr,
        lambda m: m.summary(), lambda m: m.save("never.keras"), lambda m: m.layers,
    ):  # fmt: skip
        with pytest.raises(NpcnnError, match=r"^Forgets: expected super\(\).__init__\(\) called f"):
            use(Forgets())


@pytest.mark.filterwarnings("ignore:epoch 2")
def test_an_epoch_without_batches_has_no_loss(backend, tmp_path):
    """A loss of 0.0, as it was, is the best of all, and is kept."""

    def batches():
        for k in range(2):
            yield X[4 * k : 4 * k + 4], Y[4 * k : 4 * k + 4]

    model, _ = fitted()
    best = callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras", "loss", save_best_only=True)
    with pytest.warns(npcnn.NpcnnWarning, match="loss"):
        history = model.fit(
            batches(), steps_per_epoch=2, epochs=2, verbose=0, callbacks=[best]
        ).history
    assert len(history["loss"]) == 1
    assert history["loss"][0] > 0
    assert best.best == history["loss"][0]


# Layers with a forward ---------------------------------------------------------------------------


class Doubled(layers.Layer):
    def forward(self, x, training=False, step=0, keep=True):
        return x * 2

    def backward(self, grad_y, need_grad_x=True):
        return grad_y * 2


class Holds(Doubled):
    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def create_parameters(self, input_shape):
        self.inner.build(input_shape)

    def forward(self, x, training=False, step=0, keep=True):
        return self.inner.forward(x, training, step, keep)

    def backward(self, grad_y, need_grad_x=True):
        return self.inner.backward(grad_y, need_grad_x)


def test_a_layer_held_by_a_forward_is_said_to_learn_nothing(backend):
    holds = Holds(layers.Dense(6, name="inside"), name="holds")
    said = r"Holds 'holds': expected layers in it that the model knows, got Dense 'inside', which"
    with pytest.warns(npcnn.NpcnnWarning, match=said):
        fitted(holds)
    fitted(Holds(layers.Dense(6, trainable=False)))  # frozen, it is meant so
    fitted(Holds(layers.ReLU()))


def test_so_is_one_within_a_model_that_a_forward_holds(backend):
    class Adds(Doubled):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x, training=False, step=0, keep=True):
            return x * 2 + self.inner(x)

    inner = npcnn.Sequential([layers.Input((6,)), layers.Dense(6, name="inside")])
    with pytest.warns(npcnn.NpcnnWarning, match="got Dense 'inside', which is neither learnt"):
        fitted(Adds(inner))


def test_one_that_the_model_has_elsewhere_is_known(backend):
    x = layers.Input((6,))
    dense = layers.Dense(6)
    model = npcnn.Model(x, layers.Dense(3)(Holds(dense)(dense(x))))
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)


def test_a_parameter_s_name_is_given_once():
    class Again(Doubled):
        def create_parameters(self, input_shape):
            self.add_parameter("w", (2,), "ones")
            self.add_parameter("w", (3,), "ones")

    with pytest.raises(NpcnnError, match="a name that it has not yet, got the same again"):
        Again().build((None, 6))


def test_arguments_are_kept_as_they_were_given(backend, tmp_path):
    class Takes(Doubled):
        def __init__(self, sizes, **kwargs):
            super().__init__(**kwargs)
            self.last = sizes["all"].pop()

        def forward(self, x, training=False, step=0, keep=True):
            return x * self.last

    model, _ = fitted(Takes({"all": [1, 2, 3]}))
    assert model.layers[0].get_config()["sizes"] == {"all": [1, 2, 3]}
    model.save(tmp_path / "m.keras")
    again = npcnn.load_model(tmp_path / "m.keras", custom_objects={"Takes": Takes})
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize("given", [None, [1], "x"])
def test_a_config_that_is_none_is_named(given, tmp_path):
    class Odd(Doubled):
        def get_config(self):
            return given

    with pytest.raises(NpcnnError, match=r"^Odd 'odd'.get_config\(\): expected a dict of its arg"):
        fitted(Odd(name="odd"))[0].save(tmp_path / "m.keras")


@pytest.mark.parametrize("given", [None, {"a": 1}, Doubled])
def test_what_from_config_returns_is_looked_at(given, tmp_path):
    class Odd(Doubled):
        @classmethod
        def from_config(cls, config):
            return given

    fitted(Odd())[0].save(tmp_path / "m.keras")
    with pytest.raises(NpcnnError, match=r"its from_config\(\): expected a layer, got "):
        npcnn.load_model(tmp_path / "m.keras", custom_objects={"Odd": Odd})


# What a callback puts into the logs --------------------------------------------------------------


class Puts(callbacks.Callback):
    def __init__(self, value):
        self.value = value

    def on_epoch_end(self, epoch, logs=None):
        logs["note"] = self.value

    def on_train_batch_end(self, batch, logs=None):
        logs["note"] = self.value


ODD = {"a text": "late", "nothing": None, "an array": np.eye(2), "an object": object()}


@pytest.mark.parametrize("value", ODD)
def test_it_is_printed_and_kept_whatever_it_is(value, backend, tmp_path, capsys):
    model, _ = fitted()
    history = model.fit(
        X, Y, 4, epochs=2, verbose=2,
        callbacks=[
            Puts(ODD[value]), callbacks.TensorBoard(tmp_path), callbacks.TerminateOnNaN(),
            callbacks.CSVLogger(tmp_path / "log.csv"), callbacks.ProgbarLogger(),
        ],
    ).history  # fmt: skip
    assert [one is ODD[value] for one in history["note"]] == [True, True]
    assert len(history["loss"]) == 2
    assert "note: " in capsys.readouterr().out


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("kind", [callbacks.EarlyStopping, callbacks.ReduceLROnPlateau])
def test_what_is_no_number_is_not_watched(kind, value):
    model, _ = fitted()
    watches = kind("note", mode="min")
    if ODD[value] is None:
        with pytest.warns(npcnn.NpcnnWarning, match="note"):
            model.fit(X, Y, 4, verbose=0, callbacks=[Puts(None), watches])
        return
    with pytest.raises(NpcnnError, match=r"\(monitor\): expected a number as note, got "):
        model.fit(X, Y, 4, verbose=0, callbacks=[Puts(ODD[value]), watches])


def test_a_schedule_without_arguments_is_refused():
    with pytest.raises(NpcnnError, match=r"expected a function of \(epoch\), got one of \(\)"):
        callbacks.LearningRateScheduler(lambda: 0.1)
