import io
import os
import warnings

import numpy as np
import pytest

import npcnn
from npcnn import layers, utils
from npcnn.checks import (
    ArgumentError,
    DtypeError,
    FileError,
    FormatError,
    NpcnnError,
    NpcnnWarning,
)
from npcnn.preprocessing import image, image_dataset_from_directory


@pytest.fixture
def folder(tmp_path):
    """Return a folder with three classes of four pictures, each class of its own grey."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(("cats", "dogs", "hens")):
        (tmp_path / "train" / name).mkdir(parents=True)
        for k in range(4):
            pixels = rng.integers(0, 40, (9, 8, 3)) + 100 * number
            image.save_img(tmp_path / "train" / name / f"{k}.png", pixels, scale=False)
    (tmp_path / "train" / ".hidden").mkdir()
    (tmp_path / "train" / "cats" / "notes.txt").write_text("no picture")
    return tmp_path / "train"


def network(channels=3, classes=3):
    npcnn.set_random_seed(0)
    model = npcnn.Sequential([
        layers.Input((8, 8, channels)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3),
        layers.Flatten(), layers.Dense(classes, "softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_a_network_learns_from_a_folder(folder):
    data = image_dataset_from_directory(folder, image_size=(8, 8), batch_size=4, seed=1)
    assert data.class_names == ["cats", "dogs", "hens"]
    assert len(data) == 3
    model = network()
    model.optimizer.learning_rate = 0.02
    assert model.fit(data, epochs=60, verbose=0).history["accuracy"][-1] == 1
    assert model.evaluate(data.take(2).cache().prefetch(1), verbose=0)[1] == 1
    flow = image.ImageDataGenerator(horizontal_flip=True).flow_from_directory(
        folder, target_size=(8, 8), batch_size=4, class_mode="sparse", shuffle=False
    )
    assert flow.class_indices == {"cats": 0, "dogs": 1, "hens": 2}
    assert model.evaluate(flow, verbose=0)[1] == 1
    assert model.predict(flow, verbose=0).argmax(-1).tolist() == flow.classes.tolist()
    model.fit(flow, epochs=2, steps_per_epoch=3, validation_data=flow, validation_steps=1,
              verbose=0)  # fmt: skip


def test_a_shuffled_folder_goes_on_to_the_same_bits(folder, tmp_path):
    def data():
        return image_dataset_from_directory(folder, image_size=(8, 8), batch_size=5, seed=1)

    orders = [np.concatenate([y for _, y in again]) for again in [data()] * 3]
    assert len({order.tobytes() for order in orders}) > 1
    whole, path = network(), tmp_path / "run.keras"
    whole.fit(data(), epochs=4, verbose=0)
    network().fit(data(), epochs=2, verbose=0,
                  callbacks=[npcnn.callbacks.ModelCheckpoint(str(path))])  # fmt: skip
    again = network()
    again.fit(data(), epochs=4, verbose=0, resume_from=path,
              callbacks=[npcnn.callbacks.ModelCheckpoint(str(path))])  # fmt: skip
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_a_data_set_becomes(folder):
    data = image_dataset_from_directory(folder, image_size=(8, 8), batch_size=5, shuffle=False,
                                        color_mode="grayscale")  # fmt: skip
    (x, y), (x2, _), (x3, y3) = list(data)
    assert x.shape == (5, 8, 8, 1)
    assert x3.shape == (2, 8, 8, 1)
    assert y.tolist() == [0, 0, 0, 0, 1]
    mapped = data.map(lambda a, b: (a / 2, b + 1))
    np.testing.assert_array_equal(next(iter(mapped))[0], x / 2)
    assert len(mapped) == 3
    assert mapped.class_names == data.class_names
    np.testing.assert_array_equal(next(iter(data.skip(1)))[0], x2)
    assert [len(part) for part in (data.take(2), data.skip(1), data.skip(1).take(5))] == [2, 2, 2]
    assert [b.tolist() for _, b in data.skip(2).map(lambda a, b: (a, b * 2))] == [(y3 * 2).tolist()]
    one = image_dataset_from_directory(folder, image_size=(8, 8), batch_size=None, shuffle=False)
    assert [p.shape for p in next(iter(one))] == [(8, 8, 3), ()]
    none = image_dataset_from_directory(folder, labels=None, image_size=(8, 8), verbose=False)
    assert next(iter(none)).shape == (12, 8, 8, 3)
    given = image_dataset_from_directory(folder, labels=[5] * 6 + [7] * 6, shuffle=False)
    assert given.class_names == ["5", "7"]


def test_lines_say_how_many_files_are_for_what(folder, capsys):
    half = {"image_size": (8, 8), "validation_split": 0.25, "seed": 1}
    for subset in ("both", "validation"):
        image_dataset_from_directory(folder, subset=subset, **half)
    found = "Found 12 files belonging to 3 classes."  # Keras's lines
    train, rest = (
        f"Using {n} files for {name}." for n, name in ((9, "training"), (3, "validation"))
    )
    assert capsys.readouterr().out.splitlines() == [found, train, rest, found, rest]


def test_pairs_of_generators_with_one_seed_move_alike():
    x = np.random.default_rng(0).random((6, 8, 8, 1))
    flows = [
        image.ImageDataGenerator(rotation_range=90, horizontal_flip=True).flow(x, seed=5)
        for _ in range(2)
    ]
    for _ in range(3):
        one, other = (next(flow) for flow in flows)
        np.testing.assert_array_equal(one, other)
    with_more = image.ImageDataGenerator().flow([x, np.arange(6)], np.arange(6), 2, shuffle=False)
    (pictures, more), y = with_more[1]
    assert pictures.shape == (2, 8, 8, 1)
    assert more.tolist() == y.tolist() == [2, 3]


def test_npcnn_s_seed_decides_without_one():
    x = np.random.default_rng(0).random((6, 8, 8, 1))
    found = []
    for seed in (1, 1, 2):
        npcnn.set_random_seed(seed)
        found.append(next(image.ImageDataGenerator(rotation_range=90).flow(x)))
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


def test_what_is_handed_in_stays_as_it_is():
    x = np.random.default_rng(0).random((4, 5, 5, 3)).astype("float32")
    before = x.copy()
    generator = image.ImageDataGenerator(samplewise_center=True, rescale=3.0, vertical_flip=True)
    generator.fit(x)
    next(generator.flow(x))
    np.testing.assert_array_equal(x, before)


def test_integers_stay_integers():
    x = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    y = image.apply_affine_transform(x, tx=0.5)
    assert y.dtype == np.uint8
    np.testing.assert_array_equal(y[0, :, 0], [2, 4, 6])
    assert image.apply_affine_transform(x) is x


def test_files_and_memory(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype("uint8")
    content = io.BytesIO()
    utils.save_img(content, pixels, file_format="png", scale=False)
    np.testing.assert_array_equal(utils.load_img(io.BytesIO(content.getvalue())), pixels)
    path = tmp_path / "a.bmp"
    utils.save_img(path, pixels, scale=False)
    for given in (path, str(path), os.fsencode(path)):
        np.testing.assert_array_equal(utils.img_to_array(utils.load_img(given)), pixels)
    utils.save_img(tmp_path / "a.jpg", np.ones((4, 4, 4)))
    assert utils.load_img(tmp_path / "a.jpg", "rgba").mode == "RGBA"
    deep = utils.array_to_img(np.full((2, 2, 1), 300), scale=False)
    assert deep.mode == "I"
    assert utils.img_to_array(pixels[..., 0], dtype="uint8").dtype == np.uint8
    assert image.smart_resize(pixels, (3, 3)).shape == (3, 3, 3)
    assert image.smart_resize(pixels[None], (8, 2)).shape == (1, 8, 2, 3)


def test_what_was_not_fitted_warns():
    generator = image.ImageDataGenerator(zca_whitening=True)
    assert generator.featurewise_center
    with pytest.warns(NpcnnWarning, match=r"ImageDataGenerator\(\w+\): expected fit\(x\) before"):
        generator.standardize(np.ones((2, 2, 1)))
    generator.fit(np.random.default_rng(0).random((9, 2, 2, 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generator.standardize(np.ones((2, 2, 1), "float32"))


X = np.zeros((4, 5, 5, 3))
GENERATOR = image.ImageDataGenerator


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: GENERATOR(zoom_range="a"), ArgumentError, r"\(zoom_range\): expected two numbers"),
        (lambda: GENERATOR(brightness_range=0.5), ArgumentError, r"\(brightness_range\): expected"),
        (lambda: GENERATOR(width_shift_range=[]), ArgumentError, r"\(width_shift_range\)"),
        (lambda: GENERATOR(fill_mode="mirror"), ArgumentError, r"\(fill_mode\): expected one of"),
        (lambda: GENERATOR(interpolation_order=3), ArgumentError, r"expected 0 or 1, got 3"),
        (lambda: GENERATOR(validation_split=1.5), ArgumentError, r"\(validation_split\)"),
        (lambda: GENERATOR(data_format="channels_first"), ArgumentError, "'channels_last'"),
        (lambda: GENERATOR(dtype="many"), DtypeError, r"\(dtype\): expected a dtype"),
        (lambda: GENERATOR().flow(X[0]), ArgumentError, r"flow\(x\): expected four axes"),
        (lambda: GENERATOR().flow(X, [1]), ArgumentError, r"flow\(y\): expected as many y as pict"),
        (lambda: GENERATOR().flow("a"), DtypeError, r"flow\(x\): expected an array of numbers"),
        (lambda: GENERATOR().flow(X, subset="test"), ArgumentError, r"\(subset\): expected one of"),
        (
            lambda: GENERATOR(validation_split=0.5).flow(X, [0, 0, 1, 1], subset="training"),
            ArgumentError, r"flow\(subset\): expected the same classes in both",
        ),
        (lambda: GENERATOR().fit(X[0]), ArgumentError, r"fit\(x\): expected four axes"),
        (lambda: GENERATOR().fit(X * np.nan), ArgumentError, r"fit\(x\): expected finite numbers"),
        (lambda: GENERATOR().flow_from_directory("no"), FileError, r"'no'\): expected a folder"),
        (lambda: utils.load_img("no.png"), FileError, r"load_img\('no.png'\): expected a picture"),
        (lambda: utils.load_img(io.BytesIO(b"x" * 99)), FormatError, "load_img.*: expected a pict"),
        (lambda: utils.load_img(5), ArgumentError, r"load_img\(path\): expected a path, got 5"),
        (lambda: utils.load_img("a", "cmyk"), ArgumentError, r"load_img\(color_mode\)"),
        (lambda: utils.array_to_img(X), ArgumentError, r"array_to_img\(x\): expected \(rows, col"),
        (lambda: utils.array_to_img(X[0] * np.nan), ArgumentError, "expected finite numbers"),
        (lambda: utils.img_to_array(X), ArgumentError, "expected two or three axes"),
        (lambda: utils.img_to_array("a"), DtypeError, r"img_to_array\(img\): expected a picture"),
        (lambda: utils.save_img("a.xyz", X[0]), ArgumentError, r"save_img\(file_format\)"),
        (lambda: image.smart_resize(X[0, 0], (2, 2)), ArgumentError, r"smart_resize\(x\)"),
        (lambda: image.apply_affine_transform(X), ArgumentError, r"apply_affine_transform\(x\)"),
    ],
)  # fmt: skip
def test_errors(call, kind, text):
    with pytest.raises(kind, match=text):
        call()


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"validation_split": 0.5}, ArgumentError, "expected subset with validation_split"),
        (
            {"validation_split": 0.5, "subset": "both"},
            ArgumentError,
            "expected a seed, to cut",
        ),
        ({"label_mode": "binary"}, ArgumentError, "expected two classes for 'binary', got 3"),
        ({"labels": [1, 2]}, ArgumentError, "expected 'inferred', None or 12 numbers"),
        ({"labels": None, "class_names": ["cats"]}, ArgumentError, "class_names with inferred"),
        ({"class_names": ["cows"]}, FileError, "expected a folder 'cows' in it, got none"),
        ({"interpolation": "bicubic"}, ArgumentError, r"\(interpolation\): expected one of bilin"),
        ({"pad_to_aspect_ratio": True}, ArgumentError, r"\(pad_to_aspect_ratio\): expected False"),
        ({"validation_split": 0.01, "subset": "validation", "seed": 1}, FileError, "got none"),
    ],
)
def test_errors_of_a_data_set(folder, arguments, kind, text):
    with pytest.raises(kind, match=text):
        image_dataset_from_directory(folder, **arguments)


def test_a_damaged_file_is_named(folder):
    (folder / "cats" / "9.png").write_bytes(b"no picture at all")
    data = image_dataset_from_directory(folder, image_size=(8, 8))
    with pytest.raises(FormatError, match=r"9\.png'\): expected a picture"):
        list(data)


def test_links_in_circles_end(folder):
    (folder / "dogs" / "again").symlink_to(folder / "dogs", target_is_directory=True)
    data = image_dataset_from_directory(folder, follow_links=True, verbose=False)
    assert len(data.file_paths) == 12


@pytest.mark.parametrize(
    "arguments",
    [{"rotation_range": -1}, {"shear_range": -1}, {"channel_shift_range": 1e300},
     {"width_shift_range": -1}, {"rescale": 1e300}, {"zca_epsilon": -1}, {"zoom_range": -1}],
)  # fmt: skip
def test_ranges_that_end_in_no_sense_are_refused(arguments):
    with pytest.raises(NpcnnError, match=r"^ImageDataGenerator\(\w+\): expected "):
        image.ImageDataGenerator(**arguments)
