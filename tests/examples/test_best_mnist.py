"""The recipes for MNIST, on a few drawn digits: answers are kept, runs go on, the page is new."""

import dataclasses
import importlib.util
import json
import sys

import numpy as np
import pytest
from PIL import Image
from runs import ROOT, write_small_mnist

import npcnn
from npcnn.datasets import load_mnist


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def best(tmp_path, monkeypatch):
    module = load(ROOT / "examples" / "best_mnist.py")
    monkeypatch.setattr(module, "TRAINED", 120)
    for name, recipe in module.RECIPES.items():
        short = dataclasses.replace(
            recipe, epochs=3, seeds=1, batch_size=40, threads=1, votes=min(recipe.votes, 2)
        )
        monkeypatch.setitem(module.RECIPES, name, short)
    folder = write_small_mnist(tmp_path / "mnist")

    def run(*arguments):
        own = ["--data", folder, "--out", tmp_path / "out", "--results", tmp_path / "results"]
        line = [*arguments, *own, "--verbose", "0"]
        monkeypatch.setattr(sys, "argv", ["best_mnist.py", *map(str, line)])
        module.main()

    module.run, module.folder, module.home = run, folder, tmp_path
    return module


def test_answers_are_kept_and_networks_shared(best, monkeypatch):
    best.run("document")
    best.run("votes")
    document, votes = (
        best.read(best.home / "results" / f"best_mnist_{row}.json") for row in ("document", "votes")
    )
    assert document["parameters"] == votes["parameters"] == 65_788
    assert document["recipe"]["moves"]["elastic"] == 1.0
    one = votes["seeds"]["0"]
    assert one["wrong"] == round(40 * (1 - one["accuracy"]))
    assert one["seconds"] == document["seeds"]["0"]["seconds"]
    monkeypatch.setattr(best, "trained", None)  # nothing is learnt twice
    best.run("document")
    monkeypatch.setitem(
        best.RECIPES, "document", dataclasses.replace(best.RECIPES["document"], rate=0.001)
    )
    with pytest.raises(SystemExit, match="of another recipe"):
        best.run("document")


def test_choices_are_counted_and_the_test_set_is_let_be(best, monkeypatch):
    (x, y), _ = load_mnist(best.folder)
    monkeypatch.setattr(npcnn.datasets, "load_mnist", lambda data: ((x, y), None))
    best.run("plain", "--held-out", "--epochs", "1", "--seeds", "0", "1")
    best.run("document", "--held-out", "--set", "rate=0.002", "epochs=1")
    text = (best.home / "results" / "best_mnist_choices.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["seed"] for line in lines] == [0, 1, 0]
    assert lines[2]["recipe"]["rate"] == 0.002
    with pytest.raises(SystemExit, match="only for --held-out"):
        best.run("document", "--epochs", "1")


def test_a_recipe_broken_off_goes_on_to_the_same_bits(best, monkeypatch, tmp_path):
    (x, y), _ = load_mnist(best.folder)
    recipe, begin = best.RECIPES["document"], best.Clock.on_epoch_begin
    whole, first = best.trained(recipe, 0, x[..., None], y, tmp_path / "a.keras", 0)

    def breaks(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt
        begin(self, epoch, logs)

    monkeypatch.setattr(best.Clock, "on_epoch_begin", breaks)
    with pytest.raises(KeyboardInterrupt):
        best.trained(recipe, 0, x[..., None], y, tmp_path / "b.keras", 0)
    monkeypatch.setattr(best.Clock, "on_epoch_begin", begin)
    again, run = best.trained(recipe, 0, x[..., None], y, tmp_path / "b.keras", 0)
    assert run["seconds"] > 0
    assert run["curve"] == first["curve"]
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_teacher_is_trained_once_on_the_same_pictures(best, monkeypatch, tmp_path):
    (x, y), _ = load_mnist(best.folder)
    x = x[..., None]
    recipe = dataclasses.replace(best.RECIPES["tiny"], teacher="plain", share=0.75)
    rows = npcnn.utils.to_categorical(y, 10)
    aims = best.targets(recipe, x, y, tmp_path, 0)
    teacher = npcnn.load_model(tmp_path / "teacher-plain-120.keras")
    np.testing.assert_allclose(aims, 0.75 * teacher.predict(x, 500, 0) + 0.25 * rows, rtol=1e-5)
    model, _ = best.trained(recipe, 0, x, y, tmp_path / "a.keras", 0)
    assert isinstance(model.loss, npcnn.losses.Distillation)
    monkeypatch.setattr(best, "trained", None)
    (tmp_path / "teacher-plain-120.keras").unlink()  # what it has said is kept
    np.testing.assert_array_equal(best.targets(recipe, x, y, tmp_path, 0), aims)


@pytest.mark.parametrize(("name", "most"), [("small", 9_999), ("tiny", 999), ("any", 10**9)])
def test_networks_are_as_small_as_said(best, name, most):
    recipe = best.RECIPES[name]
    assert recipe.network(recipe).count_params() <= most


def test_the_page_is_the_newest_and_reads_results(monkeypatch, tmp_path):
    script = load(ROOT / "docs" / "make_results.py")
    for path, text in script.pages().items():
        assert path.read_text("utf-8") == text, f"{path.name}: run python docs/make_results.py"
    entry = {
        "recipe": {"epochs": 2, "moves": {"rotation": 5}}, "parameters": 730, "mean": 0.9861,
        "least": 0.98, "most": 0.99, "seeds": {
            "0": {"seconds": 90.0, "curve": [0.8, 0.9]}, "1": {"seconds": None, "curve": [0.7, 0.8]}
        },
    }  # fmt: skip
    told = ("batch_size", "rate", "dropout", "ema", "weight_decay", "smoothing", "votes")
    entry["recipe"] |= dict.fromkeys(told, 0)
    (tmp_path / "best_mnist_tiny.json").write_text(json.dumps(entry), "utf-8")
    (tmp_path / "best_mnist_choices.jsonl").write_text("{}\n{}\n", "utf-8")
    timed = {"npcnn": {"seconds": [3.0, 4.5], "mean": 0.9912, "median": 3.75}}
    (tmp_path / "time_to_99.json").write_text(json.dumps(timed), "utf-8")
    monkeypatch.setattr(script, "RESULTS", tmp_path)
    english = script.page(script.WORDS["results.md"])
    assert "| 730 | **98.610%** [98.00%, 99.00%] | 2 | 1.5 |" in english
    assert "held-out pictures: 2." in english
    assert "best_mnist.py tiny  # epochs 2; rotation 5" in english
    assert "| npcnn | 99.12% | 3.8 | 3.0 … 4.5 |" in english
    assert "](pictures/results.png)" in english
    script.draw(tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.convert("RGB").getcolors(1 << 16)[1:]  # more than the ground


def test_the_network_of_the_clock_learns(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    script = load(ROOT / "benchmarks" / "time_to_99.py")
    folder = write_small_mnist(tmp_path / "mnist", 400, 100)
    recipe = {**script.RECIPE, "filters": [4, 8], "epochs": 4, "batch_size": 20}
    found = script.learn("npcnn", 0, recipe, 1, False, folder)
    assert found["accuracy"] > 0.6
