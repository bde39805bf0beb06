import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn.callbacks import BackupAndRestore, Callback, LambdaCallback, ModelCheckpoint
from npcnn.checks import ArgumentError, FileError, FormatError
from npcnn.inspection.recorder import gradient_sizes


def recorded(tmp_path, n=40, epochs=2, model=None, **kwargs):
    x, y = networks.digits(n)
    model = model or networks.document_network()
    path = tmp_path / "run.npz"
    callbacks = kwargs.pop("callbacks", [])
    recorder = npcnn.Recorder(path, **kwargs)
    model.fit(x, y, batch_size=10, epochs=epochs, verbose=0, callbacks=[*callbacks, recorder])
    return model, npcnn.load_recording(path), x


def test_frames_hold_what_the_network_was_like(tmp_path, backend):
    seen = {}

    def look(batch, logs):
        seen[model.optimizer.iterations] = (
            model.get_weights(), model.get_layer("dense").grad_kernel.copy(),
            model.get_layer("conv2d_1").saved()[2].copy(),
        )  # fmt: skip

    model = networks.document_network()
    looking = LambdaCallback(on_train_batch_end=look)
    model, run, _ = recorded(tmp_path, every=3, model=model, callbacks=[looking])
    assert run.steps.tolist() == [0, 3, 6, 8]  # the start, every third, the end
    assert run.epochs.tolist() == [0, 0, 1, 1]
    for frame, step in enumerate(run.steps[1:3], start=1):
        weights, gradient, y = seen[step]
        for a, b in zip(run.weights(frame), weights, strict=True):
            np.testing.assert_array_equal(a, b)
        norm = np.sqrt(np.square(gradient.astype("float64")).sum())
        assert run["gradient_norm/dense/kernel"][frame] == pytest.approx(norm)
        assert run["gradient_sizes/dense/kernel"][frame].sum() == np.count_nonzero(gradient)
        assert run["activation_mean/conv2d_1"][frame] == pytest.approx(y.mean(), rel=1e-5)
        assert run["activation_spread/conv2d_1"][frame] == pytest.approx(y.std(), rel=1e-5)
        assert run["dead/conv2d_1"][frame] == pytest.approx((y.max(axis=0) == 0).mean())
        old, new = seen[step - 1][0], weights
        ratio = np.linalg.norm(new[0] - old[0]) / np.linalg.norm(old[0])
        assert run["update_ratio/conv2d/kernel"][frame] == pytest.approx(ratio, rel=1e-4)
    assert np.isnan(run["gradient_norm/dense/kernel"][[0, 3]]).all()
    assert run.layers == ["conv2d", "conv2d_1", "conv2d_2", "conv2d_3", "dense", "dense_1"]


def test_replaying_gives_the_picture_again(tmp_path):
    model, run, x = recorded(tmp_path, every=4)
    for frame in range(len(run)):
        model.set_weights(run.weights(frame))
        outputs = model.predict(x[:1], verbose=0)[0]
        np.testing.assert_allclose(run["picture/dense_1"][frame], outputs, rtol=1e-5)
    assert run["picture/conv2d"].shape == (3, 28, 28, 5)
    assert run["picture/max_pooling2d"].shape == (3, 14, 14, 5)


def test_it_does_not_change_the_training(tmp_path, backend):
    npcnn.set_random_seed(2)
    model, _, _ = recorded(tmp_path, every=1)
    npcnn.set_random_seed(2)
    plain = networks.document_network()
    plain.fit(*networks.digits(40), batch_size=10, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_file_stays_bounded(tmp_path):
    _, run, _ = recorded(tmp_path, n=60, epochs=5, every=1, max_frames=8)
    assert len(run) <= 8
    assert run.steps[0] == 0
    assert run.steps[-1] == 30
    middle = np.diff(run.steps[:-1])
    assert (middle == middle[0]).all()
    assert middle[0] in (4, 8)


@pytest.mark.parametrize(("steps", "pitch"), [(2, 1), (19, 1), (188, 9), (2000, 100), (2500, 100)])
def test_by_default_frames_are_far_apart_but_enough_to_be_seen(tmp_path, steps, pitch):
    recorder = npcnn.Recorder(tmp_path / "run.npz")
    model = npcnn.Sequential([npcnn.Input((2,)), npcnn.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.ones((steps, 2)), np.arange(steps) % 2
    model.fit(x, y, batch_size=1, verbose=0, callbacks=[recorder])
    assert recorder.pitch == pitch
    kept = npcnn.load_recording(tmp_path / "run.npz").steps
    assert kept.tolist() == sorted({*range(0, steps + 1, pitch), steps})


def test_no_ratio_is_kept_of_what_was_nothing(tmp_path):
    """Biases begin at 0: how far they move by that size would drown every other ratio."""
    model = npcnn.Sequential([npcnn.Input((2,)), npcnn.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    recorder = npcnn.Recorder(tmp_path / "run.npz", every=1)
    model.fit(np.eye(2), [0, 1], batch_size=1, verbose=0, callbacks=[recorder])
    run = npcnn.load_recording(tmp_path / "run.npz")
    assert np.isnan(run["update_ratio/dense/bias"]).tolist() == [True, True, False]
    kernel, shown = run["update_ratio/dense/kernel"][1], str(run).splitlines()[2].split()[3]
    assert float(shown) == pytest.approx(kernel, rel=1e-3)


def test_appending(tmp_path):
    model, run, _ = recorded(tmp_path, every=4)
    _, longer, _ = recorded(tmp_path, every=4, model=model, append=True)
    assert longer.steps.tolist() == [0, 4, 8, 12, 16]
    np.testing.assert_array_equal(longer["weights/dense/kernel"][:3], run["weights/dense/kernel"])
    other = networks.small_network()
    x, y = networks.pictures(4)
    recorder = npcnn.Recorder(tmp_path / "run.npz", append=True)
    with pytest.raises(FormatError, match=r"append to .* got one of another model"):
        other.fit(x, y, verbose=0, callbacks=[recorder])


def test_state_of_a_checkpoint(tmp_path):
    model, _, _ = recorded(tmp_path, every=2)
    recorder = npcnn.Recorder(tmp_path / "run.npz", every=2)
    recorder.set_state({"step": 5, "pitch": 2})
    assert [frame["step"] for frame in recorder.frames] == [0, 2, 4]
    recorder.model = model
    assert recorder.get_state() == {"step": 8, "pitch": 2}
    assert npcnn.load_recording(tmp_path / "run.npz").steps.tolist() == [0, 2, 4]


def test_a_state_from_before_all_frames_leaves_the_first(tmp_path):
    recorder = npcnn.Recorder(tmp_path / "run.npz", every=1)
    model = networks.document_network()
    x, y = networks.digits(20)
    model.fit(x, y, batch_size=10, verbose=0, callbacks=[recorder])
    assert [frame["step"] for frame in recorder.frames] == [0, 1, 2]
    recorder.set_state({"step": -1, "pitch": 1})
    recorder.on_train_end()
    assert [frame["step"] for frame in recorder.frames] == [0, 2]


@pytest.mark.parametrize("saver", [ModelCheckpoint, BackupAndRestore])
def test_a_resumed_run_keeps_the_frames_of_before(tmp_path, saver):
    saved = tmp_path / "run.keras"
    more = {"resume_from": saved} if saver is ModelCheckpoint else {}
    x, y = networks.digits(20)

    class StopError(Exception):
        pass

    def stop(batch, logs):
        if model.optimizer.iterations == 5:
            raise StopError

    def listed(last):
        recorder = npcnn.Recorder(tmp_path / "run.npz", every=1)
        return [recorder, saver(saved, save_freq=4), last]

    model = networks.document_network()
    with pytest.raises(StopError):
        model.fit(x, y, 5, 2, 0, listed(LambdaCallback(on_train_batch_end=stop)))
    before = npcnn.load_recording(tmp_path / "run.npz")
    networks.document_network().fit(x, y, 5, 2, 0, listed(Callback()), **more)
    after = npcnn.load_recording(tmp_path / "run.npz")
    assert before.steps.tolist() == [0, 1, 2, 3, 4]
    assert after.steps.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    for name, frames in before.arrays.items():
        np.testing.assert_array_equal(after[name][:5], frames, name)


def test_the_picture_can_be_chosen(tmp_path):
    picture = np.full((28, 28, 1), 0.5)
    model, run, _ = recorded(tmp_path, every=8, picture=picture)
    outputs = model.predict(picture[None], verbose=0)[0]
    np.testing.assert_allclose(run["picture/dense_1"][-1], outputs, rtol=1e-5)
    with pytest.raises(ArgumentError, match=r"Recorder\(picture\): expected a sample \(28, 28,"):
        recorded(tmp_path, picture=np.zeros((3, 3)))


def test_prints(tmp_path):
    _, run, _ = recorded(tmp_path, every=4)
    lines = str(run).splitlines()
    assert lines[0].split()[:3] == ["step", "epoch", "loss"]
    assert len(lines) == 4


def test_a_damaged_file_is_one_clear_error(tmp_path):
    with pytest.raises(FileError, match=r"load_recording\(path\): expected a file"):
        npcnn.load_recording(tmp_path / "none.npz")
    path = tmp_path / "run.npz"
    recorded(tmp_path, every=4)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="expected a recording"):
        npcnn.load_recording(path)
    path.write_bytes(b"")
    with pytest.raises(FormatError, match="expected a recording"):
        npcnn.load_recording(path)
    np.savez(path, step=np.arange(3))
    with pytest.raises(FormatError, match=r"got another content; give a file that npcnn.Recorder"):
        npcnn.load_recording(path)
    np.savez(path, format=np.array("npcnn recording 1"), step=np.arange(3))
    with pytest.raises(FormatError, match="columns missing, empty or"):
        npcnn.load_recording(path)


def test_a_place_that_cannot_be_written_is_found_at_the_start(tmp_path):
    steps = []
    counting = LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(batch))
    model, (x, y) = networks.document_network(), networks.digits(10)
    recorder = npcnn.Recorder(tmp_path / "no" / "run.npz")
    with pytest.raises(FileError, match=r"write .*run.npz"):
        model.fit(x, y, verbose=0, callbacks=[counting, recorder])
    assert steps == []


def test_sizes_are_counted_in_powers_of_two():
    sizes = gradient_sizes(np.array([1e-30, 0.0, -0.5, 0.9, 3.0, 1e9], "float32"))
    assert sizes.shape == (50,)
    assert sizes[[0, 39, 41, 49]].tolist() == [1, 2, 1, 1]
    assert sizes.sum() == 5


@pytest.mark.parametrize("number", [1, 2])
def test_too_few_frames_are_refused(tmp_path, number):
    text = rf"Recorder\(max_frames\): expected 3 or more, got {number}; 100 is a good number\."
    with pytest.raises(ArgumentError, match=text):
        npcnn.Recorder(tmp_path / "run.npz", max_frames=number)


def test_a_run_is_resumed_where_another_model_has_written(tmp_path):
    """It once ended when all epochs were over, in NumPy's error about shapes."""
    saved, path = tmp_path / "run.keras", tmp_path / "run.npz"
    x, y = networks.digits(20)

    def fit(epochs, **more):
        listed = [npcnn.Recorder(path, every=1), ModelCheckpoint(saved)]
        networks.document_network().fit(x, y, 10, epochs, 0, listed, **more)

    fit(1)
    kept = saved.read_bytes()
    other, pictures = networks.small_network(), networks.pictures(4)
    other.fit(*pictures, verbose=0, callbacks=[npcnn.Recorder(path, every=1)])
    saved.write_bytes(kept)
    fit(2, resume_from=saved)
    assert npcnn.load_recording(path).steps.tolist() == [0, 3, 4]
