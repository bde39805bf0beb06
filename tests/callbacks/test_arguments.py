import os

import pytest
from models import assert_same_weights, small_data, small_model

from npcnn import callbacks
from npcnn.callbacks import CSVLogger, LambdaCallback, LearningRateScheduler, ReduceLROnPlateau
from npcnn.checks import ArgumentError, FileError, NpcnnError, NpcnnWarning, NumericsError


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("EarlyStopping", {"monitor": []}, r"EarlyStopping\(monitor\): expected a name"),
        ("EarlyStopping", {"patience": -1}, r"EarlyStopping\(patience\): expected an integer of 0"),
        ("EarlyStopping", {"min_delta": None}, r"EarlyStopping\(min_delta\): expected a finite"),
        ("EarlyStopping", {"baseline": "1"}, r"EarlyStopping\(baseline\): expected a finite"),
        ("ReduceLROnPlateau", {"factor": 1.0}, r"ReduceLROnPlateau\(factor\): .* below 1, got 1"),
        ("ReduceLROnPlateau", {"patience": 1.5}, r"ReduceLROnPlateau\(patience\): expected an int"),
        ("ReduceLROnPlateau", {"cooldown": -1}, r"ReduceLROnPlateau\(cooldown\): expected an int"),
        ("LearningRateScheduler", {"schedule": 0.1}, r"\(schedule\): expected a function, got 0.1"),
        ("CSVLogger", {"filename": 3}, r"CSVLogger\(filename\): expected a path, got 3"),
        ("CSVLogger", {"filename": "a", "separator": "::"}, r"\(separator\): expected one char"),
        ("ModelCheckpoint", {"filepath": None}, r"ModelCheckpoint\(filepath\): expected a path"),
        (
            "ModelCheckpoint",
            {"filepath": "a.h5", "save_freq": "step"},
            r"\(save_freq\): expected",
        ),
        (
            "BackupAndRestore",
            {"backup_dir": ""},
            r"\(backup_dir\): expected a path",
        ),
        ("BackupAndRestore", {"backup_dir": "a", "save_freq": 0}, r"BackupAndRestore\(save_freq\)"),
        ("TerminateOnNaN", {"raise_error": "yes"}, r"TerminateOnNaN\(raise_error\): expected True"),
    ],
)
def test_what_does_not_fit_is_refused(name, arguments, text):
    with pytest.raises(NpcnnError, match=text):
        getattr(callbacks, name)(**arguments)


def test_arguments_that_keras_passes_over_are_named():
    with pytest.warns(NpcnnWarning, match="ReduceLROnPlateau passes over epsilon, no arguments"):
        ReduceLROnPlateau(epsilon=1e-4)


@pytest.mark.parametrize("returned", [None, "0.1", float("nan"), -1.0])
def test_a_schedule_must_return_a_rate(returned):
    model = small_model()
    before = model.get_weights()
    with pytest.raises(ArgumentError, match=r"LearningRateScheduler\(schedule\)|learning_rate"):
        model.fit(*small_data(), 8, 2, 0, LearningRateScheduler(lambda epoch: returned))
    assert_same_weights(model.get_weights(), before)
    assert model.optimizer.learning_rate == 0.001


def test_a_type_error_in_a_schedule_comes_through():
    """It is not taken for a schedule of one argument, as Keras takes it."""

    def schedule(epoch, rate):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        small_model().fit(*small_data(), verbose=0, callbacks=LearningRateScheduler(schedule))


def test_terminating_with_an_error():
    stop = callbacks.TerminateOnNaN(raise_error=True)
    with pytest.raises(NumericsError, match="step 3 of the epoch: expected a finite loss, got inf"):
        stop.on_train_batch_end(2, {"loss": float("inf")})


@pytest.mark.parametrize("append", [False, True])
def test_a_table_that_cannot_be_written_is_an_error_before_the_first_step(tmp_path, append):
    model = small_model()
    before = model.get_weights()
    with pytest.raises(FileError, match=r"CSVLogger: expected a text file, got .*log\.csv"):
        model.fit(
            *small_data(),
            verbose=0,
            callbacks=CSVLogger(tmp_path / "no" / "log.csv", append=append),
        )
    assert_same_weights(model.get_weights(), before)


@pytest.mark.skipif(os.name == "nt", reason="a folder cannot be opened there either, but says so")
def test_a_table_in_the_place_of_bytes(tmp_path):
    (tmp_path / "log.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="CSVLogger: expected a text file"):
        small_model().fit(*small_data(), callbacks=CSVLogger(tmp_path / "log.csv", append=True))
    assert (tmp_path / "log.csv").read_bytes() == b"\xff\xfe\x00"


def test_hooks_of_none_are_passed_over():
    seen = []
    callback = LambdaCallback(None, lambda epoch, logs: seen.append(epoch), on_test_end=None)
    small_model().fit(*small_data(), verbose=0, callbacks=callback)
    assert seen == [0]
