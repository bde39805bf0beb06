import tracemalloc

import numpy as np
import pytest
from models import assert_same_weights, small_data, small_model

import npcnn
from npcnn import Sequential, layers
from npcnn.callbacks import LambdaCallback
from npcnn.losses import SparseCategoricalCrossentropy
from npcnn.metrics import SparseCategoricalAccuracy
from npcnn.optimizers import SGD, Adam


def recorded_batches(model, monkeypatch):
    """Return a list to which every batch that the model trains on is added."""
    from npcnn import training

    seen, step = [], training.train_step

    def spy(model, xs, ys, weights):
        seen.append((xs[0].copy(), ys[0].copy(), weights[0].copy()))
        return step(model, xs, ys, weights)

    monkeypatch.setattr(training, "train_step", spy)
    return seen


def test_fit_learns_and_keeps_curves(backend):
    model = small_model()
    x, y = small_data(90)
    history = model.fit(x, y, 16, 12, 0, validation_data=small_data(30, seed=1))
    assert model.history is history
    curves = history.history
    assert list(curves) == ["accuracy", "loss", "val_accuracy", "val_loss"]  # as in Keras
    assert all(len(curve) == 12 for curve in curves.values())
    assert history.epoch == list(range(12))
    assert curves["accuracy"][-1] >= 0.9
    assert curves["val_accuracy"][-1] >= 0.8
    assert curves["loss"][-1] < 0.3 * curves["loss"][0]
    loss, accuracy = model.evaluate(*small_data(30, seed=1), batch_size=7, verbose=0)
    assert loss == pytest.approx(curves["val_loss"][-1], rel=1e-5)
    assert accuracy == curves["val_accuracy"][-1]


def test_the_reported_loss_is_a_mean_over_samples():
    """A short last batch counts by its size; with a learning rate of 0 nothing moves."""
    model = small_model(optimizer=SGD(0.0))
    x, y = small_data(10)
    history = model.fit(x, y, batch_size=4, verbose=0).history
    loss, accuracy = model.evaluate(x, y, batch_size=10, verbose=0)
    assert history["loss"][0] == pytest.approx(loss, rel=1e-6)
    assert history["accuracy"][0] == pytest.approx(accuracy)


def test_compile_by_name_or_object():
    model = small_model(compiled=False)
    model.compile("adam", "sparse_categorical_crossentropy", "accuracy")
    assert type(model.optimizer) is Adam
    assert model.metric_names == ["loss", "accuracy"]
    optimizer, loss, metric = (
        SGD(0.5),
        SparseCategoricalCrossentropy(),
        SparseCategoricalAccuracy("right"),
    )
    model.compile(optimizer, loss, [metric])
    assert (model.optimizer, model.loss, model.metrics[1].metrics) == (optimizer, loss, [metric])
    history = model.fit(*small_data(), verbose=0).history
    assert list(history) == ["loss", "right"]


def test_one_hot_and_labels_are_the_same_problem():
    x, y = small_data()
    first, second = small_model(), small_model()
    second.set_weights(first.get_weights())
    second.compile("adam", "categorical_crossentropy", ["accuracy"])
    a = first.fit(x, y, verbose=0, epochs=2).history
    b = second.fit(x, npcnn.utils.to_categorical(y), verbose=0, epochs=2).history
    assert a == b
    assert_same_weights(first.get_weights(), second.get_weights())


def test_shuffle(monkeypatch):
    model = small_model()
    x, y = small_data(20)
    seen = recorded_batches(model, monkeypatch)
    model.fit(x, y, 20, 2, 0, shuffle=False)
    np.testing.assert_array_equal(seen[0][1], y)
    np.testing.assert_array_equal(seen[1][1], y)
    seen.clear()
    model.fit(x, y, 20, 2, 0)
    for pictures, labels, _ in seen:
        np.testing.assert_array_equal(np.sort(labels), np.sort(y))
        place = [int(np.argmax((x == picture).all(axis=(1, 2, 3)))) for picture in pictures]
        assert sorted(place) == list(range(20))
        np.testing.assert_array_equal(labels, y[place])
    assert (seen[0][0] != seen[1][0]).any()
    for epoch in range(2):
        order = npcnn.random.shuffled(20, seed=1234, epoch=epoch)
        np.testing.assert_array_equal(seen[epoch][1], y[order])


def test_validation_split_is_the_last_share_before_shuffling(monkeypatch):
    model = small_model()
    x, y = small_data(20)
    seen = recorded_batches(model, monkeypatch)
    history = model.fit(x, y, 32, 1, 0, validation_split=0.25).history
    assert len(seen[0][0]) == 15
    np.testing.assert_array_equal(np.sort(seen[0][1]), np.sort(y[:15]))
    loss = model.evaluate(x[15:], y[15:], verbose=0)[0]
    assert history["val_loss"] == [pytest.approx(loss, rel=1e-6)]


def test_validation_data_goes_before_validation_split(monkeypatch):
    model = small_model()
    x, y = small_data(20)
    seen = recorded_batches(model, monkeypatch)
    model.fit(x, y, 32, 1, 0, validation_data=(x[:3], y[:3]), validation_split=0.25)
    assert len(seen[0][0]) == 20


def test_validation_data_with_weights():
    model = small_model(optimizer=SGD(0.0))
    x, y = small_data(6)
    w = np.array([1, 0, 2, 0, 0, 0.5])
    history = model.fit(x, y, verbose=0, validation_data=(x, y, w)).history
    assert history["val_loss"][0] == pytest.approx(
        model.evaluate(x, y, sample_weight=w, verbose=0)[0]
    )
    assert history["val_loss"][0] != pytest.approx(history["loss"][0])


def test_validation_freq():
    model = small_model()
    x, y = small_data(6)
    history = model.fit(x, y, epochs=5, verbose=0, validation_data=(x, y), validation_freq=2)
    assert len(history.history["loss"]) == 5
    assert len(history.history["val_loss"]) == 2


def test_class_weight_is_a_sample_weight():
    x, y = small_data()
    first, second = small_model(optimizer="sgd"), small_model(optimizer="sgd")
    second.set_weights(first.get_weights())
    a = first.fit(x, y, verbose=0, class_weight={0: 2.0, 2: 0.5}).history
    weights = np.array([2.0, 1.0, 0.5])[y]
    b = second.fit(x, y, verbose=0, sample_weight=weights).history
    assert a == b
    assert_same_weights(first.get_weights(), second.get_weights())


def test_a_weight_of_zero_leaves_a_sample_out():
    """The gradient of two copies of a sample, one of weight 0, is half of that of one alone."""
    x, y = small_data(1)
    one, two = (
        small_model("float64", optimizer=SGD(0.1)),
        small_model("float64", optimizer=SGD(0.2)),
    )
    two.set_weights(one.get_weights())
    one.train_on_batch(x, y)
    two.train_on_batch(np.concatenate([x, x]), np.concatenate([y, y]), sample_weight=[1, 0])
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


def test_initial_epoch(capsys):
    model = small_model()
    x, y = small_data()
    history = model.fit(x, y, epochs=5, initial_epoch=3, verbose=2)
    assert history.epoch == [3, 4]
    assert [line for line in capsys.readouterr().out.splitlines() if "Epoch" in line] == [
        "Epoch 4/5", "Epoch 5/5",
    ]  # fmt: skip
    assert model.fit(x, y, epochs=5, initial_epoch=5, verbose=0).epoch == []


def test_evaluate_returns_what_was_asked_for():
    model = small_model()
    x, y = small_data()
    values = model.evaluate(x, y, verbose=0)
    assert model.evaluate(x, y, verbose=0, return_dict=True) == dict(
        zip(["loss", "accuracy"], values, strict=True)
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    assert isinstance(model.evaluate(x, y, verbose=0), float)


def test_evaluate_and_predict_do_not_drop():
    model = small_model(dropout=0.9)
    x, y = small_data()
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(x, verbose=0))
    assert model.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    assert (model(x, training=True) != model(x)).any()


@pytest.mark.parametrize("batch_size", [1, 7, 32, 100, None])
def test_predict_by_batches_of_any_size(batch_size):
    model = small_model()
    x, _ = small_data(33)
    y = model.predict(x, batch_size, verbose=0)
    assert y.shape == (33, 3)
    assert y.dtype == "float32"
    assert y.flags.c_contiguous
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(y, model(x), rtol=1e-5, atol=1e-7)


def test_predict_leaves_the_data_alone():
    model = Sequential([layers.Input((6, 6, 1)), layers.Flatten()])
    x = np.ones((3, 6, 6, 1), "float32")
    y = model.predict(x, verbose=0)
    y[...] = 5
    z = model(x)
    z[...] = 5
    assert (x == 1).all()


def test_train_on_batch_is_a_step_of_fit():
    x, y = small_data(20)
    first, second = small_model(dropout=0.5), small_model(dropout=0.5)
    second.set_weights(first.get_weights())
    history = first.fit(x, y, 10, 1, 0, shuffle=False).history
    parts = [second.train_on_batch(x[k : k + 10], y[k : k + 10]) for k in (0, 10)]
    assert_same_weights(first.get_weights(), second.get_weights())
    assert history["loss"][0] == np.mean([loss for loss, _ in parts])
    assert set(second.train_on_batch(x, y, return_dict=True)) == {"loss", "accuracy"}


def test_train_on_batch_with_weights():
    x, y = small_data(20)
    weights = np.linspace(0, 1, 20)
    models = [small_model(optimizer="sgd") for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    models[0].train_on_batch(x, y, weights, {1: 3.0})
    models[1].train_on_batch(x, y, weights * np.where(y == 1, 3.0, 1.0))
    assert_same_weights(models[0].get_weights(), models[1].get_weights())


def test_float64(backend):
    model = small_model("float64")
    x, y = small_data()
    model.fit(x, y, verbose=0)
    assert {w.dtype.name for w in model.get_weights()} == {"float64"}
    assert {slot.dtype.name for slot in model.optimizer.slots.values()} == {"float64"}
    assert model.predict(x, verbose=0).dtype == "float64"
    npcnn.config.set_floatx("float64")
    assert small_model().dtype == "float64"


def test_both_precisions_agree():
    x, y = small_data()
    x = x / 255
    single, double = small_model("float32"), small_model("float64")
    double.set_weights(single.get_weights())
    a = single.fit(x, y, epochs=3, verbose=0).history["loss"]
    b = double.fit(x, y, epochs=3, verbose=0).history["loss"]
    np.testing.assert_allclose(a, b, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32", "float64"])
def test_samples_of_any_type_give_the_same_model(dtype):
    x, y = small_data()
    models = [small_model(), small_model()]
    models[1].set_weights(models[0].get_weights())
    models[0].fit(x, y, verbose=0)
    models[1].fit(x.astype(dtype), y, verbose=0)
    assert_same_weights(models[0].get_weights(), models[1].get_weights())


def test_pictures_stay_bytes():
    """Training on 8 MB of bytes must not make their 32 MB of floats."""
    x = np.zeros((20_000, 20, 20, 1), "uint8")
    y = np.zeros(20_000, "uint8")
    model = Sequential([layers.Input((20, 20, 1)), layers.Flatten(), layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x[:100], y[:100], 50, verbose=0)
    tracemalloc.start()
    try:
        model.fit(x, y, 50, verbose=0, validation_data=(x, y))
        model.predict(x, 50, verbose=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000


def test_arguments_are_not_modified():
    x, y = small_data()
    w = np.linspace(0.5, 1, 30)
    copies = x.copy(), y.copy(), w.copy()
    model = small_model()
    model.fit(x, y, verbose=0, sample_weight=w, validation_split=0.2)
    model.evaluate(x, y, sample_weight=w, verbose=0)
    model.predict(x, verbose=0)
    for array, copy in zip((x, y, w), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_read_only_data_will_do():
    x, y = small_data()
    x.flags.writeable = y.flags.writeable = False
    twin_x, twin_y = x.copy(), y.copy()
    model, twin = small_model(), small_model()
    twin.set_weights(model.get_weights())
    history = model.fit(x, y, shuffle=False, verbose=0).history
    assert history == twin.fit(twin_x, twin_y, shuffle=False, verbose=0).history
    np.testing.assert_array_equal(model.predict(x, verbose=0), twin.predict(twin_x, verbose=0))


def test_data_in_any_memory_layout():
    x, y = small_data()
    models = [small_model(), small_model()]
    models[1].set_weights(models[0].get_weights())
    models[0].fit(x, y, verbose=0)
    models[1].fit(np.asfortranarray(x)[::-1][::-1], list(y), verbose=0)
    assert_same_weights(models[0].get_weights(), models[1].get_weights())


def test_fit_again_goes_on():
    model = small_model()
    x, y = small_data()
    model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 1
    model.fit(x, y, epochs=2, verbose=0)
    assert model.optimizer.iterations == 3


def test_a_callback_may_predict_in_the_middle():
    """Predictions between steps must not disturb the training."""
    x, y = small_data()
    models = [small_model(), small_model()]
    models[1].set_weights(models[0].get_weights())
    models[0].fit(x, y, 10, 2, 0)
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: models[1].predict(x, verbose=0))
    models[1].fit(x, y, 10, 2, 0, callbacks=[look])
    assert_same_weights(models[0].get_weights(), models[1].get_weights())


def test_no_gradient_is_computed_that_nobody_needs(monkeypatch):
    """Below the first parameters nothing learns: the pictures' own gradient is never made."""
    asked = []

    def spy_on(layer):
        backward = layer.backward

        def spy(grad_y, need_grad_x=True):
            asked.append((layer.name, need_grad_x))
            return backward(grad_y, need_grad_x)

        monkeypatch.setattr(layer, "backward", spy)

    model = Sequential([layers.Input((6, 6, 1)), layers.ReLU(), layers.Conv2D(2, 3)])
    model.add(layers.Flatten())
    model.add(layers.Dense(3, "relu"))
    model.add(layers.Activation("linear"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    for layer in model.layers:
        spy_on(layer)
    model.train_on_batch(*small_data())
    assert asked == [("activation", True), ("dense", True), ("flatten", True), ("conv2d", False)]
