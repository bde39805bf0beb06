import hashlib
import io
import json
import signal
import zipfile

import numpy as np
import pytest
from models import assert_same_weights, small_data, small_model

import npcnn
from npcnn.callbacks import (
    Callback,
    EarlyStopping,
    LambdaCallback,
    ModelCheckpoint,
)
from npcnn.checks import ArgumentError, DtypeError, FileError, FormatError, NpcnnWarning
from npcnn.saving.run_state import GROUP


class StopError(Exception):
    pass


class Drop(Callback):
    """Halves the learning rate each epoch, and has a state of every sort."""

    def __init__(self):
        self.state = {"a": [1, 2.5, None, float("inf")], "b": {"c": np.arange(3.0)}, "d": "é"}
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        self.model.optimizer.learning_rate /= 2

    def get_state(self):
        return {**self.state, "epochs": self.epochs}

    def set_state(self, state):
        np.testing.assert_array_equal(state["b"].pop("c"), np.arange(3.0))
        assert {k: state[k] for k in "ad"} == {k: self.state[k] for k in "ad"}
        self.epochs = state["epochs"]


def train(path, stop=None, seed=5, data=None, model=None, **options):
    """Train with dropout, early stopping and all; stop after some steps if asked to."""
    npcnn.set_random_seed(seed)
    model = model or small_model(dropout=0.4, optimizer=options.pop("optimizer", "adam"))
    x, y = data or small_data(30)
    steps = []

    def count(batch, logs):
        steps.append(batch)
        if len(steps) == stop:
            raise StopError

    save_freq = options.pop("save_freq", 3)
    listed = [
        *([ModelCheckpoint(path, save_freq=save_freq)] if path else []),
        EarlyStopping("val_loss", patience=20, restore_best_weights=True),
        Drop(),
        LambdaCallback(on_train_batch_end=count),
    ]
    options = {"epochs": 4, "batch_size": 7, "validation_split": 0.2, "verbose": 0, **options}
    history = model.fit(x, y, callbacks=listed, **options)
    return model, history.history


def bits(model, history):
    found = hashlib.sha256(json.dumps(history).encode())
    for array in (*model.get_weights(), *model.optimizer.slots.values()):
        found.update(array.tobytes())
    return found.hexdigest()


@pytest.mark.parametrize("extension", [".keras", ".h5"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", npcnn.optimizers.SGD(0.01, momentum=0.9)])
@pytest.mark.parametrize("save_freq", [1, 3, "epoch"])
def test_resumed_at_any_step_it_ends_with_the_same_bits(tmp_path, backend, extension, optimizer,
                                                        save_freq):  # fmt: skip
    def fresh():
        if isinstance(optimizer, str):
            return optimizer
        return type(optimizer)(**optimizer.get_config())

    whole = bits(*train(None, optimizer=fresh()))
    path = tmp_path / f"run{extension}"
    for stop in (5, 8, 9, 15):
        with pytest.raises(StopError):
            train(path, stop, optimizer=fresh(), save_freq=save_freq)
        assert bits(*train(path, seed=99, optimizer=fresh(), save_freq=save_freq,
                           resume_from=path)) == whole  # fmt: skip


def test_a_run_that_had_ended_ends_again(tmp_path, capsys):
    path = tmp_path / "run.keras"
    model, history = train(path, save_freq=4)  # saves after the last step, before the epoch's end
    again = train(path, resume_from=path, verbose=2)
    assert bits(*again) == bits(model, history)
    assert f"Resumed from {path}: epoch 4 of 4, step 4 of 4" in capsys.readouterr().out


def test_going_on_for_more_epochs(tmp_path):
    path = tmp_path / "run.keras"
    train(path, save_freq="epoch", epochs=2)
    assert bits(*train(path, resume_from=path)) == bits(*train(None))


def test_early_stopping_goes_on_counting_and_stays_stopped(tmp_path):
    x, y = small_data(20)
    path = tmp_path / "run.keras"

    def fit(epochs, **more):
        npcnn.set_random_seed(1)
        model = small_model()
        stop = EarlyStopping("loss", patience=2, mode="max")  # the loss falls: stops after 3
        listed = [ModelCheckpoint(path), stop]
        history = model.fit(x, y, epochs=epochs, verbose=0, callbacks=listed, **more)
        return history.epoch

    assert fit(2) == [0, 1]
    assert fit(9, resume_from=path) == [0, 1, 2]
    assert fit(9, resume_from=path) == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"batch_size": 8}, "batch_size 8, as here, got 7"),
        ({"data": small_data(35)}, "samples 28, as here, got 24"),
        ({"data": small_data(30, seed=1)}, "data '"),
        ({"optimizer": "sgd"}, "optimizer's class 'SGD', as here, got 'Adam'"),
        ({"optimizer": npcnn.optimizers.Adam(0.1)}, "optimizer's learning_rate 0.1"),
        ({"model": small_model(dropout=0.3)}, "layer 4's rate 0.3, as here, got 0.4"),
        ({"model": small_model(dtype="float64", dropout=0.4)}, "dtype 'float64'"),
        ({"shuffle": False}, "shuffle False, as here, got True"),
        ({"validation_split": 0.0, "validation_data": small_data(5)}, "samples 30, as here"),
        ({"sample_weight": np.ones(30)}, "data '"),
    ],
)  # fmt: skip
def test_another_run_is_refused_and_nothing_changed(tmp_path, change, named):
    path = tmp_path / "run.keras"
    train(path)
    model = change.pop("model", None) or small_model(
        dropout=0.4, optimizer=change.pop("optimizer", "adam")
    )
    before = model.get_weights()
    with pytest.raises(ArgumentError) as caught:
        train(path, model=model, resume_from=path, **change)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_more_layers_are_refused(tmp_path):
    path = tmp_path / "run.keras"
    train(path)
    model = small_model(dropout=0.4)
    model.add(npcnn.layers.Softmax())
    with pytest.raises(ArgumentError, match="layers, in number 7, as here, got 6"):
        train(path, model=model, resume_from=path)


def test_another_backend_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "run.keras"
    train(path)
    monkeypatch.setattr("npcnn.saving.checkpoint.get_backend", lambda: "other")
    with pytest.raises(ArgumentError, match=r"backend 'other'.*their bits differ; call npcnn.use_"):
        train(path, resume_from=path)


def test_another_format_version_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "run.keras"
    monkeypatch.setattr("npcnn.saving.checkpoint.FORMAT", 3)
    train(path)
    monkeypatch.undo()
    with pytest.raises(ArgumentError, match="format version 2, got version 3; use the npcnn that"):
        train(path, resume_from=path)


def test_a_missing_callback_is_named(tmp_path):
    path = tmp_path / "run.keras"
    train(path)
    x, y = small_data(30)
    model = small_model(dropout=0.4)
    with pytest.raises(ArgumentError, match="a callback EarlyStopping, as saved"):
        model.fit(x, y, 7, 4, 0, [ModelCheckpoint(path)], 0.2, resume_from=path)


def spoil_state(file, spoil):
    """Rewrite the state in an open h5py file."""
    state = json.loads(file[f"{GROUP}/state"][:].tobytes())
    spoil(state)
    del file[f"{GROUP}/state"]
    file[f"{GROUP}/state"] = np.frombuffer(json.dumps(state).encode(), "uint8")


def whole_state(model, callbacks):
    """Return bytes and numbers of all that a run may change."""
    optimizer = model.optimizer
    arrays = [*model.get_weights(), *optimizer.slots.values()]
    return (
        [array.tobytes() for array in arrays], optimizer.iterations, optimizer.learning_rate,
        [callback.get_state() for callback in callbacks], model.stop_training,
    )  # fmt: skip


class Stubborn(Callback):
    """Changes itself before it finds that a state makes no sense."""

    def __init__(self, error=None):
        self.error, self.kept = error, 0

    def get_state(self):
        return {"kept": self.kept}

    def set_state(self, state):
        self.kept = 99
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize("extension", ["keras", "h5"])
@pytest.mark.parametrize(
    "wrong",
    ["callback", "callback's state", "callback's class", "history", "slots", "one slot",
     "stranger's", "interrupted"],
)  # fmt: skip
def test_a_refused_resume_changes_nothing(tmp_path, wrong, extension):
    import h5py

    path = tmp_path / f"run.{extension}"
    x, y = small_data(20)
    listed = [EarlyStopping("loss"), Stubborn(), ModelCheckpoint(path, save_freq=2)]
    small_model().fit(x, y, 5, 1, 0, listed)
    data = {} if extension == "h5" else dict(zip_members(path))
    stream = path if extension == "h5" else io.BytesIO(data["model.weights.h5"])
    slots = "optimizer_weights" if extension == "h5" else "optimizer/vars"
    with h5py.File(stream, "r+") as file:
        if wrong == "slots":
            del file[slots]
        elif wrong == "one slot" and extension == "h5":
            file[slots].attrs["weight_names"] = list(file[slots].attrs["weight_names"])[:-1]
        elif wrong == "one slot":
            del file[slots]["9"]
        elif wrong == "callback's state":
            spoil_state(file, lambda s: s["run"]["callbacks"][1]["state"].update(wait="x"))
        elif wrong == "callback's class":
            spoil_state(file, lambda s: s["run"]["callbacks"][1].pop("class"))
        elif wrong == "history":
            spoil_state(file, lambda s: s["run"]["callbacks"][0]["state"].update(history=[1]))
    if extension == "keras":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in {**data, "model.weights.h5": stream.getvalue()}.items():
                archive.writestr(name, content)
    errors = {"stranger's": IndexError("pop from empty list"), "interrupted": KeyboardInterrupt()}
    stop, stubborn = EarlyStopping("loss"), Stubborn(errors.get(wrong))
    listed = [stubborn] if wrong == "callback" else [stop, stubborn]
    model = small_model()
    model.fit(x, y, 5, 1, 0)
    stop.reset()
    before = whole_state(model, listed)
    with pytest.raises((ArgumentError, FormatError, KeyboardInterrupt)) as caught:
        model.fit(x, y, 5, 2, 0, listed, resume_from=path)
    assert "\n" not in str(caught.value)
    assert whole_state(model, listed) == before
    assert [path] == list(tmp_path.iterdir())


def zip_members(path):
    with zipfile.ZipFile(path) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def test_a_run_whose_layers_are_frozen_goes_on(tmp_path):
    x, y = small_data(20)
    path = tmp_path / "run.keras"

    def fit(epochs, **more):
        model = small_model()
        model.trainable = False
        with pytest.warns(NpcnnWarning, match="expected trainable weights, got none"):
            return model.fit(x, y, 5, epochs, 0, [ModelCheckpoint(path)], **more).epoch

    fit(1)
    assert fit(2, resume_from=path) == [0, 1]


def test_files_that_are_no_checkpoint(tmp_path):
    x, y = small_data(30)
    model = small_model()
    with pytest.raises(FileError, match=r"no\.keras"):
        model.fit(x, y, verbose=0, resume_from=tmp_path / "no.keras")
    with pytest.raises(ArgumentError, match=r"\.keras or \.h5"):
        model.fit(x, y, verbose=0, resume_from=tmp_path / "run.ckpt")
    model.save(tmp_path / "plain.keras")
    with pytest.raises(ArgumentError, match="a model without a run; name a file that ModelCheck"):
        model.fit(x, y, verbose=0, resume_from=tmp_path / "plain.keras")


@pytest.mark.parametrize(
    ("key", "value"),
    [("epoch", -1), ("batch", 99), ("seed", 2**70), ("scores", {}), ("callbacks", [3]),
     ("callbacks", [{"class": "History", "state": {"epoch": 3, "history": 4}}])],
)  # fmt: skip
def test_a_damaged_state_is_refused(tmp_path, key, value):
    import h5py

    path = tmp_path / "run.h5"
    train(path)
    with h5py.File(path, "r+") as file:
        state = json.loads(file[f"{GROUP}/state"][:].tobytes())
        state["run"][key] = value
        del file[f"{GROUP}/state"]
        file[f"{GROUP}/state"] = np.frombuffer(json.dumps(state).encode(), "uint8")
    with pytest.raises(FormatError, match="a whole checkpoint"):
        train(path, resume_from=path)


def test_a_state_that_cannot_be_kept_is_named(tmp_path):
    class Bad(Callback):
        def get_state(self):
            return {"thing": object()}

    x, y = small_data(10)
    path = tmp_path / "run.keras"
    with pytest.raises(DtypeError, match=r"run\.callbacks\[1\]\.state\.thing.*got object"):
        small_model().fit(x, y, verbose=0, callbacks=[ModelCheckpoint(path), Bad()])
    assert not path.exists()


# Killed for good -----------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_runs_go_on_to_the_same_bits():
    from benchmark_scripts import load

    found = load("kill_resume").run(kills=2, seed=4, backend="numpy")
    assert found["resumed to the same bits"] == 2
    assert found["checkpoints lost"] == found["other bits"] == 0
    assert found["temporaries left after resuming"] == 0


@pytest.mark.parametrize("saved_at", [3, 5, 8])
def test_an_epoch_that_was_ended_early_is_ended_by_the_resumed_run_too(tmp_path, saved_at):
    """The run stops within its second epoch: it is validated and reported, then it is over."""
    path = tmp_path / "run.keras"
    x, y = small_data(30)

    def run(crash_after=None, seed=5, **more):
        npcnn.set_random_seed(seed)
        model = small_model(dropout=0.4)

        def stop(batch, logs):
            model.stop_training = model.optimizer.iterations == 8

        def crash(*_):
            if model.optimizer.iterations == crash_after:
                raise StopError

        hooks = {"on_train_batch_begin": crash, "on_train_batch_end": stop, "on_test_begin": crash}
        listed = [LambdaCallback(**hooks), ModelCheckpoint(path, save_freq=1)]
        model.fit(x, y, 5, 4, 0, listed, 0.2, **more)
        return model.get_weights(), model.history.history

    wanted, curves = run()
    assert len(curves["val_loss"]) == 2
    with pytest.raises(StopError):
        run(saved_at)
    weights, again = run(seed=6, resume_from=path)
    assert_same_weights(weights, wanted)
    assert again == curves


def test_a_model_with_functions_in_its_graph_goes_on(tmp_path, backend):
    """What `npcnn.ops` is called on is no layer with a name in Keras, and was refused."""
    npcnn.set_random_seed(1)
    data, path = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3), tmp_path / "run.keras"

    def made(slope=0.3):
        x = npcnn.layers.Input((3,))
        y = npcnn.ops.leaky_relu(npcnn.layers.Dense(3)(x), negative_slope=slope)
        model = npcnn.Model(x, npcnn.layers.Dense(3)(y))
        model.compile("adam", "mse")
        return model

    def run(model, epochs, **options):
        return model.fit(data, data, epochs=epochs, verbose=0, **options).history["loss"]

    whole, first = made(), made()
    first.set_weights(whole.get_weights())
    losses = run(whole, 4)
    run(first, 2, callbacks=[ModelCheckpoint(str(path))])
    again = [ModelCheckpoint(str(path))]
    assert run(made(), 4, callbacks=again, resume_from=path) == losses
    with pytest.raises(ArgumentError, match="layer 1's how"):
        run(made(slope=0.1), 6, callbacks=again, resume_from=path)
