"""Normalization learns what the data's mean and variance are, and keeps them in files."""

import itertools
import math

import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout

import npcnn
from npcnn import layers
from npcnn.backend import ops
from npcnn.checks import ArgumentError, NpcnnError, StateError


def pictures():
    rng = np.random.default_rng(3)
    return rng.normal([1, -2, 30], [3, 0.1, 9], (20, 4, 5, 3))


def by_channel(x):
    """Mean and variance of each channel, number by number."""
    found = []
    for channel in range(x.shape[-1]):
        numbers = [float(v) for v in x[..., channel].ravel()]
        mean = math.fsum(numbers) / len(numbers)
        found.append((mean, math.fsum((v - mean) ** 2 for v in numbers) / len(numbers)))
    return np.array(found).T


class Pairs(npcnn.utils.PyDataset):
    def __init__(self, x):
        super().__init__()
        self.x = x

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return self.x[index * 5 : index * 5 + 5], np.zeros(5)


def endless(x):
    """What ImageDataGenerator.flow gives: batches without end, and a length."""

    class Endless:
        def __iter__(self):
            return ((x[k : k + 5], np.zeros(5)) for k in itertools.cycle(range(0, 20, 5)))

        def __len__(self):
            return 4

    return Endless()


DATA = {
    "an array": lambda x: x,
    "a list of batches": lambda x: [x[:7], x[7:8], x[8:]],
    "a generator": lambda x: (x[k : k + 3] for k in range(0, 20, 3)),
    "a data set": Pairs,
    "without end": endless,
    "bytes": lambda x: x.astype("uint8"),
}


@pytest.mark.parametrize("kind", DATA)
def test_adapt(kind):
    x = abs(pictures()) if kind == "bytes" else pictures()
    layer = layers.Normalization()
    layer.adapt(DATA[kind](x))
    mean, variance = by_channel(x.astype("uint8") if kind == "bytes" else x)
    assert [w.path for w in layer.weights] == [
        f"normalization/{name}" for name in ("mean", "variance", "count")
    ]
    np.testing.assert_allclose(layer.get_weights()[0], mean, rtol=1e-6)
    np.testing.assert_allclose(layer.get_weights()[1], variance, rtol=1e-6)
    assert layer.mean.shape == layer.variance.shape == (1, 1, 1, 3)
    np.testing.assert_array_equal(layer.mean.numpy()[0, 0, 0], layer.adapt_mean)
    want = (x[:2] - mean) / np.sqrt(variance)
    np.testing.assert_allclose(layer(x[:2]), want, atol=1e-4)


def test_large_data_are_looked_at_in_pieces(monkeypatch):
    x = pictures()
    monkeypatch.setattr("npcnn.layers.normalization.AT_ONCE", 100)
    layer = layers.Normalization(dtype="float64")
    layer.adapt(x)
    np.testing.assert_allclose([layer.adapt_mean, layer.adapt_variance], by_channel(x), rtol=1e-12)


@pytest.mark.parametrize(
    ("axis", "kept"), [(None, ()), (1, (4,)), ((1, 3), (4, 3)), ((-1, 2, 1), (4, 5, 3))]
)
def test_other_axes(backend, axis, kept):
    x = pictures()
    layer = layers.Normalization(axis)
    layer.adapt(x)
    assert layer.adapt_mean.shape == kept
    axes = tuple(k for k in range(4) if (k not in np.atleast_1d(axis) % 4 if axis else True))
    want = (x - x.mean(axes, keepdims=True)) / x.std(axes, keepdims=True)
    np.testing.assert_allclose(layer(x), want, atol=1e-4)


def test_single_numbers(backend):
    layer = layers.Normalization(axis=None)
    layer.adapt(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    np.testing.assert_allclose(layer(np.array([1.0, 3.0])), [-math.sqrt(2), 0], rtol=1e-6)
    with pytest.raises(ArgumentError, match="axes of the input"):
        layers.Normalization().adapt(np.arange(3.0))


def test_a_feature_that_never_changes(backend):
    layer = layers.Normalization()
    layer.adapt(np.array([[5.0, 1.0], [5.0, 3.0]]))
    np.testing.assert_allclose(layer(np.array([[5.0, 1.0], [6.0, 3.0]])), [[0, -1], [1e7, 1]])


@pytest.mark.parametrize("when", ["before", "after", "functional"])
def test_in_a_model(backend, when, tmp_path):
    x, y = pictures(), np.arange(20) % 3
    layer = layers.Normalization()
    if when == "before":
        layer.adapt(x)
    end = [layers.Flatten(), layers.Dense(3, activation="softmax")]
    if when == "functional":
        tensor = first = layers.Input((4, 5, 3))
        for one in (layer, *end):
            tensor = one(tensor)
        model = npcnn.Model(first, tensor)
    else:
        model = npcnn.Sequential([layer, *end])
    model.build((None, 4, 5, 3)) if when == "after" else None
    if when != "before":
        with pytest.raises(StateError, match=r"^Normalization.*: expected mean and var.*adapt"):
            model.predict(x, verbose=0)
        layer.adapt(x)
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.layers[-1].get_weights()
    history = model.fit(x, y, epochs=4, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert (before[0] != model.layers[-1].kernel).any()
    np.testing.assert_allclose(layer.adapt_mean, by_channel(x)[0], rtol=1e-6)
    for suffix in (".keras", ".h5", ".weights.h5"):
        path = tmp_path / f"model{suffix}"
        if suffix == ".weights.h5":
            again = npcnn.models.clone_model(model)
            model.save_weights(path)
            again.load_weights(path)
        else:
            model.save(path)
            again = npcnn.load_model(path)
        np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_what_is_adapted_anew_holds_at_once_also_in_a_step_that_is_played():
    x = pictures()
    layer = layers.Normalization()
    layer.adapt(x)
    model = npcnn.Sequential([layer, layers.Flatten()])
    for _ in range(8):
        model.predict(x, verbose=0)
    layer.adapt(x + 5)
    np.testing.assert_allclose(
        model.predict(x + 5, verbose=0).reshape(x.shape), layer(x + 5), rtol=1e-6
    )
    layer.set_weights([layer.adapt_mean + 1, layer.adapt_variance * 4, 0])
    want = layers.Normalization(mean=layer.adapt_mean, variance=layer.adapt_variance)(x)
    np.testing.assert_allclose(model.predict(x, verbose=0).reshape(x.shape), want, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("shape", [(3, 4, 5, 2), (100, 20, 8, 3), (5, 3), (6,), (2, 3, 4), (0, 3)])
def test_the_op(rng, backend, dtype, invert, shape):
    x = rng.normal(size=shape).astype(dtype)
    mean, variance = rng.random((2, 1, *shape[1:])).astype(dtype)
    spread = np.maximum(np.sqrt(variance.astype("float64")), 1e-7)
    want = mean + x * spread if invert else (x.astype("float64") - mean) / spread
    back = x * spread if invert else x / spread
    for layout in LAYOUTS:
        given = [in_layout(array, layout) for array in (x, mean, variance)]
        assert_close(ops.normalize(*given, 1e-7, invert), want, dtype)
        assert_close(ops.normalize_backward(given[0], given[2], 1e-7, invert), back, dtype)


NUMBERS = np.ones((3, 4))
WRONG = [
    (lambda: layers.Normalization(0), r"Normalization\(axis\): expected axes other than the batch"),
    (lambda: layers.Normalization("a"), r"Normalization\(axis\): expected axes"),
    (lambda: layers.Normalization(mean=1.0), "mean and variance of one shape"),
    (lambda: layers.Normalization(None, [1.0], [1.0]), "of at most 0 axes"),
    (lambda: layers.Normalization(-1, float("nan"), 1), r"\(mean\): expected a number, or a list"),
    (lambda: layers.Normalization(-1, True, True), r"\(mean\): expected a number, or a list"),
    (lambda: layers.Normalization(-1, [[1], [1, 2]], 1), r"\(mean\): expected a number, or a"),
    (lambda: layers.Normalization(-1, 1, -1), r"\(variance\): expected no number below 0"),
    (lambda: layers.Normalization(-1, [1, 2], [1, 2])(NUMBERS), r"of shape \(4,\), got \(2,\)"),
    (lambda: layers.Normalization(2)(NUMBERS), "axes of the input"),
    (lambda: layers.Normalization(invert="yes"), r"\(invert\): expected True or False"),
    (lambda: layers.Normalization(-1, 1, 1).adapt(NUMBERS), "a layer without mean and variance"),
    (lambda: layers.Normalization().adapt([]), "expected finite numbers, got none"),
    (lambda: layers.Normalization().adapt(np.ones((0, 3))), "got none"),
    (lambda: layers.Normalization().adapt("text"), "an array, or batches of them"),
    (lambda: layers.Normalization().adapt([NUMBERS, NUMBERS[:, :2]]), r"expected \(None, 4\)"),
    (lambda: layers.Normalization().adapt(NUMBERS * np.inf), "numbers without a mean"),
    (lambda: layers.Normalization()(NUMBERS), r"expected mean and variance of the data, got none"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("case", range(len(WRONG)))
def test_errors_are_one_line(case):
    make, words = WRONG[case]
    with pytest.raises(NpcnnError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
