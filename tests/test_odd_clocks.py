"""The day's clock is set back in the midst of a run, an hour whenever somebody looks at it."""

import io
import itertools
import re
import sys
import time

import pytest
from models import small_data, small_model

import npcnn
from npcnn.progress import EpochPrinter


@pytest.fixture
def set_back(monkeypatch):
    """Return a function that lets the clock go backwards from now on."""
    tqdm = pytest.importorskip("tqdm.std")  # has a name of its own for the clock
    hours = itertools.count(10**9, -3600)

    def begin():
        for module in (time, tqdm):
            monkeypatch.setattr(module, "time", hours.__next__)

    return begin


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_goes_on(set_back, monkeypatch):
    set_back()
    seconds = itertools.count()
    monkeypatch.setattr(time, "perf_counter", seconds.__next__)
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "60")
    printer = EpochPrinter(1, 4)
    for _ in range(4):
        printer.step(lambda: {"loss": 0.5})
    drawn = sys.stdout.getvalue()
    counts = re.findall(r"\r(\d)/4", drawn)
    assert (sorted(counts), {*counts}) == (counts, {*"01234"})
    times = re.findall(r"(\S+)<", drawn)
    assert sorted(times) == times
    assert all(re.fullmatch(r"00:\d\d", passed) for passed in times)


def learnt(folder, **more):
    model, (x, y) = small_model(), small_data()
    called = [
        npcnn.callbacks.ModelCheckpoint(folder / "{epoch}.keras"),
        npcnn.callbacks.TensorBoard(folder / "logs", update_freq=1),
    ]
    history = model.fit(x, y, 16, 3, verbose=0, callbacks=called, **more)
    return model, history.history


def bits(model):
    return [array.tobytes() for array in model.get_weights()]


def test_what_is_learnt_and_kept_is_the_same(backend, set_back, tmp_path):
    npcnn.set_random_seed(3)
    expected, curves = learnt(tmp_path / "one")
    set_back()
    npcnn.set_random_seed(3)
    model, others = learnt(tmp_path / "two")
    assert others == curves
    assert bits(model) == bits(expected)
    assert bits(npcnn.load_model(tmp_path / "two" / "3.keras")) == bits(expected)
    again, _ = learnt(tmp_path / "two", resume_from=tmp_path / "two" / "1.keras")
    assert bits(again) == bits(expected)
