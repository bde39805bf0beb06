"""What a user's class reads beside its arrays is compared at each call, wherever it lies."""

import gc
import time
from types import SimpleNamespace

import numpy as np
import pytest
from watching import LATE, Sloped, histories, model_of, stepped

from npcnn.kernels.run.compile import JIT

RATE, TABLE, MORE = 0.1, np.full(3, 0.1), {"slope": [0.1]}


class Settings(Sloped):
    rate = 0.1
    table = np.full(2, 0.1)

    def __init__(self, where, **kwargs):
        super().__init__(**kwargs)
        self.own, self.nested = np.full(2, 0.1), {"a": [np.full(1, 0.1)]}
        self.where, self.function = where, lambda: RATE
        self.bag = SimpleNamespace(inner=SimpleNamespace(slope=0.1))

    def slope(self, x, step):
        return {
            "class": lambda: self.rate,
            "class array": lambda: self.table[1],
            "array": lambda: self.own[1],
            "nested": lambda: self.nested["a"][0][0],
            "bag": lambda: self.bag.inner.slope,
            "global": lambda: helped(),
            "held": lambda: self.function(),
            "global array": lambda: TABLE[2],
            "global dict": lambda: MORE["slope"][0],
            "method": lambda: self.method(),
        }[self.where]()

    def method(self):
        return 0.1


def helped():
    return RATE


def put(place, name):
    """Return what puts a value under a name, or at an index."""
    return lambda value: place.__setitem__(name, value)


CHANGES = {
    "class": lambda layer: lambda value: setattr(Settings, "rate", value),
    "class array": lambda layer: put(Settings.table, 1),
    "array": lambda layer: put(layer.own, 1),
    "nested": lambda layer: put(layer.nested["a"][0], 0),
    "bag": lambda layer: put(vars(layer.bag.inner), "slope"),
    "global": lambda layer: put(globals(), "RATE"),
    "held": lambda layer: put(globals(), "RATE"),
    "global array": lambda layer: put(TABLE, 2),
    "global dict": lambda layer: put(MORE["slope"], 0),
    "method": lambda layer: lambda value: setattr(Settings, "method", lambda self: value),
}


@pytest.mark.parametrize("where", CHANGES)
def test_settings_are_read_at_each_call_wherever_they_are(where, monkeypatch):
    def run(model):
        change = CHANGES[where](model.layers[0])
        change(0.1)
        return stepped(model, lambda call: change(0.9) if call == LATE else None)

    program = histories(lambda: model_of(Settings(where)), [Sloped], monkeypatch, run)
    if JIT:
        assert program.last.played, str(program)


def test_a_collection_in_the_middle_is_not_the_steps(monkeypatch):
    """Hypothesis, and others, ask for the time whenever Python collects what nobody holds."""

    def asks(*told):
        time.perf_counter()

    before = gc.get_threshold()
    gc.callbacks.append(asks)
    gc.set_threshold(1)
    try:
        program = histories(lambda: model_of(Settings("class")), [Sloped], monkeypatch, stepped)
    finally:
        gc.callbacks.remove(asks)
        gc.set_threshold(*before)
    assert gc.isenabled()
    if JIT:
        assert program.last.played, str(program)
