"""Learning rates that follow a schedule: by hand, in programs, in files, and going on."""

import json
import math

import numpy as np
import pytest
from models import assert_same_weights
from models import tanh_data as data
from models import tanh_model as small

import npcnn
from npcnn import optimizers
from npcnn.callbacks import (
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from npcnn.checks import ArgumentError, DtypeError, NpcnnError
from npcnn.optimizers import SGD, Adam, schedules
from npcnn.utils import register_keras_serializable

# A schedule, and its rates after these steps, worked out by hand.
CASES = [
    (schedules.ExponentialDecay(0.8, 2, 0.25), {0: 0.8, 1: 0.4, 2: 0.2, 4: 0.05}),
    (schedules.ExponentialDecay(0.8, 2, 0.25, True), {0: 0.8, 1: 0.8, 2: 0.2, 3: 0.2, 4: 0.05}),
    (schedules.InverseTimeDecay(0.8, 2, 1.0), {0: 0.8, 2: 0.4, 6: 0.2}),
    (schedules.InverseTimeDecay(0.8, 2, 1.0, True), {1: 0.8, 2: 0.4, 3: 0.4, 6: 0.2}),
    (schedules.PolynomialDecay(1.0, 4, 0.5), {0: 1.0, 1: 0.875, 4: 0.5, 9: 0.5}),
    (schedules.PolynomialDecay(1.0, 4, 0.0, 2.0), {0: 1.0, 1: 0.5625, 2: 0.25, 5: 0.0}),
    (schedules.PolynomialDecay(1.0, 4, 0.0, cycle=True), {0: 1.0, 4: 0.0, 6: 0.25, 8: 0.0}),
    (schedules.PiecewiseConstantDecay([1, 3], [3, 2, 1]), {0: 3, 1: 3, 2: 2, 3: 2, 4: 1}),
    (schedules.CosineDecay(1.0, 4), {0: 1.0, 2: 0.5, 4: 0.0, 9: 0.0}),
    (schedules.CosineDecay(1.0, 4, 0.5), {0: 1.0, 2: 0.75, 4: 0.5, 9: 0.5}),
    (
        schedules.CosineDecay(0.0, 4, warmup_target=2.0, warmup_steps=2),
        {0: 0.0, 1: 1.0, 2: 2.0, 4: 1.0, 6: 0.0, 9: 0.0},
    ),
    (schedules.CosineDecayRestarts(1.0, 4), {0: 1.0, 2: 0.5, 4: 1.0, 8: 0.5, 12: 1.0, 20: 0.5}),
    (schedules.CosineDecayRestarts(1.0, 2, 1.0, 0.5), {0: 1.0, 1: 0.5, 2: 0.5, 3: 0.25, 4: 0.25}),
    (schedules.OneCycle(1.0, 8, 0.25, 4.0, 8.0), {0: 0.25, 1: 0.625, 2: 1.0, 8: 0.03125,
                                                  5: 0.515625, 99: 0.03125}),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "rates"), CASES)
def test_rates_by_hand(schedule, rates):
    for step, rate in rates.items():
        assert schedule(step) == pytest.approx(rate, rel=1e-12, abs=1e-15)
    curve = schedule(np.array([[*rates], [*rates]]))
    np.testing.assert_allclose(curve, [[*rates.values()]] * 2, rtol=1e-6, atol=1e-15)
    config = schedule.get_config()
    assert json.loads(json.dumps(config)) == config
    assert type(schedule).from_config(config).get_config() == config
    written = schedules.serialize(schedule)
    again = schedules.deserialize(json.loads(json.dumps(written)))
    assert type(again) is type(schedule)
    assert again.get_config() == config
    assert [again(step) for step in range(30)] == [schedule(step) for step in range(30)]


def test_restarts_begin_where_they_should():
    """A logarithm decides which period it is: no rounding puts a beginning into the one before."""
    cases = [(first, growth) for first in (2, 6, 10, 1000) for growth in (2, 3, 5, 7)]
    for first, growth in [*cases, (2**13, 1.5), (4**13, 1.25)]:
        schedule, start = schedules.CosineDecayRestarts(1.0, first, growth), 0
        for period in range(12):
            length = int(first * growth**period)
            assert schedule(start) == pytest.approx(1.0, abs=1e-6)
            assert schedule(start + length // 2) == pytest.approx(0.5, abs=1e-6)
            start += length


@pytest.mark.parametrize("cls", [SGD, Adam, optimizers.AdamW, optimizers.RMSprop])
def test_a_played_step_takes_the_rate_of_each_step(jit, cls):
    """As bits: a number set by hand before each step, and the schedule."""
    schedule = schedules.OneCycle(0.05, 12, 0.4)
    model, other = small(cls(schedule)), small(cls(0.1))
    for step in range(12):
        assert model.optimizer.learning_rate == schedule(step)
        other.optimizer.learning_rate = schedule(step)
        model.train_on_batch(*data())
        other.train_on_batch(*data())
    assert model.program.last.played, str(model.program)
    assert_same_weights(model.get_weights(), other.get_weights())


def test_an_optimizer_that_reads_the_rate_in_python_is_not_played(backend):
    class Plain(optimizers.Optimizer):
        def update(self, parameters, gradients):
            parameters -= self.learning_rate * gradients

    schedule = schedules.ExponentialDecay(0.5, 3, 0.5)
    model, other = small(Plain(schedule)), small(SGD(schedule))
    for _ in range(8):
        model.train_on_batch(*data())
        other.train_on_batch(*data())
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_a_schedule_is_not_set_to_a_number():
    model = small(Adam(schedules.CosineDecay(0.1, 10)))
    with pytest.raises(DtypeError, match=r"^Adam\(learning_rate\): .*CosineDecay to stay.*0\.5;"):
        model.optimizer.learning_rate = 0.5
    model.optimizer.learning_rate = schedules.CosineDecay(0.2, 10)
    assert model.optimizer.learning_rate == 0.2
    for callback in (
        LearningRateScheduler(lambda epoch, rate: rate),
        ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10),
    ):
        with pytest.raises(TypeError, match=r"^Adam\(learning_rate\): expected the schedule"):
            model.fit(*data(), epochs=4, verbose=0, callbacks=[callback])
    number = small(Adam(0.1))
    number.optimizer.learning_rate = schedules.CosineDecay(0.2, 10)
    assert number.optimizer.learning_rate == 0.2
    assert number.optimizer.scheduled


class StopError(Exception):
    pass


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_runs_go_on_to_the_same_bits(backend, tmp_path, ending):
    def stop(batch, logs):
        if model.optimizer.iterations == 5:
            raise StopError

    def made():
        return small(Adam(schedules.CosineDecay(0.01, 6, warmup_target=0.1, warmup_steps=3)))

    whole, path = made(), tmp_path / f"run{ending}"
    whole.fit(*data(), batch_size=8, epochs=3, verbose=0)
    model = made()
    callbacks = [ModelCheckpoint(path, save_freq=1), LambdaCallback(on_train_batch_begin=stop)]
    with pytest.raises(StopError):
        model.fit(*data(), batch_size=8, epochs=3, verbose=0, callbacks=callbacks)
    again = made()
    again.fit(*data(), batch_size=8, epochs=3, verbose=0, callbacks=[
        ModelCheckpoint(path, save_freq=1)], resume_from=path)  # fmt: skip
    assert_same_weights(again.get_weights(), whole.get_weights())
    other = small(Adam(schedules.CosineDecay(0.01, 7)))
    with pytest.raises(
        ArgumentError, match=r"optimizer's learning_rate's config's decay_steps 7, as here, got 6"
    ):
        other.fit(*data(), batch_size=8, epochs=3, verbose=0, resume_from=path)


@register_keras_serializable("mine")
class Halving(schedules.LearningRateSchedule):
    def __init__(self, start):
        self.start = start

    def __call__(self, step):
        return np.float32(self.start) / 2**step

    def get_config(self):
        return {"start": self.start}


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize(
    "schedule", [Halving(0.5), schedules.OneCycle(0.5, 20), schedules.PolynomialDecay(0.5, 8)]
)
def test_files_keep_the_schedule(backend, tmp_path, ending, schedule):
    model = small(SGD(schedule, 0.9))
    for steps in (0, 3):
        for _ in range(steps):
            model.train_on_batch(*data())
        model.save(tmp_path / f"m{ending}")
        again = npcnn.load_model(tmp_path / f"m{ending}")
        assert type(again.optimizer._learning_rate) is type(schedule)
        assert again.optimizer.get_config() == model.optimizer.get_config()
        assert again.optimizer.learning_rate == model.optimizer.learning_rate
        for one in (model, again):
            one.train_on_batch(*data())
        assert_same_weights(model.get_weights(), again.get_weights())


def test_a_schedule_that_is_not_known_is_said_to_be_missing(tmp_path):
    class Unknown(Halving):
        pass

    model = small(SGD(Unknown(0.5)))
    model.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match=r"loaded without its compile settings; .*SGD's learning_"):
        again = npcnn.load_model(tmp_path / "m.keras")
    assert not again.compiled
    again = npcnn.load_model(tmp_path / "m.keras", custom_objects={"Unknown": Unknown})
    assert again.optimizer.learning_rate == 0.5


@pytest.mark.parametrize("rate", [math.nan, math.inf, -1.0, "0.1", None, True, [0.1, 0.2]])
def test_what_is_no_rate(rate):
    class Odd(schedules.LearningRateSchedule):
        def __call__(self, step):
            return rate

    model = small(SGD(Odd()))
    before = model.get_weights()
    with pytest.raises(ArgumentError, match=r"^Odd\(step=0\): expected a number ≥ 0") as caught:
        model.fit(*data(), verbose=0)
    assert "\n" not in str(caught.value)
    assert_same_weights(model.get_weights(), before)


@pytest.mark.parametrize(
    "schedule",
    [
        schedules.ExponentialDecay(1e30, 1e-6, 1e30), schedules.InverseTimeDecay(1, 1e-6, 1e30),
        schedules.PolynomialDecay(1, 1e-6, cycle=True, power=1e30),
        schedules.CosineDecayRestarts(1, 1e-6, 1.0, 1e30),
        schedules.CosineDecayRestarts(1, 1e-6, 1 + 1e-9), schedules.OneCycle(1e30, 1e-6, 1e-300),
        schedules.CosineDecayRestarts(1, 2.0**62, 1e30), schedules.CosineDecay(1, 1e-6, 1e30),
    ],
)  # fmt: skip
@pytest.mark.parametrize("step", [0, 1, 10**6, 2**62])
def test_no_number_of_steps_is_too_large(schedule, step):
    assert schedule(step) >= 0  # infinity is no rate, and is refused by whoever takes it


REFUSED = [
    lambda: schedules.ExponentialDecay(-1, 2, 0.5), lambda: schedules.ExponentialDecay(1, 0, 0.5),
    lambda: schedules.ExponentialDecay(1, 2, math.nan),
    lambda: schedules.ExponentialDecay(1, 2, 0.5, "no"),
    lambda: schedules.ExponentialDecay("1", 2, 0.5), lambda: schedules.InverseTimeDecay(1, -1, 1),
    lambda: schedules.PolynomialDecay(1, 0), lambda: schedules.PolynomialDecay(1, 3, power=-1),
    lambda: schedules.PiecewiseConstantDecay([1], [1.0]),
    lambda: schedules.PiecewiseConstantDecay([], [1.0]),
    lambda: schedules.PiecewiseConstantDecay([2, 1], [1.0, 1.0, 1.0]),
    lambda: schedules.PiecewiseConstantDecay([1], [1.0, -1.0]),
    lambda: schedules.PiecewiseConstantDecay(1, 2), lambda: schedules.CosineDecay(1, 0),
    lambda: schedules.CosineDecay(1, 2, warmup_target=-1), lambda: schedules.CosineDecay(1, 2, -1),
    lambda: schedules.CosineDecay(1, 2, warmup_steps=-1),
    lambda: schedules.CosineDecayRestarts(1, 0), lambda: schedules.CosineDecayRestarts(1, 2, 0.5),
    lambda: schedules.OneCycle(1, 0), lambda: schedules.OneCycle(1, 5, 1.0),
    lambda: schedules.OneCycle(1, 5, div_factor=0), lambda: schedules.OneCycle(1, 5, name=3),
    lambda: schedules.deserialize({"class_name": "Cosine", "config": {}}),
    lambda: schedules.PolynomialDecay(1, 1e-320), lambda: schedules.deserialize(3),
    lambda: schedules.serialize(0.1), lambda: schedules.CosineDecay(1, 2)(-1),
    lambda: schedules.ExponentialDecay(1, 2, 0.5)("a"), lambda: schedules.OneCycle(1, 5)(10**400),
    lambda: SGD({"class_name": "CosineDecay", "config": 3}), lambda: SGD(lambda step: 0.1),
    lambda: SGD(schedules.CosineDecay),
]  # fmt: skip


@pytest.mark.parametrize("make", REFUSED)
def test_absurd_arguments_are_refused_in_one_line(make):
    with pytest.raises(NpcnnError, match=r"expected .*, got ") as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_base_that_says_nothing():
    schedule = schedules.LearningRateSchedule()
    with pytest.raises(NotImplementedError, match=r"^LearningRateSchedule: .* method __call__"):
        schedule(0)
    with pytest.raises(NotImplementedError, match=r"^LearningRateSchedule: .* method get_config"):
        schedule.get_config()


def test_a_function_is_asked_for_each_step(backend):
    rates, scheduled = [0.5, 0.0, 0.25], schedules.PiecewiseConstantDecay([0, 1], [0.5, 0.0, 0.25])
    models = {}
    for name, rate in (("asked", lambda: rates[models["asked"].optimizer.iterations]),
                       ("scheduled", scheduled)):  # fmt: skip
        models[name] = model = small(Adam(rate))
        model.fit(*data(), batch_size=8, verbose=0, shuffle=False)
    assert_same_weights(models["asked"].get_weights(), models["scheduled"].get_weights())


def half():
    return 0.5


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_files_keep_a_function_by_its_name(tmp_path, ending):
    path = tmp_path / f"m{ending}"
    model = small(SGD(half))
    model.save(path)
    with pytest.warns(UserWarning, match=r"loaded without its compile settings; .*got 'half'"):
        assert not npcnn.load_model(path).compiled
    again = npcnn.load_model(path, custom_objects={"half": half})
    assert again.optimizer.learning_rate == 0.5
    # as keras.optimizers.SGD(half).get_config() has it
    written = {"module": "builtins", "class_name": "function", "config": "half",
               "registered_name": "function"}  # fmt: skip
    assert again.optimizer.get_config()["learning_rate"] == written
    with pytest.raises(
        DtypeError, match=r"SGD\(learning_rate\): expected the schedule half to stay"
    ):
        again.optimizer.learning_rate = 0.1


def test_what_a_function_returns_is_looked_at():
    with pytest.raises(ArgumentError, match=r"^<lambda>\(\): expected a number ≥ 0.*got 'much'"):
        small(SGD(lambda: "much")).fit(*data(), verbose=0)
