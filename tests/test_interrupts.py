"""Ctrl-C at any moment: the model stands before an update or after it, never between."""

import os
import signal
import sys
import threading

import numpy as np
import pytest

import npcnn
from npcnn import contracts, interrupts, layers
from npcnn.on_batch import _train
from npcnn.optimizers import SGD, Adam

PACKAGE = os.path.dirname(npcnn.__file__)


@pytest.fixture(autouse=True)
def pythons_own_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def state(model):
    """Return all that an update changes."""
    slots = model.optimizer.slots
    arrays = [*model.get_weights(), *(slots[name] for name in model.optimizer.slot_names)]
    return model.optimizer.iterations, [array.tobytes() for array in arrays]


def interrupted_at(moment, call):
    """Raise SIGINT before the line of npcnn numbered `moment`; return whether there was one."""
    lines = 0

    def trace(frame, event, _):
        nonlocal lines
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            lines += 1
            if lines == moment + 1:
                signal.raise_signal(signal.SIGINT)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return lines > moment


@pytest.mark.parametrize(("written", "pitch"), [("before", 1), ("anew", 31)])
@pytest.mark.parametrize("optimizer", [Adam(0.01), SGD(0.1, 0.9)])
def test_each_moment_of_a_step(backend, optimizer, written, pitch):
    """In a model with a frozen layer, whose parameters are updated in two stretches."""
    dense = [layers.Dense(4), layers.Dense(3), layers.Dense(3, "softmax")]
    model = npcnn.Sequential([layers.Input((2,)), *dense])
    model.layers[1].trainable = False
    model.compile(optimizer, "sparse_categorical_crossentropy")
    x, y = np.linspace(-1, 1, 12, dtype="float32").reshape(6, 2), np.arange(6) % 3
    for _ in range(4):  # what is compiled and recorded is
        model.train_on_batch(x, y)
    assert len(model.segments()) > 1
    start, slots = model.get_weights(), {k: v.copy() for k, v in optimizer.slots.items()}
    count = optimizer.iterations

    weights = np.ones(len(x), "float32")

    def step():
        optimizer.prepare()
        model._repeated(_train, True)(x, y, weights)

    def restore():
        if written == "anew":
            model._steps.clear()  # the second step from now on is written down, and proves itself
            step()
        else:
            for _ in range(4):
                step()
                if backend == "numpy" or model._repeated(_train, True).last.played:
                    break
        model.set_weights(start)
        optimizer.iterations = count
        for name, value in slots.items():
            optimizer.slots[name][...] = value

    before = state(model)
    step()
    after = state(model)
    assert before != after
    seen, moment, more = set(), 0, True
    while more:
        restore()
        more = interrupted_at(moment, step)
        now = state(model)
        assert now in (before, after), moment
        assert contracts.listening.listener is None, moment
        seen.add(now == after)
        moment += pitch
    assert seen == {True, False}
    assert moment > 40


def test_what_was_put_off_happens():
    done = []

    def work():
        with interrupts.Deferred():
            signal.raise_signal(signal.SIGINT)
            done.append("all")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_users_own_is_called_once_and_kept():
    calls = []

    def handler(number, frame):
        calls.append(number)

    signal.signal(signal.SIGINT, handler)
    with interrupts.Deferred():
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        assert not calls
    assert calls == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_error_inside_is_raised_and_the_handler_put_back():
    with pytest.raises(ZeroDivisionError), interrupts.Deferred():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_and_ignored_signals_are_left_alone():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts.Deferred():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    found = []

    def work():
        with interrupts.Deferred():
            found.append(np.ones(1))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(found) == 1


@pytest.mark.parametrize("played", [False, True])
def test_each_moment_of_a_step_of_a_graph(backend, played):
    """With running means, which move before the parameters do, a layer called twice, and limits."""
    npcnn.set_random_seed(2)
    start = layers.Input((4,))
    same = layers.Dense(4, "relu", kernel_constraint="max_norm")
    y = layers.Add()([layers.BatchNormalization()(same(start)), start])
    model = npcnn.Model(start, layers.Dense(3, "softmax")(layers.BatchNormalization()(same(y))))
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=not played)
    x, y = np.linspace(-1, 1, 24, dtype="float32").reshape(6, 4), np.arange(6) % 3
    for _ in range(4):
        model.train_on_batch(x, y)
    optimizer, weights = model.optimizer, np.ones(len(x), "float32")
    start, slots = model.get_weights(), {k: v.copy() for k, v in optimizer.slots.items()}
    count = optimizer.iterations

    def step():
        optimizer.prepare()
        model._repeated(_train, True)(x, y, weights)

    def restore():
        model.set_weights(start)
        optimizer.iterations = count
        for name, value in slots.items():
            optimizer.slots[name][...] = value

    before = state(model)
    step()
    after = state(model)
    seen, moment, more = set(), 0, True
    while more:
        restore()
        more = interrupted_at(moment, step)
        assert state(model) in (before, after), moment
        seen.add(state(model) == after)
        moment += 5
    assert seen == {True, False}
