"""Runs that were killed and go on: with every callback, to the same bits."""

import numpy as np
import pytest
from models import assert_same_weights, small_data, small_model

import npcnn
from npcnn.callbacks import (
    BackupAndRestore,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from npcnn.checks import ArgumentError
from npcnn.metrics import Metric

EPOCHS = 6


class StopError(Exception):
    pass


class Spread(Metric):
    """Counts as Keras's metrics do, in a variable and in a plain attribute."""

    def __init__(self):
        super().__init__("spread")
        self.squares = self.add_weight(shape=(3,), initializer="zeros", name="squares")
        self.seen = 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.squares.assign_add((y_pred**2).sum(axis=0))
        self.seen += len(y_pred)

    def result(self):
        return np.sqrt(self.squares / max(self.seen, 1)).max()

    def reset_state(self):
        super().reset_state()
        self.seen = 0


def listed(folder):
    """Return callbacks that change the run, and stop it in its fifth epoch or so."""
    return [
        LearningRateScheduler(lambda epoch, rate: rate if epoch % 2 else rate * 0.9),
        ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=10, cooldown=1),
        EarlyStopping("spread", mode="max", patience=3, restore_best_weights=True),
        CSVLogger(folder / "log.csv"),
        TerminateOnNaN(),
    ]


def run(folder, more=(), kill_at=None, seed=5, begin=(), **options):
    """Return (weights, history, the table's text), or raise StopError after so many steps."""
    npcnn.set_random_seed(seed)
    model = small_model(dropout=0.4)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy", Spread()])
    x, y = small_data(25)

    def kill(*_):
        if model.optimizer.iterations == kill_at:
            raise StopError

    killer = LambdaCallback(on_train_batch_begin=kill, on_test_batch_end=kill)
    callbacks = [*begin, *listed(folder), *more, killer]
    model.fit(x, y, 5, EPOCHS, 0, callbacks, 0.2, **options)
    history = model.history.history
    return model.get_weights(), history, (folder / "log.csv").read_text("utf-8")


@pytest.mark.parametrize("kill_at", range(1, 16, 2))
def test_resumed_it_ends_with_the_same_bits(tmp_path, kill_at):
    wanted = run(tmp_path)
    assert len(set(wanted[1]["learning_rate"])) > 3
    path = tmp_path / "run.keras"
    with pytest.raises(StopError):
        run(tmp_path, [ModelCheckpoint(path, save_freq=1)], kill_at)
    weights, history, table = run(
        tmp_path, [ModelCheckpoint(path, save_freq=1)], seed=6, resume_from=path
    )
    assert_same_weights(weights, wanted[0])
    assert (history, table) == wanted[1:]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("save_freq", ["epoch", 1, 3])
def test_called_again_it_goes_on_from_the_backup(tmp_path, save_freq, first):
    """Killed three times, at the fifth, sixth and fourteenth step."""
    wanted = run(tmp_path)

    def backed_up(**options):
        backup = BackupAndRestore(tmp_path / "back{up}", save_freq)
        place = {"begin": [backup]} if first else {"more": [backup]}
        return run(tmp_path, **place, **options)

    for kill_at in (5, 6, 14):
        with pytest.raises(StopError):
            backed_up(kill_at=kill_at, seed=kill_at if kill_at > 5 else 5)
        assert (tmp_path / "back{up}" / "latest.keras").exists()
    weights, history, table = backed_up(seed=99)
    assert_same_weights(weights, wanted[0])
    assert (history, table) == wanted[1:]
    assert not (tmp_path / "back{up}").exists()


def test_a_backup_may_be_kept_and_is_not_taken_for_another_run(tmp_path):
    x, y = small_data(12)
    backup = BackupAndRestore(tmp_path, delete_checkpoint=False)
    first = small_model()
    first.fit(x, y, 4, 2, 0, backup)
    second = small_model()
    second.fit(x, y, 4, 2, 0, backup)  # it is over: nothing is left to learn
    assert_same_weights(second.get_weights(), first.get_weights())
    assert second.history.history == first.history.history
    third = small_model()
    before = third.get_weights()
    with pytest.raises(ArgumentError, match=r"latest\.keras.*a checkpoint with batch_size 6"):
        third.fit(x, y, 6, 2, 0, BackupAndRestore(tmp_path))
    assert_same_weights(third.get_weights(), before)


def test_other_files_beside_a_backup_stay(tmp_path):
    (tmp_path / "mine.txt").touch()
    small_model().fit(*small_data(12), 4, 2, 0, BackupAndRestore(tmp_path, save_freq=2))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_refused_resume_leaves_the_table_alone(tmp_path):
    path = tmp_path / "run.keras"
    run(tmp_path, [ModelCheckpoint(path)])
    before = (tmp_path / "log.csv").read_text("utf-8")

    x, y = small_data(25)
    model = small_model()
    with pytest.raises(ArgumentError, match="a checkpoint with"):
        model.fit(x, y, 7, 3, 0, [CSVLogger(tmp_path / "log.csv")], resume_from=path)
    assert (tmp_path / "log.csv").read_text("utf-8") == before
