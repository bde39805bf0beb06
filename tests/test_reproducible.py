import numpy as np
import pytest
from models import assert_same_weights, document_model, small_data, small_model

import npcnn
from npcnn import Sequential, data, layers, training
from npcnn.backend import using


def train(seed, **arguments):
    npcnn.set_random_seed(seed)
    model = small_model(dropout=0.5)
    x, y = small_data(40)
    history = model.fit(x, y, 8, verbose=0, **{"epochs": 3, **arguments})
    return model.get_weights(), history.history


def test_same_seed_same_bits(backend):
    first, curves = train(5)
    again, curves_again = train(5)
    assert_same_weights(first, again)
    assert curves == curves_again
    other, _ = train(6)
    assert all((a != b).any() for a, b in zip(first, other, strict=True))


def test_same_bits_in_another_process(run_python, backend):
    import hashlib

    source = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import hashlib, npcnn\n"
        "from test_reproducible import train\n"
        f"npcnn.use_backend({backend!r})\n"
        "print(hashlib.sha256(b''.join(w.tobytes() for w in train(5)[0])).hexdigest())\n"
    )
    here = hashlib.sha256(b"".join(w.tobytes() for w in train(5)[0])).hexdigest()
    assert run_python(source).strip() == here


@pytest.fixture(scope="module")
def learnt_here():
    """Return a digest of what is learnt in this process, on its number of threads."""
    import hashlib

    with using("numba"):
        return hashlib.sha256(b"".join(w.tobytes() for w in train_document())).hexdigest()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_same_bits_on_any_number_of_threads(run_python, threads, learnt_here):
    """Pictures large enough that the kernels do run on several threads."""
    source = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import hashlib, npcnn\n"
        "from test_reproducible import train_document\n"
        f"npcnn.threads.set_num_threads({threads})\n"
        "print(hashlib.sha256(b''.join(w.tobytes() for w in train_document())).hexdigest())\n"
    )
    printed = run_python(source, NPCNN_BACKEND="numba", THREADS=str(threads))
    assert printed.strip() == learnt_here


def train_document():
    """Return the document's network after 201 steps on drawn digits, batches of 60 and of 10."""
    npcnn.set_random_seed(5)
    model = document_model(dropout=True)
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = npcnn.datasets.draw_digits(130, seed=2)
    model.fit(x.reshape(-1, 28, 28, 1), y, 60, 67, 0)
    return model.get_weights()


def batches_of(monkeypatch, seed, before=(), **arguments):
    """Return the labels of every batch of a run, after doing `before` to the random state."""
    seen, rows = [], data.Batches.rows

    def spy(self, number, *more):
        found = rows(self, number, *more)
        seen.append(found[1][0].tolist())
        return found

    npcnn.set_random_seed(seed)
    for disturb in before:
        disturb()
    with monkeypatch.context() as patch:
        patch.setattr(data.Batches, "rows", spy)
        x = np.arange(40.0).reshape(40, 1)
        model = Sequential([layers.Input((1,)), layers.Dense(40, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(x, np.arange(40), 7, verbose=0, **arguments)
    return seen


def test_the_order_depends_on_seed_and_epoch_alone(monkeypatch):
    whole = batches_of(monkeypatch, 3, epochs=4)
    disturb = [lambda: layers.Dense(9)(np.ones((1, 9))), lambda: np.random.default_rng(1).random()]
    assert batches_of(monkeypatch, 3, disturb, epochs=4) == whole
    assert batches_of(monkeypatch, 3, epochs=4, initial_epoch=2) == whole[12:]
    assert batches_of(monkeypatch, 4, epochs=4) != whole
    epochs = [whole[k : k + 6] for k in range(0, 24, 6)]
    for epoch in epochs:
        assert sorted(label for batch in epoch for label in batch) == list(range(40))
    assert len({str(epoch) for epoch in epochs}) == 4


def masks_of(seed, steps, before=0):
    """Return the dropout masks of the given steps, seen through a model that passes ones on."""
    npcnn.set_random_seed(seed)
    model = Sequential([layers.Input((64,)), layers.Dropout(0.5), layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    for layer in model.layers:
        vars(layer)["_model_seed"] = seed
    for _ in range(before):
        npcnn.random.weights_generator().random()
    x = np.ones((3, 64), "float32")
    graph = model.graph.until(model.layers[0])
    return [training.forward(graph, [x], True, step)[0].tobytes() for step in steps]


def test_dropout_depends_on_seed_and_step_alone():
    whole = masks_of(3, range(6))
    assert len(set(whole)) == 6
    assert masks_of(3, [4, 2], before=5) == [whole[4], whole[2]]
    assert not set(masks_of(4, range(6))) & set(whole)


def test_every_step_of_a_run_has_its_own_mask(monkeypatch):
    """Dropout is told the number of the step, counted over all epochs, runs and single batches."""
    steps, forward = [], layers.Dropout.forward

    def spy(self, x, training=False, step=0, keep=True):
        if training:
            steps.append((self._model_seed, int(step)))
        return forward(self, x, training, step, keep)

    monkeypatch.setattr(layers.Dropout, "forward", spy)
    npcnn.set_random_seed(9)
    model = small_model(dropout=0.5)
    x, y = small_data(20)
    with using("numpy"):  # where each step calls each layer
        model.fit(x, y, 10, 2, 0, validation_data=(x, y))
        model.train_on_batch(x, y)
        model.fit(x, y, 10, 1, 0)
    assert steps == [(9, k) for k in range(7)]


def test_going_on_with_initial_epoch_is_one_run(backend):
    whole, curves = train(7, epochs=4)
    npcnn.set_random_seed(7)
    model = small_model(dropout=0.5)
    x, y = small_data(40)
    first = model.fit(x, y, 8, 2, 0).history
    second = model.fit(x, y, 8, 4, 0, initial_epoch=2).history
    assert_same_weights(model.get_weights(), whole)
    assert {name: first[name] + second[name] for name in first} == curves


def test_predictions_do_not_depend_on_what_was_predicted_before(backend):
    model = small_model()
    x, _ = small_data(20)
    alone = model.predict(x, verbose=0)
    model.predict(x[:5], verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), alone)
