"""A replayed pass gives what the plain one gives, to the bit, whatever happened in between."""

import copy
import gc
import itertools
import pickle
import threading
import weakref

import numpy as np
import pytest
import replays
from hypothesis import given, settings
from hypothesis import strategies as st
from models import assert_same_weights
from networks import pictures, small_network
from replays import CHANGES, OBSTACLES, SPARSE, agree, bits, outcome, steps

import npcnn
from npcnn import Sequential, layers, replay, threads, training
from npcnn.kernels import tape
from npcnn.kernels.compile import JIT

pytestmark = pytest.mark.usefixtures("numba")


@pytest.fixture
def numba():
    if not JIT:
        pytest.skip("compiled code is switched off: nothing is replayed")
    before = npcnn.get_backend(), threads.get_num_threads()
    npcnn.use_backend("numba")
    yield
    npcnn.use_backend(before[0])
    threads.set_num_threads(before[1])


@pytest.fixture
def plays(monkeypatch):
    """The tapes played so far."""
    return replays.count_plays(monkeypatch, [])


@settings(max_examples=150)
@given(st.fixed_dictionaries(replays.NETWORKS))
def test_any_network(network):
    agree(replays.random_run, None, **network)


def test_the_third_pass_is_replayed(plays):
    model = small_network()
    x, y = pictures(9)
    passes = [
        lambda: model.train_on_batch(x, y), lambda: model.evaluate(x, y, verbose=0),
        lambda: model.predict(x, verbose=0), lambda: model(x),
    ]  # fmt: skip
    for a_pass, counts in zip(passes, [[0, 0, 1, 2]] * 3 + [[1, 2, 3, 4]], strict=True):
        plays.clear()
        for count in counts:  # predicting and calling are one
            a_pass()
            assert len(plays) == count
    plays.clear()
    model.fit(x, y, 4, 4, 0, validation_data=(x, y))  # batches of 4, 4 and 1
    assert len(plays) == 2 * (0 + 2 + 3 + 3)


@pytest.mark.parametrize("obstacle", OBSTACLES.values(), ids=OBSTACLES)
def test_what_npcnn_does_not_know_is_never_replayed(plays, obstacle):
    def run():
        model = small_network()
        seen = steps(model, 0)
        with pytest.MonkeyPatch.context() as patch:
            obstacle(patch, model)
            before = len(plays)
            seen += steps(model, 10)
            assert len(plays) == before
            seen += outcome(model)
        return [*seen, *steps(model, 20), *outcome(model)]

    agree(run)


def test_the_numpy_backend_is_never_replayed(plays):
    def run():
        model = small_network()
        seen = steps(model, 0) + outcome(model)
        npcnn.use_backend("numpy")
        before = len(plays)
        seen += steps(model, 10) + outcome(model)
        assert len(plays) == before
        npcnn.use_backend("numba")
        return [*seen, *steps(model, 20), *outcome(model)]

    agree(run)


@pytest.mark.parametrize("axis", [1, 2])
def test_copies_made_by_numpy_are_never_replayed(axis):
    def run():
        kinds = [layers.Conv2D(2, 3), layers.Softmax(axis), layers.Flatten(), layers.Dense(3)]
        model = Sequential([layers.Input((8, 8, 2)), *kinds])
        model.compile("sgd", SPARSE(from_logits=True))
        return [*steps(model, 0), *(model(pictures(9, seed)[0]) for seed in range(4))]

    agree(run, False)


@pytest.mark.parametrize("convolutions", [0, 1])
def test_dense_over_several_axes_of_one_channel(convolutions):
    """Putting the axes together takes a copy there, and one that the op cannot see."""

    def run():
        kinds = [layers.Conv2D(1, 2)] * convolutions + [layers.Dense(4, "relu"), layers.Dense(3)]
        model = Sequential([layers.Input((4, 4, 1)), *kinds])
        rng = np.random.default_rng(0)
        return [model(rng.normal(size=(5, 4, 4, 1))) for _ in range(4)]

    agree(run, None)


def test_large_passes_are_never_replayed(monkeypatch):
    monkeypatch.setattr(replay, "LARGEST", 1 << 16)

    def run():
        model = small_network()
        return [*steps(model, 0, n=600), *(model(pictures(600, k)[0]) for k in range(4))]

    agree(run, False)
    agree(lambda: steps(small_network(), 0))


def test_what_goes_in_counts_as_memory(monkeypatch):
    monkeypatch.setattr(replay, "LARGEST", 1 << 16)
    x = np.ones((200, 100), "float32")

    def run():
        model = Sequential([layers.Input((100,)), layers.Dense(1)])
        return [model(k * x) for k in range(4)]

    agree(run, False)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen_at_once(change):
    def run():
        model = small_network()
        if change is CHANGES["smoothing"]:
            model.compile("adam", replays.ONE_HOT())
        seen = steps(model, 0) + outcome(model)
        change(model)
        seen += outcome(model) + steps(model, 10, 1) + outcome(model)
        return [*seen, *steps(model, 20), *outcome(model)]

    agree(run)


def test_changes_and_models_in_turn():
    """Two models share a layer; batch sizes, dropout rates and evaluations take turns."""

    def run():
        first, second = small_network(), small_network()
        second.layers[2] = first.layers[2]
        seen = []
        for k in range(24):
            model = (first, second)[k % 2]
            model.get_layer("dropout").rate = (0.25, 0.5)[k // 8 % 2]
            seen += [*steps(model, k, 1, (9, 4)[k // 2 % 2]), model(pictures(5, k)[0])]
            seen.append(first.evaluate(*pictures(9, k), 5, 0))
        return seen + outcome(first) + outcome(second)

    agree(run)


class Keeper:
    """A metric that keeps what it is shown."""

    name = "kept"

    def __init__(self):
        self.kept = []

    def values(self, y, outputs):
        self.kept.append((outputs, outputs.copy()))
        return outputs.max(axis=-1)


def test_what_was_handed_out_stays():
    def run():
        model, keeper, kept = small_network(), Keeper(), []
        model.compile("adam", SPARSE(), [keeper])
        x, y = pictures(9)
        for k in range(5):
            model.fit(x, y, 4, 1, 0, validation_data=(x, y))
            found = model(x), model.predict(x - k, verbose=0)
            kept += [*found, *(array.copy() for array in found)]
        for array, then in [*keeper.kept, *zip(kept[::4], kept[2::4], strict=True)]:
            np.testing.assert_array_equal(array, then)
        assert not any(np.shares_memory(a, b) for a, b in itertools.pairwise(kept))
        return kept

    agree(run)


def test_what_is_handed_out_may_be_written_to():
    class Spoiler(Keeper):
        def values(self, y, outputs):
            outputs[...] = 7
            return outputs

    def run():
        model = small_network()
        model.compile("adam", SPARSE(), [Spoiler()])
        seen = steps(model, 0)
        for k in range(4):
            seen.append(model(pictures(9, k)[0]).copy())
            model(pictures(9, k)[0])[...] = 7
        return seen + outcome(model)

    agree(run)


def test_what_goes_in_is_not_changed():
    model = small_network()
    x, y = pictures(9)
    x, weights = x.astype("float32"), np.linspace(0, 1, 9)
    before = [bits(array) for array in (x, y, weights)]
    for array in (x, y, weights):
        array.flags.writeable = False
    for _ in range(4):
        model.train_on_batch(x, y, weights)
        model.evaluate(x, y, sample_weight=weights, verbose=0)
        model(x)
    assert [bits(array) for array in (x, y, weights)] == before


NEXT = {
    "nothing": lambda model: None,
    "inference": lambda model: model(pictures(7, 8)[0]),
    "evaluation": lambda model: model.evaluate(*pictures(7, 8), verbose=0),
    "another size": lambda model: model.train_on_batch(*pictures(4, 8)),
}


@pytest.mark.parametrize("then", NEXT.values(), ids=NEXT)
def test_layers_keep_what_their_last_pass_gave_them(then):
    def run():
        model, seen = small_network(), []
        for k in range(5):
            steps(model, k, 1, n=9 if k < 4 else 5)
            then(model)
            seen += [bits(value) for layer in model.layers for value in layer._saved]
        return seen

    agree(run)


def test_backward_goes_on_from_the_last_step():
    def run():
        model, seen, rng = small_network(), [], np.random.default_rng(3)
        for k in range(5):
            steps(model, k, 1)
            for layer in model.layers:
                upstream = rng.normal(size=(9, *layer.output_shape[1:])).astype("float32")
                seen.append(layer.backward(upstream).copy())
                seen += [gradient.copy() for _, _, gradient in layer.parameters()]
        return seen

    agree(run)


def test_results_always_lie_in_memory_in_one_order():
    """Sums depend on it."""
    x = np.random.default_rng(0).normal(size=(50, 90)).astype("float32")
    model = Sequential([layers.Input((90,)), layers.Activation("tanh")])
    assert len({float(model(x).sum()) for _ in range(4)}) == 1


@pytest.mark.parametrize("when", [1, 2])
def test_an_interrupted_pass_leaves_nothing_behind(when):
    def run():
        model, calls, backward = small_network(), [], training.backward

        def interrupted(*arguments, **named):
            calls.append(1)
            if len(calls) == when:
                raise KeyboardInterrupt
            backward(*arguments, **named)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(training, "backward", interrupted)
            seen = steps(model, 0, when - 1)
            with pytest.raises(KeyboardInterrupt):
                steps(model, 5, 1)
            assert tape.running() is None
            return [*seen, *steps(model, 10), *outcome(model)]

    agree(run)


def test_few_passes_are_remembered(plays):
    model, tapes = small_network(), []
    steps(model, 0, 1)
    for k in range(20):
        model.get_layer("dropout").rate = k / 20
        for _ in range(3):
            model(pictures(k + 1)[0])
            steps(model, k, 1)
        tapes += map(weakref.ref, plays)
        plays.clear()
    gc.collect()
    assert len(tapes) == 40
    assert sum(tape() is not None for tape in tapes) <= replay.REMEMBERED


@pytest.mark.parametrize("owner", [False, True])
def test_a_deleted_model_s_tapes_are_freed(plays, owner):
    model = small_network()
    if owner:
        model.layers[0].owner = model
    model.fit(*pictures(9), 9, 4, 0)
    tapes = list(map(weakref.ref, plays))
    plays.clear()
    del model
    gc.collect()
    assert [tape() for tape in tapes] == [None] * 2


def test_inference_holds_nothing_of_the_step_before_it():
    model = small_network()
    steps(model, 0, 1)
    kept = weakref.ref(model.layers[0]._saved[2])
    for k in range(4):
        model(pictures(9, k)[0])
    steps(model, 1, 1)
    assert kept() is None


def test_two_threads_predict_at_once(plays):
    model, wrong = small_network(), []
    inputs = [pictures(9, seed)[0] for seed in range(4)]
    wanted = [training.forward(model.layers, x.astype("float32"), keep=False) for x in inputs]

    def predict(first):
        found = [model(inputs[k % 4]) for k in range(first, first + 60)]
        wrong.append([k for k in range(60) if (found[k] != wanted[(first + k) % 4]).any()])

    workers = [threading.Thread(target=predict, args=(k,)) for k in range(2)]
    for step in (threading.Thread.start, threading.Thread.join):
        for worker in workers:
            step(worker)
    assert wrong == [[], []]
    tapes = set(map(weakref.ref, plays))
    assert len(plays) == 2 * 58
    plays.clear()
    gc.collect()
    assert [tape() for tape in tapes] == [None] * 2  # a thread's tapes end with it


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda model: pickle.loads(pickle.dumps(model))}


@pytest.mark.parametrize("copy_of", COPIES.values(), ids=COPIES)
def test_a_copy_shares_nothing_with_its_model(copy_of):
    def run():
        model = small_network()
        seen = steps(model, 0) + outcome(model)
        twin = copy_of(model)
        seen += steps(twin, 10) + outcome(twin) + outcome(model)
        return [*seen, *steps(model, 20), *outcome(model)]

    agree(run)


@pytest.mark.parametrize("copy_of", COPIES.values(), ids=COPIES)
def test_a_copy_learns_as_its_model_does(copy_of):
    model = small_network()
    steps(model, 0)
    twin = copy_of(model)
    assert steps(twin, 10) == steps(model, 10)
    assert_same_weights(twin.get_weights(), model.get_weights())


def test_a_model_may_say_what_equals_it():
    class Named(Sequential):
        def __eq__(self, other):
            return self.name == other.name

    model = Named([layers.Input((5,)), layers.Dense(3)])
    x = np.ones((2, 5), "float32")
    wanted = training.forward(model.layers, x)
    for _ in range(4):
        np.testing.assert_array_equal(model(x), wanted)
