"""What every optimizer can do beside its step: clipping, decay, running means, summed gradients."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import assert_same_weights
from models import tanh_data as data
from models import tanh_model as small

import npcnn
from npcnn import optimizers
from npcnn.backend import ops, using
from npcnn.callbacks import BackupAndRestore, LambdaCallback, ModelCheckpoint
from npcnn.checks import ArgumentError, DtypeError, NpcnnWarning, StateError
from npcnn.optimizers import SGD, Adam, AdamW

ALL = {
    "clipnorm": {"clipnorm": 0.05}, "clipvalue": {"clipvalue": 0.01},
    "global_clipnorm": {"global_clipnorm": 0.05}, "weight_decay": {"weight_decay": 0.5},
    "use_ema": {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
    "gradient_accumulation_steps": {"gradient_accumulation_steps": 3},
    "all": {
        "clipnorm": 0.05, "weight_decay": 0.1, "use_ema": True, "ema_momentum": 0.5,
        "gradient_accumulation_steps": 2,
    },
}  # fmt: skip


numbers = st.floats(-1e3, 1e3, width=32)
vectors = st.lists(st.lists(numbers, min_size=1, max_size=20), min_size=1, max_size=4)


@pytest.mark.parametrize("name", ["numpy", "numba"])
@given(parts=vectors, limit=st.floats(1e-3, 1e3), dtype=st.sampled_from(["float32", "float64"]))
def test_clipping_by_its_definition(name, parts, limit, dtype):
    """A norm is at most the limit, what is below it stays, and directions are kept."""
    flat = np.array([x for part in parts for x in part], dtype)
    stops = tuple(np.cumsum([len(part) for part in parts]).tolist())
    sums, starts = np.zeros(len(parts), dtype), (0, *stops)
    rough = 1e-5 if dtype == "float32" else 1e-12
    with using(name):
        ops.square_sums(flat, sums, stops)
        each = ops.clip_by_norm(flat, sums, stops, limit)
        together = ops.clip_by_global_norm(flat, sums, limit)
        values = ops.clip_by_value(flat, limit)
    for k, part in enumerate(parts):
        norm = math.sqrt(math.fsum(x * x for x in part))
        assert sums[k] == pytest.approx(norm**2, rel=rough, abs=1e-30)
        wanted = [x * min(1.0, limit / norm) if norm else 0.0 for x in part]
        np.testing.assert_allclose(each[starts[k] : stops[k]], wanted, rough, 1e-30)
    norm = math.sqrt(math.fsum(float(x) ** 2 for x in flat))
    share = min(1.0, limit / norm) if norm else 1.0
    np.testing.assert_allclose(together, flat.astype("float64") * share, rough, 1e-30)
    np.testing.assert_allclose(values, [min(max(x, -limit), limit) for x in flat], rough)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_clipping_hides_no_bad_number(backend, bad):
    flat, sums = np.array([3.0, 4.0, bad]), np.zeros(2)
    ops.square_sums(flat, sums, (2, 3))
    assert sums[0] == 25
    with np.errstate(invalid="ignore"):
        found = ops.clip_by_norm(flat, sums, (2, 3), 1.0)
        together = ops.clip_by_global_norm(flat, sums, 1.0)
    np.testing.assert_allclose(found[:2], [0.6, 0.8])
    assert np.isnan(found[2])
    assert np.isnan(together).all()
    found = ops.clip_by_value(flat, 1.0)
    np.testing.assert_equal(found, [1.0, 1.0, bad if np.isnan(bad) else math.copysign(1, bad)])


@pytest.mark.parametrize("stops", [(), (2,), (2, 4), (3, 2), (-1, 3), (2, 3, 3), ("2", 3), None])
def test_bounds_that_no_kernel_is_handed(backend, stops):
    for op in (lambda s: ops.square_sums(np.ones(3), np.zeros(2), s),
               lambda s: ops.clip_by_norm(np.ones(3), np.ones(2), s, 1.0)):  # fmt: skip
        with pytest.raises(ArgumentError, match=r"^ops\."):
            op(stops)


@pytest.mark.parametrize("frozen", [(), (1,), (0, 2)])
@pytest.mark.parametrize("limit", ["clipnorm", "global_clipnorm"])
def test_each_variable_has_a_norm_of_its_own_beside_frozen_layers(backend, limit, frozen):
    model = small(SGD(1.0, **{limit: 0.02}), frozen)
    before = [weight.numpy() for weight in model.trainable_weights]
    model.train_on_batch(*data())
    moved = [w.numpy() - b for w, b in zip(model.trainable_weights, before, strict=True)]
    norms = [float(np.sqrt((move.astype("float64") ** 2).sum())) for move in moved]
    if limit == "clipnorm":
        np.testing.assert_allclose(norms, 0.02, rtol=1e-3)
    else:
        assert math.sqrt(sum(norm**2 for norm in norms)) == pytest.approx(0.02, rel=1e-3)
        assert max(norms) < 0.02


@pytest.mark.parametrize("options", ALL.values(), ids=ALL)
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_steps_are_played_to_the_same_bits(jit, name, options):
    """Run as they are with NumPy's ops nearly the same, and played with any number of threads."""
    runs = []
    for backend, threads in (("numba", 1), ("numba", 2), ("numpy", 1)):
        with using(backend):
            npcnn.set_num_threads(threads)
            model = small(getattr(optimizers, name)(0.02, **options))
            for _ in range(12):
                model.train_on_batch(*data())
            runs.append(model.get_weights())
            if backend == "numba":
                assert model.program.last.played, str(model.program)
                for _ in range(2 if "gradient_accumulation_steps" in options else 0):
                    model.train_on_batch(*data())
                    assert model.program.last.played, str(model.program)
    npcnn.set_num_threads(2)
    for one, two, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_without_options_nothing_is_added(jit):
    model = small("adam")
    for _ in range(4):
        model.train_on_batch(*data())
    calls = [call.op for call in model.program.last.calls]
    assert [op for op in calls if op in ("adam", "count")] == ["count", "adam"]
    assert calls[-2:] == ["count", "adam"]
    model.compile("adamw", "sparse_categorical_crossentropy")
    for _ in range(4):
        model.train_on_batch(*data())
    assert [call.op for call in model.program.last.calls][-2:] == ["count", "adamw"]


@pytest.mark.parametrize("cls", [Adam, AdamW])
def test_what_is_excluded_does_not_decay(backend, cls):
    """By name, by a model's variable, and by its array: all the same, and no other moves."""
    makers = [
        lambda model: {"var_names": ["bias"]},
        lambda model: {"var_list": [w for w in model.trainable_variables if w.name == "bias"]},
        lambda model: {"var_list": [layer.bias for layer in model.layers]},
    ]
    found = []
    for excluded in makers:
        model = small(cls(0.0 if cls is Adam else 1e-30, weight_decay=0.5))
        model.set_weights([np.full_like(w, 2.0) for w in model.get_weights()])
        model.optimizer.exclude_from_weight_decay(**excluded(model))
        model.optimizer.learning_rate = 0.5
        model.optimizer.beta_1 = 0.9
        gradients = [np.zeros(w.shape, "float32") for w in model.trainable_weights]
        model.optimizer.apply(gradients, model.trainable_weights)
        found.append(model.get_weights())
    for kernel, bias in zip(found[0][::2], found[0][1::2], strict=True):
        np.testing.assert_array_equal(kernel, np.full_like(kernel, 2 - 2 * 0.25))
        np.testing.assert_array_equal(bias, np.full_like(bias, 2))
    assert_same_weights(found[0], found[1])
    assert_same_weights(found[0], found[2])


def test_what_cannot_be_excluded():
    model = small(Adam(weight_decay=0.1))
    model.optimizer.exclude_from_weight_decay([np.ones(3)])
    with pytest.raises(ArgumentError, match=r"^Adam\.exclude_from_weight_decay\(var_list\): "):
        model.fit(*data(), verbose=0)
    model = small(Adam(weight_decay=0.1))
    model.fit(*data(), verbose=0)
    with pytest.raises(StateError, match=r"^Adam\.exclude_from_weight_decay\(\): .*call it earl"):
        model.optimizer.exclude_from_weight_decay(var_names=["bias"])
    for names in ([3], ["("]):
        with pytest.raises(ArgumentError, match=r"^exclude_from_weight_decay\(var_names\): exp"):
            Adam().exclude_from_weight_decay(var_names=names)


def test_running_means_take_over_when_a_run_ends(backend):
    seen = []
    model = small(SGD(0.1, use_ema=True, ema_momentum=0.75))
    keep = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()))
    ends = LambdaCallback(on_train_end=lambda logs: seen.append(model.get_weights()))
    model.fit(*data(), batch_size=8, epochs=2, verbose=0, callbacks=[keep, ends])
    for k, weight in enumerate(model.get_weights()):
        mean = seen[0][k].astype("float64")  # the first step's ρ is 0
        for weights in seen[1:-1]:
            mean = 0.75 * mean + 0.25 * weights[k]
        np.testing.assert_allclose(weight, mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(weight, seen[-1][k])  # before on_train_end, as in Keras


@pytest.mark.parametrize(("kind", "numbers"), [(SGD, (0.1, 0.9)), (Adam, (0.01,))])
def test_summed_gradients_are_a_larger_batch(backend, kind, numbers):
    x, y = data()
    summed = small(kind(*numbers, gradient_accumulation_steps=3))
    whole = small(kind(*numbers))
    summed.fit(x, y, batch_size=8, epochs=4, shuffle=False, verbose=0)
    whole.fit(x, y, batch_size=24, epochs=4, shuffle=False, verbose=0)
    for one, other in zip(summed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert (summed.optimizer.iterations, int(summed.optimizer.clock)) == (4, 12)


class StopError(Exception):
    pass


@pytest.mark.parametrize("options", [ALL["use_ema"], ALL["all"]])
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_runs_go_on_to_the_same_bits(backend, tmp_path, options, ending):
    def stop(batch, logs, model):
        if int(model.optimizer.clock) == 5:
            raise StopError

    whole = small(Adam(0.05, amsgrad=True, **options))
    whole.fit(*data(), batch_size=8, epochs=3, verbose=0)
    model, path = small(Adam(0.05, amsgrad=True, **options)), tmp_path / f"run{ending}"
    kept = ModelCheckpoint(path, save_freq=1)
    killed = LambdaCallback(on_train_batch_begin=lambda b, logs: stop(b, logs, model))
    with pytest.raises(StopError):
        model.fit(*data(), batch_size=8, epochs=3, verbose=0, callbacks=[kept, killed])
    again = small(Adam(0.05, amsgrad=True, **options))
    again.fit(
        *data(), batch_size=8, epochs=3, verbose=0, callbacks=[ModelCheckpoint(path, save_freq=1)],
        resume_from=path,
    )  # fmt: skip
    assert_same_weights(again.get_weights(), whole.get_weights())


@pytest.mark.parametrize("options", ALL.values(), ids=ALL)
def test_files_and_copies_go_on_as_the_model_does(backend, tmp_path, options):
    model = small(Adam(0.05, **options))
    for _ in range(4):
        model.train_on_batch(*data())
    model.save(tmp_path / "m.keras")
    others = [npcnn.load_model(tmp_path / "m.keras"), copy.deepcopy(model)]
    assert others[0].optimizer.get_config() == model.optimizer.get_config()
    for one in (model, *others):
        for _ in range(5):
            one.train_on_batch(*data())
    for other in others:
        assert_same_weights(model.get_weights(), other.get_weights())


def test_arrays_of_ones_own_are_moved(backend):
    a, b = np.ones((2, 2)), np.ones(3)
    optimizer = SGD(0.5, loss_scale_factor=4.0)
    assert optimizer.scale_loss(2.0) == 8.0
    assert SGD().scale_loss(2.0) == 2.0
    taken = optimizer.apply_gradients([(np.full((2, 2), 4.0), a), ([4.0, 8.0, 0.0], b)])
    assert (taken, optimizer.iterations) == (1, 1)
    np.testing.assert_array_equal(a, np.full((2, 2), 0.5))
    np.testing.assert_array_equal(b, [0.5, 0.0, 1.0])
    for gradients, arrays in (
        ([np.ones(2)], [b]), ([np.ones(3)], [a, b]), ([], []), ([np.ones(3)], [[1.0, 2.0, 3.0]]),
        ([np.ones(2)], [np.arange(2)]), ([np.ones(2)] * 2, [np.ones(2), np.ones(2, "float32")]),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=r"^SGD\.apply\(grads, trainable_variables\): "):
            optimizer.apply(gradients, arrays)
    assert optimizer.iterations == 1


def test_variables_are_named_as_in_keras(backend):
    model = small(Adam(use_ema=True))
    model.train_on_batch(*data())
    found = model.optimizer.variables
    assert [v.name for v in found[:4]] == ["iteration", "learning_rate", "kernel_average",
                                           "bias_average"]  # fmt: skip
    assert (int(found[0].numpy()), found[1].numpy()) == (1, np.float32(0.001))
    assert found[2].shape == (6, 4)
    np.testing.assert_array_equal(found[2].numpy(), model.layers[0].kernel)
    assert [v.name for v in found[8:11]] == ["kernel_momentum", "kernel_velocity", "bias_momentum"]
    assert len(found) == 2 + 6 * 3


REFUSED = {
    "clipnorm": [0, -1, math.nan, "1", True], "clipvalue": [0, math.inf],
    "global_clipnorm": [-1, 1e31], "weight_decay": [-0.1, math.nan, "0.1"],
    "use_ema": [3, "yes"], "ema_momentum": [-0.1, 1.1, math.nan],
    "ema_overwrite_frequency": [0, 1.5], "loss_scale_factor": [0, -2],
    "gradient_accumulation_steps": [0, 1, 2.5, -3],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in REFUSED.items() for v in vs])
@pytest.mark.parametrize("cls", ["SGD", "Lion"])
def test_options_that_are_none(cls, name, value):
    with pytest.raises(ArgumentError, match=rf"^{cls}\({name}\): expected") as caught:
        getattr(optimizers, cls)(**{name: value})
    assert "\n" not in str(caught.value)


def test_names_that_keras_3_no_longer_takes():
    with pytest.raises(ArgumentError, match=r"^Adam\(lr\): .*; write learning_rate=0\.5\.$"):
        Adam(lr=0.5)
    with pytest.warns(NpcnnWarning, match=r"^Argument `decay` is no longer .* ignored; give SGD"):
        SGD(decay=1e-4)
    with pytest.raises(ArgumentError, match=r"^SGD, its arguments: .*'clipnorm' was meant\.$"):
        SGD(clip_norm=1.0)
    with pytest.raises(ArgumentError, match=r"^SGD: expected one of clipnorm, .*, got clipnorm an"):
        SGD(clipnorm=1.0, clipvalue=1.0)


def test_an_optimizer_without_a_step_is_refused_at_once():
    class Idle(optimizers.Optimizer):
        pass

    with pytest.raises(DtypeError, match=r"^compile\(optimizer\): .*update\(\), got Idle, which h"):
        small(Idle())
    with pytest.raises(NotImplementedError, match=r"^Idle: expected a method update, got none"):
        Idle().apply([(slice(0, 1), np.zeros(1), np.zeros(1))])


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_epoch_end", "on_train_batch_begin",
                                  "on_train_batch_end", "on_train_begin"])  # fmt: skip
def test_another_optimizer_in_the_middle_of_a_run(backend, hook):
    """It ended in KeyError 'm'. In Keras the next step is its first."""
    model = small(SGD(0.0))
    before = model.get_weights()

    def swap(*_):
        if model.optimizer.name == "sgd" and (
            not hook.startswith("on_train_batch") or int(model.optimizer.clock) == 5
        ):
            model.optimizer = Adam(0.01)

    swapping = LambdaCallback(**{hook: swap})
    model.fit(*data(), batch_size=4, epochs=3, verbose=0, callbacks=[swapping])
    steps = {"on_train_begin": 18, "on_epoch_begin": 18, "on_epoch_end": 12}
    assert model.optimizer.iterations == steps.get(hook, 13)
    assert all((w != b).any() for w, b in zip(model.get_weights(), before, strict=True))


def test_what_is_put_in_an_optimizers_place_is_looked_at():
    model = small("sgd")

    def swap(epoch, logs):
        model.optimizer = 3

    with pytest.raises(ArgumentError, match=r"^Sequential\.optimizer: expected one of .*, got 3"):
        model.fit(*data(), verbose=0, callbacks=[LambdaCallback(on_epoch_begin=swap)])


def test_serialized_and_back():
    for name, cls in optimizers.known().items():
        optimizer = cls(0.25, clipnorm=2.0, use_ema=True)
        written = optimizers.serialize(optimizer)
        assert (written["module"], written["class_name"]) == ("keras.optimizers", cls.__name__)
        for form in (written, {"class_name": name, "config": written["config"]}):
            again = optimizers.deserialize(form)
            assert type(again) is cls
            assert again.get_config() == optimizer.get_config()
        assert optimizers.get(written).get_config() == optimizer.get_config()
    for config in ({}, {"class_name": "Adamm", "config": {}}, {"class_name": 3, "config": {}}):
        with pytest.raises(ArgumentError, match=r"^optimizers\.deserialize\(config\), its class"):
            optimizers.deserialize(config)
    with pytest.raises(DtypeError, match=r"^serialize\(optimizer\): expected a"):
        optimizers.serialize("adam")


def test_a_backup_of_a_run_with_options(tmp_path, backend):
    model = small(SGD(0.1, **ALL["all"]))
    model.fit(*data(), batch_size=8, epochs=2, verbose=0,
              callbacks=[BackupAndRestore(tmp_path / "backup")])  # fmt: skip
    other = small(SGD(0.1, **ALL["all"]))
    other.fit(*data(), batch_size=8, epochs=2, verbose=0)
    assert_same_weights(model.get_weights(), other.get_weights())


def test_what_variables_show_is_what_the_optimizer_has(backend):
    optimizer, start = optimizers.SGD(0.05, momentum=0.9), np.array([1.0, 1 / 3])
    moved = optimizers.options.Named(start, "w")
    optimizer.apply([np.array([0.1, 0.7])], [moved])
    velocity = -0.05 * np.array([0.1, 0.7])
    np.testing.assert_array_equal(start, np.array([1.0, 1 / 3]) + velocity)  # in place, unrounded
    shown = {one.name: one for one in optimizer.variables}
    assert shown["w_momentum"].dtype == np.float64
    shown["w_momentum"].assign(np.zeros(2))
    optimizer.apply([np.zeros(2)], [moved])
    np.testing.assert_array_equal(start, np.array([1.0, 1 / 3]) + velocity)
