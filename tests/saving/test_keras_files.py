"""Files that need no Keras to be made: what npcnn lacks, what goes wrong."""

import errno
import io
import json
import time
import warnings
import zipfile

import h5py
import numpy as np
import pytest
from models import assert_same_weights, edited, small_data, small_model, trained

import npcnn
from npcnn import layers, models
from npcnn.checks import DtypeError, FileError, FormatError, StateError

X = np.linspace(-1, 1, 2 * 36, dtype="float32").reshape(2, 6, 6, 1)


# What npcnn has nothing for ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"class_name": "EinsumDense"}, "class 'EinsumDense'.*npcnn lacks"),
        ({"class_name": "Embedding"}, "of class 'Embedding'.*a class npcnn lacks"),
        ({"class_name": "Lambda"}, "of class 'Lambda'.*options that npcnn has, got 'filters' = "),
        ({"class_name": ["Dense"]}, "a class npcnn lacks"),
        ({"groups": 2}, "'conv2d' of class 'Conv2D'.*groups.*a divisor of filters=3, got 2"),
        ({"kernel_regularizer": {"class_name": "L3"}}, "kernel_regularizer: expected one of l1, "),
        ({"kernel_regularizer": {"class_name": "L2", "config": {"l2": -1}}}, "a number ≥ 0"),
        ({"bias_constraint": "low_norm"}, "bias_constraint: expected one of max_norm, "),
        ({"bias_constraint": {"class_name": "MaxNorm", "config": {"axis": 7}}}, "expected an axis"),
        ({"activation": "sparsemin"}, "activation celu, elu.*'sparsemin'"),
        ({"activation": {"class_name": "Dense", "config": {"units": 3}}}, "chance or a kernel"),
        ({"activation": {"class_name": "function", "config": "os.system"}}, "'os.system'"),
        ({"kernel_initializer": "orthogonall"}, "'orthogonall'.*'orthogonal' was meant"),
        ({"kernel_initializer": {"class_name": "STFT", "config": {}}}, "Zeros.*STFT"),
        ({"dtype": {"config": {"name": "mixed_float16"}}}, "float32 or float64.*mixed_float16"),
        ({"filters": "three"}, "filters.*a positive integer"),
        ({"padding": "causal"}, "one of valid, same"),
        ({"data_format": "channels_first"}, "channels_last"),
        ({"kernel_size": None}, "kernel_size"),
    ],
)  # fmt: skip
def test_unknown_layers_and_options_are_named(tmp_path, change, text):
    path = tmp_path / "m.h5"
    small_model().save(path)

    def spoil(config):
        entry = config["config"]["layers"][1]
        for key, value in change.items():
            (entry if key == "class_name" else entry["config"])[key] = value

    edited(path, spoil)
    with pytest.raises(FormatError, match=text) as caught:
        npcnn.load_model(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_models_of_other_kinds_are_named(tmp_path):
    path = tmp_path / "m.h5"
    small_model().save(path)
    edited(path, lambda config: config.update(class_name="Functional"))
    with pytest.raises(FormatError, match="inbound_nodes of a layer, got None"):
        npcnn.load_model(path)
    for kind in ("Subclassed", ["Sequential"], {}):
        edited(path, lambda config, kind=kind: config.update(class_name=kind))
        with pytest.raises(FormatError, match="a Sequential or functional model, got class"):
            npcnn.load_model(path)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"class_name": "Lamb"}, "the optimizer 'Lamb'"),
        ({"decay": 0.1}, "Adam's option decay = 0.1"),
        ({"lookahead": 1.0}, "Adam's option 'lookahead'"),
        ({"clipnorm": -1.0}, r"Adam\(clipnorm\): expected a number > 0"),
        ({"learning_rate": {"class_name": "ExponentialDecay"}}, "learning_rate as it is given"),
        ({"learning_rate": {"class_name": "Sinking", "config": {}}}, "got 'Sinking'"),
        ({"loss": "round"}, "the loss 'round'"),
        ({"metrics": ["r9_score"]}, "'r9_score'"),
        ({"loss_weights": [-1.0]}, "loss_weights"),
    ],
)
def test_other_compile_settings_are_left_out_with_a_warning(tmp_path, change, text):
    model, path = trained(), tmp_path / "m.h5"
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["training_config"])
        for key, value in change.items():
            optimizer = config["optimizer_config"]
            place = config if key in config else optimizer["config"]
            (optimizer if key == "class_name" else place)[key] = value
        file.attrs["training_config"] = json.dumps(config)
    with pytest.warns(UserWarning, match=f"loaded without its compile settings.*{text}"):
        back = npcnn.load_model(path)
    assert not back.compiled
    assert_same_weights(back.get_weights(), model.get_weights())


@pytest.mark.parametrize("form", ["soft", "external", "virtual", "outside", "chunks", "shape"])
def test_values_from_elsewhere_are_refused(tmp_path, form):
    model, path = trained(), tmp_path / "m.h5"
    model.save(path)
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["kernel"] = np.ones((16, 8), "f4")
    with h5py.File(path, "r+") as file:
        name = "model_weights/dense/sequential/dense/kernel"
        shape = file[name].shape
        del file[name]
        if form == "soft":
            file[name] = h5py.SoftLink("/optimizer_weights")
        elif form == "external":
            file[name] = h5py.ExternalLink(str(secret), "kernel")
        elif form == "virtual":
            layout = h5py.VirtualLayout(shape, "f4")
            layout[...] = h5py.VirtualSource(str(secret), "kernel", shape)
            file.create_virtual_dataset(name, layout)
        elif form == "outside":
            file.create_dataset(name, shape, "f4", external=[(str(secret), 0, 4000)])
        elif form == "chunks":
            file.create_dataset(name, data=np.ones(shape, "f4"), chunks=(1, 1), compression=9)
        else:
            file.create_dataset(name, (10**6, 10**6), "f4")
    words = {"soft": "a soft link", "external": "an external link", "shape": r"\(1000000",
             "virtual": "a virtual|another layout", "outside": "another file",
             "chunks": "filtered|chunks"}  # fmt: skip
    with pytest.raises(FormatError, match=words[form]):
        npcnn.load_model(path)


def test_only_the_expected_members(tmp_path):
    path = tmp_path / "m.keras"
    small_model().save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil", "x")
    with pytest.raises(FormatError, match=r"the members metadata.json.*\.\./evil"):
        npcnn.load_model(path)


@pytest.mark.parametrize("clock", [0.0, -1e9, 5e9])
def test_whatever_the_clock_says(tmp_path, monkeypatch, clock):
    """ZIP knows the years 1980 to 2107; a small computer without a battery starts in 1970."""
    year = {0.0: 1970, -1e9: 1938, 5e9: 2128}[clock]
    frozen = time.struct_time((year, 1, 1, 0, 0, 0, 3, 1, 0))
    monkeypatch.setattr(time, "time", lambda: clock)
    monkeypatch.setattr(time, "localtime", lambda *_: frozen)
    model = small_model()
    model.save(tmp_path / "m.keras")
    loaded = npcnn.load_model(tmp_path / "m.keras")
    assert_same_weights(loaded.get_weights(), model.get_weights())
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o600}


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "m.keras"
    small_model().save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["model.weights.h5"] = bytes(50 * 2**20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(FormatError, match="too many bytes for its size; it is damaged or made"):
        npcnn.load_model(path)


# Ways in and out -----------------------------------------------------------------------------


@pytest.mark.parametrize("extension", [".keras", ".h5", ".KERAS"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_round_trip(tmp_path, extension, optimizer):
    model = trained(optimizer)
    path = tmp_path / f"m{extension}"
    model.layers[0].trainable = False
    model.save(str(path))
    back = models.load_model(path)
    assert back.get_config() == model.get_config()
    assert back.to_json() == model.to_json()
    assert back.objective.losses[0].get_config() == model.objective.losses[0].get_config()
    x, y = small_data(9)
    assert [back.train_on_batch(x, y) for _ in range(3)] == [
        model.train_on_batch(x, y) for _ in range(3)
    ]
    np.testing.assert_array_equal(back.predict(X, verbose=0), model.predict(X, verbose=0))


def test_loading_leaves_the_random_stream_alone(tmp_path):
    path = tmp_path / "m.keras"
    small_model().save(path)
    npcnn.set_random_seed(1)
    first = small_model().get_weights()
    npcnn.set_random_seed(1)
    npcnn.load_model(path)
    assert_same_weights(small_model().get_weights(), first)


def test_a_missing_file_and_one_that_is_none(tmp_path):
    with pytest.raises(FileError, match="No such file"):
        npcnn.load_model(tmp_path / "no.h5")
    for name in ("text.h5", "text.keras"):
        (tmp_path / name).write_text("no model at all")
        with pytest.raises(FormatError, match=name):
            npcnn.load_model(tmp_path / name)


def test_an_unbuilt_model_has_nothing_to_save(tmp_path):
    model = npcnn.Sequential([layers.Dense(2)])
    with pytest.raises(StateError, match="a built model"):
        model.save(tmp_path / "m.h5")
    assert npcnn.model_from_json(model.to_json()).to_json() == model.to_json()


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5"])
def test_load_weights(tmp_path, name):
    model, other = trained(), small_model()
    (model.save_weights if "weights" in name else model.save)(tmp_path / name)
    other.load_weights(tmp_path / name)
    assert_same_weights(other.get_weights(), model.get_weights())
    wider = npcnn.Sequential([layers.Input((6, 6, 1)), layers.Flatten(), layers.Dense(3)])
    before = wider.get_weights()
    with pytest.raises(FormatError, match="use the architecture it was saved from"):
        wider.load_weights(tmp_path / name)
    assert_same_weights(wider.get_weights(), before)


def test_json_and_config():
    model = small_model()
    again = models.model_from_json(model.to_json())
    assert again.to_json() == model.to_json()
    assert again.compiled
    assert npcnn.Sequential.from_config(model.get_config()).get_config() == model.get_config()
    with pytest.raises(DtypeError, match="a text, got dict"):
        npcnn.model_from_json({})
    big = npcnn.Sequential([layers.Dense(3)])
    text = big.to_json().replace('"units": 3', '"units": 1000000000')
    text = text.replace('"layers": [', '"build_input_shape": [null, 100], "layers": [')
    text_of_error = r"at most 67108864 bytes of weights, got 4\.04e\+11; if you trust it, raise"
    with pytest.raises(FormatError, match=text_of_error):
        npcnn.model_from_json(text)
    with pytest.raises(FormatError, match=r"at most 8589934592 bytes of weights, got 4\.04e\+11"):
        npcnn.Sequential.from_config(json.loads(text)["config"])


def test_a_metric_of_ones_own_is_left_out_with_a_warning(tmp_path):
    class Mine:
        name = "mine"

        def values(self, y, outputs):
            return np.zeros(len(y))

    model = small_model(compiled=False)
    model.compile("adam", "sparse_categorical_crossentropy", [Mine()])
    with pytest.warns(UserWarning, match="metric 'mine' is not npcnn's own"):
        model.save(tmp_path / "m.keras")
    assert npcnn.load_model(tmp_path / "m.keras").metric_names == ["loss"]


# A save that fails ---------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["pathlib.Path.write_bytes", "os.fsync", "os.replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch, step, number):
    path = tmp_path / "m.keras"
    model = small_model()
    model.save(path)
    old = path.read_bytes()

    def fail(*arguments, **options):
        raise OSError(number, "no room")

    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        with pytest.raises(FileError, match="a writable place, got no room") as caught:
            model.save(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


def test_a_target_that_is_a_folder(tmp_path):
    (tmp_path / "m.keras").mkdir()
    with pytest.raises(FileError, match="a file name, got a folder"):
        small_model().save(tmp_path / "m.keras")
    with pytest.raises(FileError):
        small_model().save(tmp_path / "no" / "m.keras")


def test_no_warning_and_no_h5py_for_reading(tmp_path, run_python):
    path = tmp_path / "m.keras"
    trained().save(path)
    source = f"import sys, npcnn; npcnn.load_model({str(path)!r}); print('h5py' in sys.modules)"
    assert run_python(source, NPCNN_BACKEND="numpy").strip() == "False"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        npcnn.load_model(path)
    assert io.BytesIO(path.read_bytes()).read(2) == b"PK"


@pytest.mark.parametrize("extension", [".keras", ".h5"])
def test_keras_options_of_saving_and_loading(tmp_path, extension):
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile("adam", "categorical_crossentropy")
    path = tmp_path / f"model{extension}"
    model.save(path)
    assert npcnn.load_model(path).compiled
    bare = npcnn.load_model(path, compile=False)
    assert not bare.compiled
    np.testing.assert_array_equal(bare.get_weights()[0], model.get_weights()[0])
    before = path.read_bytes()
    with pytest.raises(npcnn.NpcnnError, match="expected a new file, got one that exists"):
        model.save(path, overwrite=False)
    assert path.read_bytes() == before
    models.save_model(model, filepath=path, overwrite=True, zipped=None)
    assert npcnn.load_model(filepath=path, safe_mode=True).compiled
    weights = tmp_path / "model.weights.h5"
    model.save_weights(filepath=weights)
    with pytest.raises(npcnn.NpcnnError, match=r"save_weights .* expected a new file, got one"):
        model.save_weights(weights, overwrite=False)
    bare.load_weights(filepath=weights)
    with pytest.raises(
        npcnn.NpcnnError, match=r"load_model\(custom_objects\): expected a dict by name"
    ):
        npcnn.load_model(path, custom_objects=["Mine"])
