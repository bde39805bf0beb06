"""ModelCheckpoint: when it saves, what, and under which names."""

import numpy as np
import pytest
from models import assert_same_weights, small_data, small_model

import npcnn
from npcnn.callbacks import (
    Callback,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
)
from npcnn.checks import ArgumentError, FileError


def test_names_with_numbers(tmp_path):
    x, y = small_data(20)
    model = small_model()
    saver = ModelCheckpoint(tmp_path / "m-{epoch:02d}-{val_loss:.2f}.h5")
    history = model.fit(x, y, epochs=2, verbose=0, callbacks=saver, validation_data=(x, y))
    first, second = history.history["val_loss"]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"m-01-{first:.2f}.h5", f"m-02-{second:.2f}.h5"]


def test_every_n_steps_counts_over_epochs(tmp_path):
    x, y = small_data(20)
    saver = ModelCheckpoint(tmp_path / "m-{epoch}-{batch}.keras", save_freq=3)
    small_model().fit(x, y, 5, 2, verbose=0, callbacks=saver)  # four steps an epoch
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m-1-3.keras", "m-2-2.keras"]


@pytest.mark.parametrize(("mode", "kept"), [("min", 1), ("max", 2), ("auto", 1)])
def test_best_only(tmp_path, mode, kept):
    saver = ModelCheckpoint(tmp_path / "{epoch}.keras", "val_loss", save_best_only=True, mode=mode)
    model = small_model()
    x, y = small_data(10)
    values = iter([3.0, 1.0, 5.0])

    class Fake(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = next(values)

    model.fit(x, y, epochs=3, verbose=0, callbacks=[Fake(), saver])
    assert len(list(tmp_path.iterdir())) == 2
    assert saver.best == (1.0 if kept == 1 else 5.0)


def test_weights_only(tmp_path, capsys):
    x, y = small_data(10)
    model = small_model()
    path = tmp_path / "m.weights.h5"
    saver = ModelCheckpoint(path, save_weights_only=True, verbose=1)
    model.fit(x, y, verbose=0, callbacks=saver)
    said = [f"saving model to {path}", f"finished saving model to {path}"]
    assert capsys.readouterr().out == "".join(f"\nEpoch 1: {text}\n" for text in said)
    other = small_model()
    other.load_weights(path)
    for a, b in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"filepath": "m.ckpt"}, "a name ending in .keras or .h5"),
        ({"filepath": "m.h5", "save_weights_only": True}, "a name ending in .weights.h5"),
        ({"filepath": "m.h5", "mode": 3}, "a text"),
        ({"filepath": "m.h5", "save_freq": 0}, "a positive integer"),
    ],
)
def test_arguments_are_checked(arguments, text):
    with pytest.raises(ArgumentError, match=text):
        ModelCheckpoint(**arguments)


def test_the_folder_is_made(tmp_path):
    x, y = small_data(10)
    path = tmp_path / "a" / "b" / "{epoch}" / "m.h5"
    small_model().fit(x, y, epochs=2, verbose=0, callbacks=ModelCheckpoint(path))
    assert [p.parent.name for p in sorted(tmp_path.rglob("m.h5"))] == ["1", "2"]
    (tmp_path / "file").touch()
    model = small_model()
    before = model.get_weights()
    with pytest.raises(FileError, match="a folder that exists or can be made"):
        model.fit(x, y, verbose=0, callbacks=ModelCheckpoint(tmp_path / "file" / "m.h5"))
    assert_same_weights(model.get_weights(), before)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("{val_x}", {}),
        ("{val_loss}", {}),
        ("{val_loss}", {"validation_split": 0.3, "validation_freq": 2}),
        ("{val_loss}", {"validation_split": 0.3, "save_freq": 1}),
        ("{batch}", {}),
        ("{}", {}),
    ],
)
def test_a_name_that_the_run_will_not_report_is_an_error_before_the_first_step(
    tmp_path, name, more
):
    x, y = small_data(10)
    model = small_model()
    before = model.get_weights()
    saver = ModelCheckpoint(tmp_path / f"{name}.h5", save_freq=more.pop("save_freq", "epoch"))
    with pytest.raises(ArgumentError, match=r"names among loss, accuracy, .*epoch"):
        model.fit(x, y, verbose=0, callbacks=saver, **more)
    assert_same_weights(model.get_weights(), before)


def test_names_that_a_callback_of_ones_own_adds(tmp_path):
    def add(epoch, logs):
        logs["mine"] = 3

    x, y = small_data(10)
    listed = [LambdaCallback(on_epoch_end=add), ModelCheckpoint(tmp_path / "{mine}.h5")]
    small_model().fit(x, y, verbose=0, callbacks=listed)
    assert (tmp_path / "3.h5").exists()
    listed = [LambdaCallback(on_epoch_end=add), ModelCheckpoint(tmp_path / "{yours}.h5")]
    with pytest.raises(ArgumentError, match="names among accuracy, loss, mine, epoch"):
        small_model().fit(x, y, verbose=0, callbacks=listed)


@pytest.mark.parametrize(
    "name",
    ["{val_loss}.h5", "{batch}.h5", "{acc}.h5", "{loss:zz}.h5", "{0}.h5", "{loss.x}.h5", "{.h5"],
)
def test_a_name_that_cannot_be_made_is_refused_before_the_first_step(tmp_path, name):
    x, y = small_data(10)
    model = small_model()
    with pytest.raises(ArgumentError, match=r"names among loss, accuracy, epoch, got "):
        model.fit(x, y, verbose=0, callbacks=ModelCheckpoint(tmp_path / name))
    assert model.optimizer.iterations == 0


def test_a_callback_of_ones_own_may_report_more(tmp_path):
    class Rates(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["rate"] = 0.5

    x, y = small_data(10)
    saver = ModelCheckpoint(tmp_path / "{rate}.h5")
    small_model().fit(x, y, verbose=0, callbacks=[Rates(), saver])
    assert (tmp_path / "0.5.h5").exists()


def test_npcnns_own_callbacks_say_what_they_report(tmp_path):
    x, y = small_data(10)
    saver = ModelCheckpoint(tmp_path / "{learning_rate}.h5")
    rates = LearningRateScheduler(lambda epoch: 0.25)
    small_model().fit(x, y, verbose=0, callbacks=[rates, saver])
    assert (tmp_path / "0.25.h5").exists()
    with pytest.raises(ArgumentError, match="names among loss, accuracy, epoch, got"):
        small_model().fit(x, y, verbose=0, callbacks=saver)


class Unsayable(npcnn.optimizers.schedules.LearningRateSchedule):
    """A schedule without a config."""

    def __call__(self, step):
        return 0.1


@npcnn.utils.register_keras_serializable("test_model_checkpoint")
class Bent(npcnn.layers.Layer):
    """A layer whose config no file can have."""

    def __init__(self, bend, **kwargs):
        super().__init__(**kwargs)
        self.bend = bend

    def call(self, x):
        return self.bend(x)


def test_weights_alone_need_no_config(tmp_path):
    layers = [npcnn.Input((4,)), Bent(lambda x: x * 2), npcnn.layers.Dense(2)]
    model = npcnn.Sequential(layers)
    model.compile(npcnn.optimizers.SGD(Unsayable()), "mse")
    path = tmp_path / "{epoch}.weights.h5"
    saves = npcnn.callbacks.ModelCheckpoint(str(path), save_weights_only=True)
    x, y = np.ones((6, 4), np.float32), np.ones((6, 2), np.float32)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[saves])
    expected = [array.copy() for array in model.get_weights()]
    model.fit(x, y, verbose=0)
    model.load_weights(tmp_path / "2.weights.h5")
    for loaded, one in zip(model.get_weights(), expected, strict=True):
        assert (loaded == one).all()


def saved_after(folder, resume_from=None):
    """Return what two savers write, each after steps of its own, and the best value they know."""
    x, y = small_data(20)
    model = small_model(optimizer="sgd")
    savers = [
        ModelCheckpoint(folder / "two-{epoch}-{batch}.keras", save_freq=2),
        ModelCheckpoint(folder / "three-{epoch}-{batch}.keras", save_freq=3),
    ]
    more = {} if resume_from is None else {"resume_from": resume_from}
    model.fit(x, y, 4, 2, verbose=0, callbacks=savers, **more)
    return sorted(path.stem for path in folder.iterdir())


def test_a_run_that_goes_on_counts_on(tmp_path):
    for name in ("whole", "rest"):
        (tmp_path / name).mkdir()
    whole = saved_after(tmp_path / "whole")
    threes = [name for name in whole if name.startswith("three")]
    assert threes == ["three-1-3", "three-2-1", "three-2-4"]
    rest = saved_after(tmp_path / "rest", tmp_path / "whole" / "two-1-4.keras")
    assert rest == [name for name in whole if name not in ("two-1-2", "two-1-4", "three-1-3")]


def test_a_run_that_goes_on_knows_the_best(tmp_path):
    saver, other = (
        ModelCheckpoint(tmp_path / "a.keras", "loss", save_best_only=True, mode="min")
        for _ in range(2)
    )
    assert other.get_state()["best"] is None
    for best in (0.25, None):
        saver.best = best
        other.set_state(saver.get_state())
        assert other.best == best
