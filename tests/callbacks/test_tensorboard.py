"""Event files: read by TensorBoard itself."""

import io

import numpy as np
import pytest
from models import small_data, small_model

from npcnn import callbacks
from npcnn.callbacks import TensorBoard
from npcnn.callbacks.event_file import EventFile, buckets
from npcnn.callbacks.tensorboard import _pictures
from npcnn.checks import FileError, NpcnnError, NpcnnWarning

pytest.importorskip("tensorboard", reason="needs tensorboard")


def read(folder):
    """Return what TensorBoard finds in one run's folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    found.Reload()
    return found


def curve(run, tag):
    from tensorboard.util.tensor_util import make_ndarray

    return [(event.step, make_ndarray(event.tensor_proto)) for event in run.Tensors(tag)]


def fitted(folder, **settings):
    model, board = small_model(), TensorBoard(str(folder), **settings)
    data = small_data()
    history = model.fit(*data, 8, 3, 0, board, validation_data=data, shuffle=False).history
    return model, history


def test_the_folders_and_names_are_keras_s(tmp_path):
    _, history = fitted(tmp_path, update_freq=2)
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    names = [name for name in history if not name.startswith("val_")]
    own = {"batch": names, "epoch": [*names, "learning_rate"]}
    tags = {f"{kind}_{name}" for kind in own for name in own[kind]}
    assert set(train.Tags()["tensors"]) == tags | {"keras"}
    evaluated = {f"evaluation_{name}_vs_iterations" for name in names}
    assert set(validation.Tags()["tensors"]) == {f"epoch_{name}" for name in names} | evaluated
    plugin = train.SummaryMetadata("epoch_loss").plugin_data.plugin_name
    assert plugin == "scalars"


def test_curves_are_the_history_s(tmp_path):
    model, history = fitted(tmp_path, update_freq="batch")
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    for run, tag, name in ((train, "epoch_loss", "loss"), (validation, "epoch_loss", "val_loss")):
        steps, values = zip(*curve(run, tag), strict=True)
        assert steps == (0, 1, 2)
        assert values == tuple(np.float32(history[name]))
    steps = model.optimizer.iterations
    batches = curve(train, "batch_loss")
    assert [step for step, _ in batches] == list(range(1, steps + 1))
    assert batches[-1][1] == np.float32(history["loss"][-1])
    each = steps // 3
    evaluations = curve(validation, "evaluation_loss_vs_iterations")
    assert [step for step, _ in evaluations] == [each, 2 * each, 3 * each]


def test_histograms_and_pictures_of_parameters(tmp_path):
    from PIL import Image

    model, _ = fitted(tmp_path, histogram_freq=2, write_images=True, write_graph=False)
    train = read(tmp_path / "train")
    for weight in model.weights:
        (first, _), (last, rows) = curve(train, f"{weight.path}/histogram")
        assert (first, last) == (0, 2)
        np.testing.assert_array_equal(rows, buckets(weight.value))
        assert rows[:, 2].sum() == np.prod(weight.shape)
        _, texts = curve(train, f"{weight.path}/image")[-1]
        width, height, *pngs = texts.tolist()
        with Image.open(io.BytesIO(pngs[0])) as picture:
            assert picture.size == (int(width), int(height))


@pytest.mark.parametrize(
    ("shape", "pictures"),
    [
        ((5,), (1, 5, 1)),
        ((7, 3), (1, 3, 7)),
        ((3, 3, 1, 4), (4, 3, 3)),
        ((3, 3, 2, 3), (3, 3, 2, 3)),
        ((3, 3, 2, 8), None),
        ((), (1, 1, 1)),
    ],
)  # fmt: skip
def test_parameters_are_laid_out_as_keras_does(shape, pictures):
    found = _pictures(np.squeeze(np.ones(shape)))
    assert pictures == (None if found is None else found.shape)
    assert found is None or (found == 255).all()


@pytest.mark.parametrize(
    "array", [np.arange(9.0), np.r_[np.nan, np.inf, 3.0], np.zeros(4), np.zeros(0)]
)
def test_a_histogram_counts_what_is_finite(array, tmp_path):
    file = EventFile(str(tmp_path))
    file.histogram("h", array, 300)
    file.flush()
    ((step, rows),) = curve(read(tmp_path), "h")
    assert step == 300
    assert rows[:, 2].sum() == np.isfinite(array).sum()


def test_tensorboard_draws_the_architecture(tmp_path):
    import json

    from tensorboard.plugins.graph import keras_util

    model, _ = fitted(tmp_path)
    ((_, text),) = curve(read(tmp_path / "train"), "keras")
    drawn = keras_util.keras_model_to_graph_def(json.loads(text.item()))
    assert [node.name.split("/")[-1] for node in drawn.node][-1] == model.layers[-1].name


def test_speed_is_written_where_it_is_asked_for(tmp_path):
    fitted(tmp_path, write_steps_per_second=True, update_freq=1)
    run = read(tmp_path / "train")
    for tag in ("batch_steps_per_second", "epoch_steps_per_second"):
        assert all(value > 0 for _, value in curve(run, tag))


def test_a_resumed_run_counts_its_steps_on(tmp_path):
    model, data = small_model(), small_data()
    saver = callbacks.ModelCheckpoint(str(tmp_path / "run.keras"))
    board = TensorBoard(str(tmp_path), update_freq=1)
    model.fit(*data, 8, 2, 0, [saver, board])
    steps, again = model.optimizer.iterations, TensorBoard(str(tmp_path / "2"), update_freq=1)
    saver = callbacks.ModelCheckpoint(str(tmp_path / "other.keras"))
    small_model().fit(
        *data, 8, 3, 0, [saver, again], resume_from=tmp_path / "run.keras"
    )  # fmt: skip
    first, *_ = curve(read(tmp_path / "2" / "train"), "batch_loss")
    assert first[0] == steps + 1


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"update_freq": "step"}, r"TensorBoard\(update_freq\): expected a positive integer"),
        ({"histogram_freq": -1}, r"TensorBoard\(histogram_freq\): expected an integer of 0"),
        ({"log_dir": 3}, r"TensorBoard\(log_dir\): expected a path"),
    ],
)
def test_what_does_not_fit_is_refused(settings, text):
    with pytest.raises(NpcnnError, match=text):
        TensorBoard(**settings)


def test_what_it_passes_over_is_named():
    with pytest.warns(NpcnnWarning, match=r"TensorBoard\(profile_batch\): \(2, 4\) is passed over"):
        TensorBoard(profile_batch=(2, 4))


def test_a_folder_that_cannot_be_is_found_before_the_first_step(tmp_path):
    (tmp_path / "train").write_text("no folder")
    model = small_model()
    with pytest.raises(FileError, match=r"TensorBoard: expected a file to write to, got .*train"):
        model.fit(*small_data(), verbose=0, callbacks=TensorBoard(str(tmp_path)))
    assert not model.optimizer.iterations
