"""Absurd values in every argument of every public call: it works, or one line says why not."""

import datetime
import decimal
import fractions
import inspect
import pathlib

import numpy as np
import pytest
from PIL import Image

from npcnn import datasets
from npcnn.checks import NpcnnError

ABSURD = [
    None, True, False, -1, 0, 1, 2.5, -0.0, float("nan"), float("inf"), 10**9, 10**18, 2**63,
    10**400, 1j, "", " ", "x" * 5000, "a\0b", "\ud800", "mnist", "MNIST", b"x", bytearray(3), (),
    [], {}, set(), (1, 2), (0, 0), (-1, 5), (1, 2, 3), ("a", "b"), (10**9, 10**9), [None],
    [[1, 2], [3]], {"a": 1}, object(), object, len, lambda: 0, range(3), slice(2), Ellipsis,
    NotImplemented, np.nan, np.zeros(0), np.zeros((2, 3)), np.zeros((2, 4, 4), np.uint8),
    np.zeros(3, object), np.array("a"), np.ma.masked_array([1, 2], [True, False]), np.float32(2),
    np.int8(-3), np.datetime64("now"), datetime.date(2000, 1, 1), decimal.Decimal("2.5"),
    fractions.Fraction(3, 2), pathlib.Path("no"), Exception("no"), ValueError,
    type("Odd", (), {"__fspath__": lambda self: 3})(),
]  # fmt: skip


@pytest.fixture
def calls(tmp_path):
    """Every public call, by name, and arguments that are right."""
    images, labels = datasets.draw_digits(10, seed=1)
    folder = tmp_path / "pictures"
    datasets.save_image_folder(folder, images, labels)
    Image.fromarray(images[0]).save(tmp_path / "one.png")
    datasets.write_idx(tmp_path / "a.idx.gz", images)
    return {
        "draw_digits": {"n": 3, "seed": 0},
        "load_image": {"path": tmp_path / "one.png"},
        "load_image_folder": {"pattern": folder},
        "mnist_stages": {"path": tmp_path / "one.png"},
        "save_image_folder": {"folder": tmp_path / "new", "images": images, "labels": labels},
        "read_idx": {"path": tmp_path / "a.idx.gz"},
        "write_idx": {"path": tmp_path / "b.idx", "array": images},
        "load_mnist": {"path": tmp_path},
        "mnist.load_data": {"path": tmp_path},
        "fashion_mnist.load_data": {"path": tmp_path},
        "cifar10.load_data": {"path": tmp_path},
        "cifar100.load_data": {"path": tmp_path, "label_mode": "fine"},
    }


def function(name):
    found = datasets
    for part in name.split("."):
        found = getattr(found, part)
    return found


def test_every_public_call_is_tried(calls):
    public = {name for name in datasets.__all__ if inspect.isfunction(getattr(datasets, name))}
    modules = {name for name in datasets.__all__ if inspect.ismodule(getattr(datasets, name))}
    assert set(calls) == public | {f"{module}.load_data" for module in modules}


@pytest.mark.filterwarnings("ignore::npcnn.checks.NpcnnWarning")
def test_absurd_values(calls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # So that None, which asks for a download, finds nothing and asks nobody.
    monkeypatch.setenv("NPCNN_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr("npcnn.datasets.fetch.mirrors_of", lambda name, published: [])
    monkeypatch.setattr("npcnn.datasets.fetch.cache_folder", lambda name: tmp_path / "cache")
    tried, raw = 0, []
    for name, right in calls.items():
        for parameter in inspect.signature(function(name)).parameters:
            for value in ABSURD:
                if name == "draw_digits" and parameter == "n" and type(value) is int:
                    value = value if value < 10**10 else value * 10**6  # 10⁹ could be had, slowly
                    value = 3 if value == 10**9 else value
                tried += 1
                try:
                    function(name)(**{**right, parameter: value})
                except NpcnnError as error:
                    line = str(error)
                    if "\n" in line or len(line) > 1200:
                        raw.append((name, parameter, str(value)[:40], line))
                except Exception as error:
                    raw.append((name, parameter, str(value)[:40], repr(error)))
    assert tried > 1500
    assert raw == []
