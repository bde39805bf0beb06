"""Names of models, layers, optimizers and metrics: which a file can keep, and which it cannot."""

import pytest
from models import assert_same_weights, small_model

import npcnn
from npcnn import layers
from npcnn.checks import ArgumentError


def rename_model(model, name):
    model.name = name


def rename_layer(model, name):
    model.layers[1].name = name


def rename_optimizer(model, name):
    model.optimizer.name = name


def rename_metric(model, name):
    model.measures[0].metric.name = name


@pytest.mark.parametrize("rename", [rename_model, rename_layer, rename_optimizer, rename_metric])
@pytest.mark.parametrize("name", ["a\0b", "\ud800", ""])
@pytest.mark.parametrize("file", ["m.keras", "m.h5", "m.weights.h5"])
def test_names_that_no_file_can_keep_are_refused_before_it_is_written(tmp_path, rename, name, file):
    model = small_model()
    rename(model, name)
    save = model.save_weights if "weights" in file else model.save
    with pytest.raises(ArgumentError, match=r"name.*: expected a text without .*NUL or") as e:
        save(tmp_path / file)
    assert "\n" not in str(e.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a\0b", "\ud800", 3])
def test_a_model_of_such_a_name_is_not_made(name):
    with pytest.raises(ArgumentError, match=r"Sequential\(name\): expected a text, got"):
        npcnn.Sequential([], name=name)


NAMES = [
    "层",
    "a b",
    "é",
    ".",
    "..",
    "n" * 10_000,
    "non_ascii_1",
    "top_level_model_weights",
    "\n",
]


@pytest.mark.parametrize("file", ["m.keras", "m.h5", "m.weights.h5"])
@pytest.mark.parametrize("first", NAMES)
def test_all_other_names_come_back(tmp_path, file, first):
    """In the first layer's place, beside one that is not ASCII."""
    model = npcnn.Sequential(
        [layers.Input((4,)), layers.Dense(3, name=first), layers.Dense(3, name="層")], name="모델"
    )
    path = tmp_path / file
    if file == "m.weights.h5":
        model.save_weights(path)
        other = npcnn.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(3)])
        other.load_weights(path)
    else:
        model.save(path)
        other = npcnn.load_model(path)
        assert [layer.name for layer in other.layers] == [first, "層"]
    assert_same_weights(model.get_weights(), other.get_weights())


@pytest.mark.parametrize("name", ["m.hdf5", "m", "m.pkl", "m.weights.h5"])
def test_other_extensions_are_refused(tmp_path, name):
    for call in (small_model().save, npcnn.load_model):
        with pytest.raises(ArgumentError, match=r"a name ending in \.keras or \.h5"):
            call(tmp_path / name)
    with pytest.raises(ArgumentError, match=r"a name ending in \.weights\.h5"):
        small_model().save_weights(tmp_path / "m.h5")


@pytest.mark.parametrize("extension", [".keras", ".h5"])
def test_names_in_any_script(tmp_path, extension):
    stack = [layers.Input((2,)), layers.Dense(2, name="层"), layers.Dense(3, name="б é")]
    model = npcnn.Sequential(stack, name="网络")
    model.compile("adam", "categorical_crossentropy")
    model.save(tmp_path / f"m{extension}")
    back = npcnn.load_model(tmp_path / f"m{extension}")
    assert back.to_json() == model.to_json()
    assert_same_weights(back.get_weights(), model.get_weights())
