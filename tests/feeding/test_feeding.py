import threading
import warnings

import numpy as np
import pytest
from models import small_data, small_model

import npcnn
from npcnn import utils
from npcnn.checks import ArgumentError, DtypeError, NpcnnWarning
from npcnn.feeding import is_stream
from npcnn.feeding.sources import ahead

X, Y = small_data(30)


def batches(size=10, stop=30):
    return [(X[k : k + size], Y[k : k + size]) for k in range(0, stop, size)]


class Numbered(utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, k):
        return batches()[k]


class Again:
    """Batches that can be iterated again and again, and do not say how many they are."""

    def __iter__(self):
        return iter(batches())


def weights_after(data, y=None, **arguments):
    npcnn.set_random_seed(3)
    model = small_model(dropout=0.3)
    arguments = {"epochs": 3, "verbose": 0, "shuffle": False, **arguments}
    history = model.fit(data, y, **arguments).history
    return np.concatenate([w.ravel() for w in model.get_weights()]), history, model


class Loader(Again):
    """As torch's, whose length is known and whose batches are lists."""

    def __len__(self):
        return 3

    def __iter__(self):
        return iter([list(batch) for batch in batches()])


@pytest.mark.parametrize("make", [Numbered, Again, Loader, lambda: Numbered(workers=3)])
def test_batches_from_anywhere_are_arrays_cut_up(make):
    wanted, history, _ = weights_after(X, Y, batch_size=10)
    found, curves, model = weights_after(make())
    np.testing.assert_array_equal(found, wanted)
    assert curves == history
    scores = model.evaluate(X, Y, 10, verbose=0)
    assert model.evaluate(make(), verbose=0) == scores
    np.testing.assert_array_equal(model.predict(make(), verbose=0), model.predict(X, 10, verbose=0))


def test_a_torch_loader():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    found, _, _ = weights_after(torch.utils.data.DataLoader(data, 10))
    np.testing.assert_array_equal(found, weights_after(X, Y, batch_size=10)[0])


def test_a_fed_step_is_replayed():
    model = weights_after(Numbered(), epochs=6)[2]
    assert model.program.last.played, str(model.program)


def test_a_dataset_is_shuffled_by_batches_as_seed_and_epoch_say():
    seen = []

    class Noting(Numbered):
        def __getitem__(self, k):
            seen.append(k)
            return super().__getitem__(k)

    weights_after(Noting(), shuffle=True)
    first = seen[:]
    orders = [tuple(first[k : k + 3]) for k in (0, 3, 6)]
    wanted = [tuple(npcnn.random.shuffled(3, seed=3, epoch=k).tolist()) for k in range(3)]
    assert orders == wanted
    seen.clear()
    weights_after(Noting(workers=2), shuffle=True)
    assert sorted(seen) == sorted(first)


def test_arrays_of_an_epoch_of_few_steps_are_all_seen():
    """Each pass has an order of its own, and is gone on with in the next epoch."""
    seen = []

    class Noting(npcnn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    npcnn.set_random_seed(0)
    model = small_model()
    model.fit(X, Y, 10, 6, 0, [Noting()], steps_per_epoch=1)
    assert seen == [0] * 6
    feed = model_feed(model)
    rows = [batch[0][0] for number in range(6) for batch in feed.epoch(number, seed=5)]
    for k in (0, 3):
        assert sorted(np.concatenate(rows[k : k + 3])) == list(range(30))
    assert (np.concatenate(rows[:3]) != np.concatenate(rows[3:])).any()


def model_feed(model):
    from npcnn.feeding import opened

    return opened((X, Y, None), model, "fit", 10, 1, shuffle=True)


def test_workers_make_batches_ahead_in_order_and_end():
    before = threading.active_count()
    made = ahead(lambda k: k * 2, iter(range(20)), workers=3, most=5)
    assert [next(made) for _ in range(4)] == [0, 2, 4, 6]
    made.close()
    assert threading.active_count() == before
    assert list(ahead(lambda k: k, range(7), 2, 10)) == list(range(7))
    with pytest.raises(KeyError, match="bad"):
        list(ahead({}.__getitem__, ["bad"], 2, 2))


@pytest.mark.parametrize("steps", [None, 2])
def test_a_fed_run_goes_on_to_the_same_bits(tmp_path, steps):
    path, arguments = tmp_path / "run.keras", {"shuffle": True, "steps_per_epoch": steps}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NpcnnWarning)
        wanted, history, _ = weights_after(Numbered(), epochs=5, **arguments)

    class Stop(npcnn.callbacks.Callback):
        def write_checkpoint(self):
            if self.model.optimizer.iterations == 4:
                raise KeyboardInterrupt

    keep = npcnn.callbacks.ModelCheckpoint(str(path), save_freq=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NpcnnWarning)
        with pytest.raises(KeyboardInterrupt):
            weights_after(Numbered(), epochs=5, callbacks=[keep, Stop()], **arguments)
        again = {"callbacks": [npcnn.callbacks.ModelCheckpoint(str(path), save_freq=1)]}
        found, curves, _ = weights_after(
            Numbered(), epochs=5, resume_from=path, **again, **arguments
        )
    np.testing.assert_array_equal(found, wanted)
    assert curves == history


def test_what_runs_out_says_so():
    model = small_model()
    with pytest.warns(NpcnnWarning, match=r"^epoch 1: expected 5 batches, got 3; give more data"):
        model.fit((b for b in batches()), steps_per_epoch=5, verbose=0)
    with pytest.warns(NpcnnWarning, match=r"^epoch 2: expected 3 batches, got 2; "):
        model.fit((b for b in batches()), epochs=2, verbose=0)
    with pytest.warns(NpcnnWarning, match="got 3"):
        model.evaluate(X, Y, 10, steps=4, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit((b for b in batches()), verbose=0)  # its length was not known


def test_a_model_without_shapes_takes_those_of_a_batch():
    for data in (Numbered(), (b for b in batches()), Again()):
        model = npcnn.Sequential([npcnn.layers.Flatten(), npcnn.layers.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(data, verbose=0)
        assert model.input_shape == (None, 6, 6, 1)


def test_the_line_of_an_epoch_counts_its_steps(capsys):
    small_model().fit((b for b in batches()), verbose=2)
    assert capsys.readouterr().out.splitlines()[1].startswith("3/3 - ")


def bad_batches():
    yield X[:3], Y[:3]
    yield X[:3], Y[:2]


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda m: m.fit(Numbered(), Y), ArgumentError, r"fit\(y\): expected nothing beside"),
        (lambda m: m.fit(Numbered(), sample_weight=Y), ArgumentError, r"fit\(sample_weight\)"),
        (lambda m: m.fit(iter([])), ArgumentError, r"fit\(x\): expected at least one batch"),
        (lambda m: m.fit(iter([(X,)])), ArgumentError, r"fit\(y\): expected targets, got None"),
        (lambda m: m.fit(iter([(X, Y, None, 1)])), ArgumentError, "batches .x, y., .x, y, sample"),
        (lambda m: m.fit(iter([("a", Y)])), DtypeError, r"fit\(x\): expected an array of numbers"),
        (lambda m: m.fit(iter([(X[:, 1:], Y)])), ArgumentError, r"expected samples of shape"),
        (lambda m: m.fit(bad_batches()), ArgumentError, r"as many targets as samples \(3\), got 2"),
        (lambda m: m.fit(Numbered(), validation_split=0.1), DtypeError, r"fit\(x\): expected an"),
        (
            lambda m: m.fit(iter([(X, Y, np.ones(30))]), class_weight={0: 1}),
            ArgumentError,
            "fit: expected one of class_weight and sample_weight, got both",
        ),
        (lambda m: m.fit(X, Y, validation_data={1: 2}), ArgumentError, r"\(x, y, weights\)"),
        (lambda m: m.predict(5), DtypeError, r"predict\(x\): expected an array of numbers"),
    ],
)
def test_errors(call, kind, text):
    with pytest.raises(kind, match=text):
        call(small_model())


def test_what_is_a_stream():
    for x in (Numbered(), Again(), iter([]), (k for k in ())):
        assert is_stream(x)
    for x in ([], (), {}, "a", b"a", 5, None, range(3), X, bytearray(3), memoryview(b"a")):
        assert not is_stream(x)


def test_a_dataset_without_its_methods_says_so():
    with pytest.raises(NotImplementedError, match=r"PyDataset needs __len__\(\), or num_batches"):
        list(utils.PyDataset())
    with pytest.raises(NotImplementedError, match="needs __getitem__"):
        utils.Sequence()[0]

    class Endless(utils.PyDataset):
        num_batches = None

        def __getitem__(self, k):
            return batches()[k % 3]

    found, _, _ = weights_after(Endless(), steps_per_epoch=3)
    np.testing.assert_array_equal(found, weights_after(X, Y, batch_size=10)[0])
