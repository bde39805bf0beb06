import warnings

import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import layers
from npcnn.checks import NpcnnWarning


def living_network():
    """The document's network with biases that keep every filter alive."""
    model = networks.document_network(dropout=0.2)
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            layer.bias[...] = 0.5
    return model


def warnings_of(model, x, y, diagnostics, **kwargs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(x, y, verbose=0, callbacks=[diagnostics], **kwargs)
    assert all(issubclass(w.category, NpcnnWarning) for w in caught)
    return [str(w.message) for w in caught]


def test_a_sound_run_gets_no_warning(backend):
    model = npcnn.Sequential(
        [
            layers.Input((28, 28, 1)), layers.Conv2D(3, 3, activation="relu"),
            layers.MaxPooling2D(3), layers.Flatten(), layers.Dropout(0.2),
            layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax"),
        ]
    )  # fmt: skip
    networks.compiled(model)
    model.layers[0].bias[...] = 0.5
    model.optimizer.learning_rate = 0.003
    x, y = networks.digits(100)
    found = warnings_of(
        model, x, y, npcnn.Diagnostics(every=5, patience=40), batch_size=10, epochs=8
    )
    assert found == []


def test_vanishing_gradients():
    stack = [layers.Dense(8, activation="sigmoid") for _ in range(9)]
    model = networks.compiled(
        npcnn.Sequential([layers.Input((4,)), *stack, layers.Dense(2, activation="softmax")])
    )
    for layer in model.layers[:-1]:
        layer.kernel *= 0.1
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 4)), rng.integers(0, 2, 40)
    found = warnings_of(model, x, y, npcnn.Diagnostics(every=2), batch_size=4, epochs=2)
    assert len(found) == 1
    assert found[0].startswith("step 4: the gradients of dense vanish: ")


def test_dead_filters_are_named_once():
    model, (x, y) = living_network(), networks.digits(30)
    model.get_layer("conv2d_2").bias[[1, 7]] = -1e4
    found = warnings_of(model, x, y, npcnn.Diagnostics(every=1), batch_size=5, epochs=2)
    assert len(found) == 1
    assert found[0].startswith(
        "step 3: all ReLUs of 2 of 10 filters of conv2d_2 are dead (filter 1, 7): nothing can"
    )


def test_a_loss_that_stays_at_guessing():
    model, (x, _) = living_network(), networks.digits(60)
    y = np.random.default_rng(1).integers(0, 10, 60)
    model.compile(npcnn.optimizers.SGD(1e-4), "sparse_categorical_crossentropy")
    model.get_layer("dense_1").kernel *= 0.01
    found = warnings_of(
        model, x, y, npcnn.Diagnostics(every=10, patience=20), batch_size=6, epochs=4
    )
    assert len(found) == 1
    assert "and ln(10) = 2.303 is what guessing gives; check that labels belong" in found[0]


def test_each_run_begins_anew():
    model, (x, y) = living_network(), networks.digits(30)
    model.get_layer("conv2d").bias[0] = -1e4
    diagnostics = npcnn.Diagnostics(every=1)
    assert len(warnings_of(model, x, y, diagnostics, batch_size=5)) == 1
    assert len(warnings_of(model, x, y, diagnostics, batch_size=5)) == 1


def test_the_loss_of_each_batch_is_taken_out_of_the_mean():
    x, y = networks.digits(30)
    seen = []

    class Note(npcnn.Diagnostics):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            seen.append(self.losses[-1])

    npcnn.set_random_seed(3)
    model = networks.document_network()
    model.fit(x, y, batch_size=10, epochs=2, verbose=0, shuffle=False, callbacks=[Note()])
    npcnn.set_random_seed(3)
    model = networks.document_network()
    parts = [slice(0, 10), slice(10, 20), slice(20, 30)] * 2
    wanted = [model.train_on_batch(x[part], y[part])[0] for part in parts]
    np.testing.assert_allclose(seen, wanted, rtol=1e-9)


def test_it_is_also_among_the_callbacks():
    assert npcnn.callbacks.Diagnostics is npcnn.Diagnostics
    assert npcnn.callbacks.Recorder is npcnn.Recorder
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        npcnn.callbacks.Nothing  # noqa: B018
