"""What a user's class reads in Python is found while a step is written, and the step not replayed.

Each class here decides by something that a replayed step would not look at again: only in later
steps does it come out otherwise than in the first. Replayed or not, the history is the same.
"""

import ctypes
import math
import random
import re
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from watching import CALLS, LATE, TARGETS, Sloped, data, histories, model_of, stepped

import npcnn
from npcnn import layers, losses, optimizers, strangers
from npcnn.activations import ActivationFunction
from npcnn.backend import ops, using
from npcnn.kernels.run import notes
from npcnn.kernels.run.compile import JIT

CFLOATS = ctypes.POINTER(ctypes.c_float)


def deciding(read, **methods):
    """Return a class whose slope depends on whether read(self, x, step) is true."""

    class Deciding(Sloped):
        def slope(self, x, step):
            return 0.9 if read(self, x, step) else 0.1

    for name, method in methods.items():
        setattr(Deciding, name, method)
    return Deciding


def rows(x):
    return np.asarray(x)[0]


# x[0, 0, 0, 0] is the number of the call (see `data`), below LATE in the first steps.
READS = {
    "mean": lambda self, x, step: x[0, 0, 0, 0].mean() >= LATE,
    "max": lambda self, x, step: x.max() >= LATE,
    "np.max": lambda self, x, step: np.max(x) >= LATE,
    "any": lambda self, x, step: (x >= LATE).any(),
    "argmax": lambda self, x, step: x[0].argmax() == 0 and x.max() > LATE,
    "float": lambda self, x, step: float(x[:1, :1, :1, :1].reshape(())) >= LATE,
    "int": lambda self, x, step: int(x[:1, 0, 0, 0].reshape(())) >= LATE,
    "bool": lambda self, x, step: bool(x[:1, 0, 0, 0] > LATE),
    "item": lambda self, x, step: x.item(0) >= LATE,
    "tolist": lambda self, x, step: x.tolist()[0][0][0][0] >= LATE,
    "tobytes": lambda self, x, step: np.frombuffer(x.tobytes(), "float32").max() >= LATE,
    "index": lambda self, x, step: x[0, 0, 0, 0] >= LATE,
    "iteration": lambda self, x, step: next(iter(x[0, 0, 0])) >= LATE,
    "unpacked": lambda self, x, step: max(v for v in x[0, 0, 0]) >= LATE,
    "asarray": lambda self, x, step: rows(x)[0, 0, 0] >= LATE,
    "array": lambda self, x, step: np.array(x)[0, 0, 0, 0] >= LATE,
    "view": lambda self, x, step: x.view(np.ndarray)[0, 0, 0, 0] >= LATE,
    "flat": lambda self, x, step: x.flat[0] >= LATE,
    "data": lambda self, x, step: x.reshape(-1).data[0] >= LATE,
    "memoryview": lambda self, x, step: memoryview(x)[0, 0, 0, 0] >= LATE,
    "nditer": lambda self, x, step: next(iter(np.nditer(x[:1, 0, 0, 0]))) >= LATE,
    "__array__": lambda self, x, step: x.__array__()[0, 0, 0, 0] >= LATE,
    "ctypes": lambda self, x, step: x.ctypes.data_as(CFLOATS)[0] >= LATE,
    "text": lambda self, x, step: float(f"{x[:1, 0, 0, 0]}"[1:-1]) >= LATE,
    "math": lambda self, x, step: math.sqrt(x[:1, 0, 0, 0].reshape(())) ** 2 + 0.1 >= LATE,
    "an op's result": lambda self, x, step: ops.relu(x, 0.0, None, 0.0).max() >= LATE,
    "a view": lambda self, x, step: x.transpose(3, 0, 1, 2)[0][0].sum() >= LATE,
    "the number of the step": lambda self, x, step: int(step) >= LATE,
    "step % 2": lambda self, x, step: step % 2 == 1 and step > LATE,
    "a parameter": lambda self, x, step: abs(self.w[0] - 1) > 0.3,
}

COUNT, SETTINGS, LIST = 0, SimpleNamespace(count=0), [0]


def count_globally(self, x, step):
    global COUNT
    COUNT += 1
    return COUNT >= LATE


def count_in_a_namespace(self, x, step):
    SETTINGS.count += 1
    return SETTINGS.count >= LATE


def count_in_a_list(self, x, step):
    LIST[0] += 1
    return LIST[0] >= LATE


def count_in_the_class(self, x, step):
    type(self).total = getattr(type(self), "total", 0) + 1
    return self.total >= LATE


def count_in_an_array(self, x, step, count=np.zeros(1)):  # noqa: B008
    count[0] += 1
    return count[0] >= LATE


def counted_by_closure():
    count = 0

    def read(self, x, step):
        nonlocal count
        count += 1
        return count >= LATE

    return read


def counted_by_iterator():
    numbers = iter(range(100))
    return lambda self, x, step: next(numbers) >= LATE


def by_a_generator():
    rng = np.random.default_rng(3)
    return lambda self, x, step: rng.random() < 0.4


COUNTS = {
    "global": lambda: count_globally,
    "namespace": lambda: count_in_a_namespace,
    "list": lambda: count_in_a_list,
    "class": lambda: count_in_the_class,
    "default": lambda: count_in_an_array,
    "closure": counted_by_closure,
    "iterator": counted_by_iterator,
    "generator": by_a_generator,
    "random": lambda: lambda self, x, step: random.random() < 0.4,
    "np.random": lambda: lambda self, x, step: np.random.rand() < 0.4,  # noqa: NPY002
}


def start_counts():
    global COUNT
    COUNT, SETTINGS.count, LIST[0], count_in_an_array.__defaults__[0][0] = 0, 0, 0, 0
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002


def with_parameter(self, input_shape):
    self.add_parameter("w", (1,), "ones")


def learn_it(self, grad_y, need_grad_x=True):
    ops.assign(self.grad_w, np.full(1, -6, "float32"))  # w grows by 0.06 a step
    x, slope = self.saved()
    return ops.relu_backward(grad_y, x, slope, None, 0.0)


@pytest.mark.parametrize("what", READS)
def test_a_number_that_python_reads(what, monkeypatch):
    methods = {"create_parameters": with_parameter, "backward": learn_it}
    kind = deciding(READS[what], **(methods if what == "a parameter" else {}))
    program = histories(lambda: model_of(kind()), [Sloped], monkeypatch)
    if JIT:
        assert str(program).startswith("not replayed: ")
        assert "\n" not in str(program)
        assert re.search(r" in \S+ \(test_watched\.py, line \d+\)", str(program))
        assert "fspath" not in str(program)


@pytest.mark.parametrize("what", COUNTS)
def test_what_counts_from_step_to_step(what, monkeypatch):
    def make():
        return model_of(deciding(COUNTS[what]())())

    program = histories(make, [Sloped], monkeypatch, start=start_counts)
    if JIT:
        assert str(program).startswith("not replayed: ")


def test_clocks_and_files_are_heard():
    """And what is printed, which a replay would not print; and other libraries' compiled code."""
    for read in (
        lambda *_: time.time() < 0,
        lambda *_: Path(__file__).stat().st_size < 0,
        lambda *_: open(__file__).close(),
        lambda *_: Image.core.new("L", (1, 1)) is None,
        lambda *_: print(end=""),
    ):
        with using("numba"):
            model = model_of(deciding(read)())
            stepped(model)
        assert str(model.program).startswith("not replayed: ") or not JIT


class ByRow(losses.MeanSquaredError):
    """Of no weight once a target's row begins with 1."""

    def losses_and_gradient(self, targets, outputs, logits, weights):
        if targets[0, 0] == 1:
            weights = ops.rescale(weights, 0.0, 0.0, weights.dtype)
        return super().losses_and_gradient(targets, outputs, logits, weights)


class ByClock(optimizers.Optimizer):
    slot_names = ("velocity",)

    def update(self, parameters, gradients, velocity):
        rate = 0.5 if int(self.clock) >= LATE else 0.01
        ops.sgd(parameters, gradients, velocity, rate, 0.0, False)


class BySize(optimizers.Optimizer):
    slot_names = ("velocity",)

    def update(self, parameters, gradients, velocity):
        rate = 0.5 if np.abs(gradients).max() < 0.2 else 0.1
        ops.sgd(parameters, gradients, velocity, rate, 0.0, False)


class Plain(optimizers.Optimizer):
    slot_names = ("velocity",)

    def update(self, parameters, gradients, velocity):
        ops.sgd(parameters, gradients, velocity, 0.1, 0.5, False)


class Steep(ActivationFunction):
    def forward(self, x):
        return ops.relu(x, 0.9 if x.max() >= LATE else 0.1, None, 0.0)

    def backward(self, grad_y, x, y):
        return ops.relu_backward(grad_y, x, 0.1, None, 0.0)


def test_losses_optimizers_and_activations_are_watched_too(monkeypatch):
    def run(model):
        return [
            model.train_on_batch(data(call), np.roll(TARGETS, call >= LATE, axis=1))
            for call in range(CALLS)
        ]

    made = {
        ByRow: lambda: model_of(loss=ByRow()),
        ByClock: lambda: model_of(optimizer=ByClock()),
        BySize: lambda: model_of(optimizer=BySize()),
        layers.Activation: lambda: model_of(layers.Activation(Steep("steep"))),
    }
    for kind, make in made.items():
        program = histories(make, [kind], monkeypatch, run)
        assert str(program).startswith("not replayed: ") or not JIT


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
def test_what_calls_only_ops_is_still_replayed_and_keeps_plain_arrays():
    with using("numba"):
        layer = deciding(lambda self, x, step: x.shape[1] == 5 and len(x) and x.ndim == 4)()
        model = model_of(layer, Plain())
        stepped(model)
        assert model.program.last.played
        assert type(layer.saved()[0]) is np.ndarray
        assert layer.saved()[0].flags.writeable
        for thing in (*model.layers, model.optimizer):
            assert not any("Watched" in type(v).__name__ for v in vars(thing).values())
        assert type(model(data(0)).numpy()) is np.ndarray


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
def test_networks_of_npcnn_alone_are_not_watched(monkeypatch):
    def never(*_):
        raise AssertionError("somebody watches")

    monkeypatch.setattr(strangers.Outside, "__init__", never)
    monkeypatch.setattr(notes, "told", never)
    with using("numba"):
        model = model_of(layers.Dropout(0.2), "adam")
        stepped(model)
        assert model.program.last.played


def made(module, base):
    """Yield an object of each class that can be made of nothing, or of a number."""
    for name, kind in vars(module).items():
        if (
            isinstance(kind, type)
            and name[0] != "_"
            and issubclass(kind, base)
            and kind is not base
        ):
            for arguments in ((), (2,), (2, 3)):
                try:
                    yield kind(*arguments)
                    break
                except (TypeError, npcnn.checks.NpcnnError):
                    continue


def test_no_class_of_npcnns_own_is_a_stranger():
    for module, base, least in (
        (layers, layers.Layer, 20), (losses, losses.Loss, 5), (optimizers, optimizers.Optimizer, 8),
    ):  # fmt: skip
        things = list(made(module, base))
        assert len(things) >= least
        assert [thing for thing in things if strangers.among([thing])] == []
    assert strangers.among([layers.Activation(Steep("steep"))])
    assert strangers.among([Plain()])
