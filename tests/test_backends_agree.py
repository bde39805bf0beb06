"""Asked the same, both backends give the same numbers, or the same error in one line."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from npcnn import layers
from npcnn.backend import ops, using
from npcnn.checks import NpcnnError

SIZES = st.integers(1, 5)
PAIRS = st.tuples(st.integers(1, 4), st.integers(1, 4))
DTYPES = st.sampled_from(["float32", "float64"])
PADDING = st.sampled_from(["valid", "same"])
ACTIVATION = st.sampled_from(["linear", "relu", "sigmoid", "softmax", "tanh"])
SHAPES = st.lists(st.integers(0, 5), min_size=1, max_size=5).map(tuple)  # empty ones too
IMAGES = st.tuples(st.integers(0, 5), st.integers(1, 7), st.integers(1, 7), st.integers(1, 5))
NUMBERS = {
    "max_value": st.none() | st.sampled_from([0.0, 0.5, 1.3, 4.0]),
    "negative_slope": st.sampled_from([0.0, 0.1, 1.0, 2.0]),
    "threshold": st.sampled_from([0.0, 0.25, 0.7, 2.0]),
}
LAYERS = st.one_of(
    st.builds(layers.Flatten),
    st.builds(layers.Activation, ACTIVATION),
    st.builds(layers.Softmax, st.sampled_from([-2, -1, 1, 2, 3])),
    st.builds(layers.ReLU, **NUMBERS),
    st.builds(layers.Dense, SIZES, ACTIVATION, st.booleans()),
    st.builds(
        layers.Dropout,
        st.floats(0, 0.99),
        st.none() | st.lists(st.none() | st.integers(1, 5), max_size=5),
        st.just(3),
    ),
    st.builds(layers.MaxPooling2D, PAIRS, st.none() | PAIRS, PADDING),
    st.builds(
        layers.Conv2D, SIZES, PAIRS, PAIRS, PADDING, activation=ACTIVATION, use_bias=st.booleans()
    ),
    st.builds(layers.Conv2D, SIZES, PAIRS, padding=PADDING, dilation_rate=PAIRS),
)


def outcome(ask):
    """Return what a call gives: a list of arrays, or an error in one line."""
    try:
        return [a for a in ask() if a is not None]
    except NpcnnError as error:
        text = str(error)
        assert "\n" not in text
        return type(error), text


def assert_same(ask):
    found = []
    for backend in ("numpy", "numba"):
        with using(backend):
            found.append(outcome(ask))
    reference, fast = found
    assert isinstance(reference, list) == isinstance(fast, list), found
    if not isinstance(reference, list):
        assert reference == fast
        return
    for a, b in zip(reference, fast, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        limit = 1e-5 if a.dtype == np.float32 else 1e-12
        assert np.abs(a - b).max(initial=0) <= limit * max(1.0, np.abs(a).max(initial=0))


@given(LAYERS, SHAPES | IMAGES, DTYPES, st.booleans(), st.integers(0, 2**32 - 1))
def test_layers(layer, shape, dtype, training, seed):
    config = layer.get_config()
    weights = []

    def ask():
        rng = np.random.default_rng(seed)
        twin = type(layer).from_config({**config, "dtype": dtype})
        twin.build((None, *shape[1:]))
        twin.set_weights([rng.uniform(-1, 1, w.shape) for w in twin.get_weights()])
        y = twin(rng.uniform(-2, 2, shape), training=training)
        weights[:] = [gradient for _, _, gradient in twin.parameters()]
        return [y, twin.backward(rng.uniform(-1, 1, y.shape).astype(dtype)), *weights]

    assert_same(ask)


@given(SHAPES, DTYPES, st.fixed_dictionaries(NUMBERS), st.integers(0, 2**32 - 1))
def test_ops_element_by_element(shape, dtype, numbers, seed):
    x, grad_y = np.random.default_rng(seed).uniform(-3, 3, (2, *shape)).astype(dtype)

    def ask():
        relu = numbers["negative_slope"], numbers["max_value"], numbers["threshold"]
        found = [ops.relu(x, *relu), ops.relu_backward(grad_y, x, *relu)]
        for name in ("sigmoid", "tanh", "softmax"):
            y = getattr(ops, name)(x)
            found += [y, getattr(ops, f"{name}_backward")(grad_y, y)]
        return [*found, ops.dropout(x, 0.3, seed, x.shape), ops.flatten(x)]

    assert_same(ask)


@given(st.integers(0, 6), st.lists(SIZES, max_size=2), SIZES, DTYPES, st.integers(0, 2**32 - 1))
def test_losses(rows, middle, classes, dtype, seed):
    rng = np.random.default_rng(seed)
    shape = (rows, *middle, classes)
    outputs, targets = rng.uniform(0.01, 1, (2, *shape)).astype(dtype)
    weights = rng.uniform(0, 2, shape[:-1]).astype(dtype)

    def ask():
        by_logits = ops.categorical_crossentropy_from_logits(10 * outputs, targets, weights)
        return [*by_logits, *ops.categorical_crossentropy(outputs, targets, weights)]

    assert_same(ask)
