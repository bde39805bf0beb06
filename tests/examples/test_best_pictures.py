"""The recipes for photographs do what they say, on shapes that stand in for them."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

import npcnn
from npcnn.datasets.stand_ins import draw_shapes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def best(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")
    import best_pictures

    def shapes(data=None):
        (x, y), (x_test, y_test) = draw_shapes(60, 1, 32, (10,)), draw_shapes(20, 2, 32, (10,))
        return (x, y), (x_test, y_test)

    def grey(data=None):
        return tuple((x[:, :28, :28].max(axis=3), y[:, 0]) for x, y in shapes())

    monkeypatch.setattr(npcnn.datasets.cifar10, "load_data", shapes)
    monkeypatch.setattr(npcnn.datasets.fashion_mnist, "load_data", grey)
    for name, recipe in best_pictures.RECIPES.items():
        short = dataclasses.replace(recipe, epochs=1, seeds=2, batch_size=30, threads=1)
        monkeypatch.setitem(best_pictures.RECIPES, name, short)

    def run(*arguments):
        own = ["--out", tmp_path / "out", "--results", tmp_path / "results", "--verbose", "0"]
        monkeypatch.setattr(sys, "argv", ["best_pictures.py", *map(str, [*arguments, *own])])
        best_pictures.main()
        return sorted((tmp_path / "results").iterdir())

    return run


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10"])
def test_answers_are_kept_a_seed_at_a_time(best, capsys, name):
    best(name, "--seeds", "1")
    (path,) = best(name)
    entry = json.loads(path.read_text("utf-8"))
    assert path.name == f"best_{name}.json"
    assert entry["parameters"] < 100_000
    assert list(entry["seeds"]) == ["0", "1"]
    for one in entry["seeds"].values():
        assert one["wrong"] == round(20 * (1 - one["accuracy"]))
    said = capsys.readouterr().out
    assert said.count(f"{name}, seed 1:") == 1  # what is there is not worked out again
    assert f"{name}, {entry['parameters']:,} parameters: mean {entry['mean']:.3%}" in said


def test_choices_never_see_the_test_pictures(best, capsys):
    (path,) = best("cifar10", "--held-out", "--seeds", "0", "--set", "rate=0.004")
    (line,) = map(json.loads, path.read_text("utf-8").splitlines())
    assert line["recipe"]["rate"] == 0.004
    assert line["wrong"] == round(10 * (1 - line["accuracy"]))  # a sixth of 60 pictures
    with pytest.raises(SystemExit, match="only for --held-out"):
        best("cifar10", "--set", "rate=0.004")
