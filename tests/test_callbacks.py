import numpy as np
import pytest
from models import assert_same_weights, small_data, small_model

import npcnn
from npcnn.callbacks import Callback, EarlyStopping, History, LambdaCallback, ReduceLROnPlateau
from npcnn.checks import ArgumentError, NpcnnError
from npcnn.metrics import Metric


class Notes(Callback):
    """Writes down every call."""

    def __init__(self, name, notes):
        self.name, self.notes = name, notes

    def __getattribute__(self, attribute):
        if attribute.startswith("on_"):
            return lambda *args: self.notes.append((self.name, attribute[3:], *args))
        return super().__getattribute__(attribute)


def test_the_order_of_calls():
    notes = []
    model = small_model()
    x, y = small_data(20)
    model.fit(x, y, 10, 1, 0, [Notes("a", notes), Notes("b", notes)], validation_data=(x, y))
    order = [
        "train_begin", "epoch_begin", "train_batch_begin", "train_batch_end",
        "train_batch_begin", "train_batch_end", "epoch_end", "train_end",
    ]  # fmt: skip
    made = [(name, hook) for name, hook, *_ in notes if hook in order]
    assert made == [(name, hook) for hook in order for name in "ab"]
    ends = [args for name, hook, *args in notes if (name, hook) == ("a", "train_batch_end")]
    assert [number for number, _ in ends] == [0, 1]
    assert set(ends[1][1]) == {"loss", "accuracy"}
    (epoch_end,) = [args for name, hook, *args in notes if (name, hook) == ("a", "epoch_end")]
    assert epoch_end[0] == 0
    assert list(epoch_end[1]) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert epoch_end[1]["loss"] == ends[1][1]["loss"]
    assert epoch_end[1]["loss"] == model.history.history["loss"][0]


def test_model_and_params_are_there():
    callback = Callback()
    model = small_model()
    x, y = small_data(20)
    model.fit(x, y, 8, 2, 0, callback)
    assert callback.model is model
    assert callback.params == {"epochs": 2, "steps": 3, "verbose": 0}


def test_history_goes_on_from_its_state():
    history = History()
    history.on_epoch_end(0, {"loss": 1.0})
    other = History()
    other.set_state(history.get_state())
    other.on_epoch_end(1, {"loss": 0.5})
    assert other.history == {"loss": [1.0, 0.5]}
    assert other.epoch == [0, 1]
    assert history.history == {"loss": [1.0]}


class FakeModel:
    stop_training = False
    weights = 0

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.restored = weights


def run_early_stopping(callback, values, name="val_loss"):
    """Return (how many epochs were run, the model)."""
    model = FakeModel()
    callback.set_model(model)
    callback.on_train_begin()
    epoch = -1
    for epoch, value in enumerate(values):
        model.weights = epoch
        callback.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch + 1, model


def test_early_stopping_counts_epochs_without_gain():
    values = [1.0, 0.9, 0.95, 0.91, 0.5, 0.6, 0.6, 0.6]
    assert run_early_stopping(EarlyStopping(), values)[0] == 3
    assert run_early_stopping(EarlyStopping(patience=2), values)[0] == 4
    callback = EarlyStopping(patience=3, restore_best_weights=True)
    epochs, model = run_early_stopping(callback, values)
    assert epochs == 8
    assert callback.best == 0.5
    assert callback.best_epoch == model.restored == 4
    assert callback.stopped_epoch == 7


def test_early_stopping_up_or_down():
    rising = [0.1, 0.2, 0.3, 0.2]
    assert run_early_stopping(EarlyStopping("val_accuracy"), rising, "val_accuracy")[0] == 4
    downward = EarlyStopping("val_accuracy", mode="min")
    assert run_early_stopping(downward, rising, "val_accuracy")[0] == 2
    assert run_early_stopping(EarlyStopping(mode="max"), rising)[0] == 4
    assert run_early_stopping(EarlyStopping(min_delta=0.5), [1.0, 0.6, 0.4])[0] == 2


def test_early_stopping_on_a_model():
    model = small_model()
    x, y = small_data()
    seen = []
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()))
    stop = EarlyStopping("loss", min_delta=10, patience=2, restore_best_weights=True)
    history = model.fit(x, y, epochs=9, verbose=0, callbacks=[keep, stop])
    assert len(history.history["loss"]) == 3
    assert_same_weights(model.get_weights(), seen[0])


def test_early_stopping_goes_on_from_its_state():
    callback = EarlyStopping(patience=2)
    run_early_stopping(callback, [1.0, 2.0])
    other = EarlyStopping(patience=2)
    other.set_state(callback.get_state())
    assert (other.wait, other.best) == (1, 1.0)


@pytest.mark.parametrize("callback", [EarlyStopping, ReduceLROnPlateau])
def test_a_number_of_which_nobody_knows_whether_larger_is_better(callback):
    class Mine(Metric):
        def values(self, y_true, y_pred):
            return y_pred[:, 0]

    x, y = small_data()
    model = small_model()
    model.compile("sgd", "sparse_categorical_crossentropy", [Mine()])
    before = model.get_weights()
    with pytest.raises(ArgumentError, match=r"\(monitor\): .*'val_mine'; say mode='min' or mode='"):
        model.fit(x, y, verbose=0, callbacks=callback("val_mine"))
    assert_same_weights(model.get_weights(), before)
    model.fit(x, y, verbose=0, callbacks=callback("mine", mode="max"))
    Mine.direction = "up"
    model.fit(x, y, verbose=0, callbacks=callback("mine"))


def test_any_callback_may_stop_the_run():
    model = small_model()

    def stop(epoch, logs):
        model.stop_training = epoch == 1

    x, y = small_data()
    history = model.fit(x, y, epochs=5, verbose=0, callbacks=LambdaCallback(on_epoch_end=stop))
    assert history.epoch == [0, 1]


def test_lambda_callback_knows_the_hooks():
    with pytest.raises(ArgumentError, match=r"LambdaCallback: .*perhaps 'on_epoch_end' was meant"):
        LambdaCallback(on_epoch_ends=print)


@pytest.mark.parametrize("bad", [print, [Callback], ["History"]])
def test_only_callbacks(bad):
    model = small_model()
    with pytest.raises(ArgumentError, match=r"fit\(callbacks\): expected Callback objects, got"):
        model.fit(*small_data(), callbacks=bad)


def test_an_error_in_a_callback_comes_through():
    def fail(epoch, logs):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        small_model().fit(*small_data(), verbose=0, callbacks=[LambdaCallback(on_epoch_end=fail)])


def test_weights_may_be_changed_by_a_callback():
    model = small_model()

    def zero(batch, logs):
        model.set_weights([np.zeros_like(w) for w in model.get_weights()])

    model.fit(*small_data(), verbose=0, callbacks=[LambdaCallback(on_train_batch_end=zero)])
    assert all((w == 0).all() for w in model.get_weights())


def stopped_after(curve, **options):
    """Return how many epochs of a curve of losses a run would take."""
    callback = EarlyStopping("loss", **options)
    callback.set_model(small_model())
    callback.on_train_begin()
    for epoch, value in enumerate(curve):
        callback.on_epoch_end(epoch, {"loss": value})
        if callback.model.stop_training:
            return epoch + 1
    return len(curve)


def test_early_stopping_has_keras_options(capsys):
    falling = [5.0, 4.0, 3.0, 2.0, 1.0]
    assert stopped_after(falling, patience=2) == 5
    assert stopped_after(falling, patience=2, baseline=0.5) == 5  # better each time: waits on
    assert stopped_after([5.0, 4.0, 4.0, 4.0], patience=2, baseline=0.5) == 3
    assert stopped_after([1.0, 2.0, 2.0, 2.0, 2.0], patience=2) == 3
    assert stopped_after([1.0, 2.0, 2.0, 2.0, 2.0], patience=2, start_from_epoch=2) == 5
    callback = EarlyStopping("loss", 0, 1, 1, "min")  # positions are Keras's
    callback.set_model(small_model())
    for epoch in range(2):
        callback.on_epoch_end(epoch, {"loss": 1.0})
    callback.on_train_end()
    assert capsys.readouterr().out == "Epoch 2: early stopping\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"patience": -1}, r"EarlyStopping\(patience\): expected an integer of 0 or more, got -1"),
        (
            {"patience": 1.5},
            r"EarlyStopping\(patience\): expected an integer of 0 or more, got 1.5",
        ),
        ({"monitor": []}, r"EarlyStopping\(monitor\): expected a name, got \[\]"),
        ({"monitor": None}, r"EarlyStopping\(monitor\): expected a name, got None"),
        ({"min_delta": np.nan}, r"EarlyStopping\(min_delta\): expected a finite number, got nan"),
        ({"baseline": "low"}, r"EarlyStopping\(baseline\): expected a finite number, got 'low'"),
        ({"start_from_epoch": -1}, r"EarlyStopping\(start_from_epoch\): expected an integer of 0"),
        ({"restore_best_weights": 2}, r"EarlyStopping\(restore_best_weights\): expected True or"),
    ],
)
def test_early_stoppings_arguments(arguments, text):
    with pytest.raises(NpcnnError, match=text):
        EarlyStopping(**arguments)


def test_a_lambda_callback_takes_functions():
    with pytest.raises(
        NpcnnError, match=r"LambdaCallback\(on_epoch_end\): expected a function, got 3"
    ):
        LambdaCallback(on_epoch_end=3)
    LambdaCallback(on_epoch_end=None).on_epoch_end(0)


def test_a_callback_may_evaluate_while_an_epoch_is_under_way():
    """The epoch's own numbers go on as if it had not."""
    x, y = small_data(40)
    plain = small_model().fit(x, y, 8, 2, 0).history
    npcnn.set_random_seed(1234)
    model, seen = small_model(), []
    look = LambdaCallback(
        on_train_batch_end=lambda *_: seen.append(model.evaluate(x, y, verbose=0))
    )
    assert model.fit(x, y, 8, 2, 0, look).history == plain
    assert len(seen) == 10


def test_no_run_is_under_way_after_fit():
    model = small_model()
    model.fit(*small_data(), verbose=0)
    assert model.run is None
