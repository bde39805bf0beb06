"""One batch's way from `fit` to a convolution's loops: the files that docs/speed.md lists."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from models import small_data
from runs import ROOT

import npcnn
from npcnn import layers
from npcnn.backend import using
from npcnn.kernels.run import crew
from npcnn.kernels.run.compile import JIT
from npcnn.reference import conv

PACKAGE = Path(npcnn.__file__).parent


def listed(page):
    """Return the files of the page's table, in order."""
    text = (ROOT / page).read_text("utf-8")
    section = text.split("\n## ")[1]
    return re.findall(r"^\| `(npcnn/\S+)` \|", section, re.MULTILINE)


def small_model():
    return npcnn.Sequential(
        [
            layers.Conv2D(2, 3, activation="relu"), layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )  # fmt: skip


def walked(backend, monkeypatch, place, name, within):
    """Return the files on the stack when a function is first called from within a file."""
    found = []

    def look(*arguments, **named):
        frame, files = sys._getframe(1), []
        while frame is not None:
            path = Path(frame.f_code.co_filename)
            if PACKAGE in path.parents:
                files.append("npcnn/" + path.relative_to(PACKAGE).as_posix())
            frame = frame.f_back
        if not found and within in files:
            found.extend(dict.fromkeys(files[::-1]))
        return real(*arguments, **named)

    real = getattr(place, name)
    monkeypatch.setattr(place, name, look)
    model = small_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    with using(backend):
        model.fit(*small_data(), verbose=0)
    return found


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
@pytest.mark.parametrize("page", ["docs/speed.md", "docs/speed.zh-CN.md"])
def test_the_walk_of_a_batch(page, monkeypatch):
    """From `fit` to the threads, which stand in for the loops."""
    found = walked("numba", monkeypatch, crew, "lead", "npcnn/kernels/conv.py")
    found.append("npcnn/kernels/run/crew.py")
    assert found == listed(page)
    assert len(found) <= 10


@pytest.mark.parametrize("page", ["docs/speed.md", "docs/speed.zh-CN.md"])
def test_the_walk_of_a_batch_on_numpy(page, monkeypatch):
    """The same rooms; NumPy's ops where the kernels are, and what repeats a step just makes it."""
    found = walked("numpy", monkeypatch, conv, "im2col", "npcnn/reference/conv.py")
    text = (ROOT / page).read_text("utf-8")
    others = re.findall(r"`(npcnn/(?:backend|reference/conv)\.py)`", text)
    in_kernels = [name for name in listed(page) if name.startswith("npcnn/kernels/")]
    fewer = [name for name in listed(page) if name not in in_kernels]
    assert [name for name in found if name not in others] == fewer
    assert set(found) - set(fewer) == set(others)
    assert len(found) == 8


ENTERED = {"numpy": 50, "written": 60, "played": 20}  # fewer than, as docs/speed.md says


def entered(backend, number):
    """Return the files of the package in which a function is called during a batch of a run."""
    found = set()

    def look(frame, event, _):
        path = Path(frame.f_code.co_filename)
        if event == "call" and PACKAGE in path.parents:
            found.add(path.relative_to(PACKAGE).as_posix())

    class OneBatch(npcnn.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == number:
                sys.setprofile(look)

        def on_train_batch_end(self, batch, logs=None):
            sys.setprofile(None)

    model = small_model()
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    x, y = (np.tile(array, (8, *(1,) * (array.ndim - 1))) for array in small_data())
    with using(backend):
        model.fit(x, y, len(x) // 8, verbose=0, callbacks=[OneBatch()])
    return found


@pytest.mark.parametrize("case", ENTERED)
def test_how_many_files_a_batch_enters(case):
    if case != "numpy" and not JIT:
        pytest.skip("nothing is compiled")
    backend, number = ("numpy", 2) if case == "numpy" else ("numba", 2 if case == "written" else 7)
    found = entered(backend, number)
    assert ENTERED[case] - 10 < len(found) < ENTERED[case], sorted(found)
    assert ("training.py" in found) == (case != "played")
    for page in ("docs/speed.md", "docs/speed.zh-CN.md"):
        assert str(ENTERED[case]) in (ROOT / page).read_text("utf-8").split("\n## ")[1]
