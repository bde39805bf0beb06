"""Functional models: branches, layers called twice, models within models, their names and parts."""

import numpy as np
import pytest
from models import assert_same_weights

import npcnn
from npcnn import Model, Sequential, layers
from npcnn.backend import using
from npcnn.checks import ArgumentError, NpcnnError, StateError
from npcnn.gradient_check import check_model
from npcnn.losses import MeanSquaredError
from npcnn.models import clone_model, model_from_json


@pytest.fixture
def doubles():
    npcnn.config.set_floatx("float64")


def compiled(model, loss="sparse_categorical_crossentropy"):
    model.compile("adam", loss)
    return model


def headed(inputs, x):
    """Return a compiled model with a softmax over three classes on top."""
    return compiled(Model(inputs, layers.Dense(3, "softmax")(layers.Flatten()(x))))


def fan_out():
    x = layers.Input((6, 6, 2))
    a = layers.Conv2D(3, 3, padding="same", activation="tanh")(x)
    b = layers.BatchNormalization()(layers.Conv2D(3, 1)(x))
    both = layers.Add()([a, b, a])
    gated = layers.multiply(
        [both, layers.Activation("sigmoid")(layers.Conv2D(3, 3, padding="same")(a))]
    )
    return headed(x, layers.concatenate([gated, 0.5 * a - b + 1.0, x, -b / 4]))


def three_calls():
    x = layers.Input((6,))
    dense, drop = layers.Dense(6, "tanh"), layers.Dropout(0.4)
    return headed(x, dense(drop(dense(drop(dense(x))))))


def two_sizes():
    x = layers.Input((8, 8, 2))
    conv, norm, fold = layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Reshape((-1, 4))
    a = fold(norm(conv(x)))
    b = fold(norm(conv(layers.MaxPooling2D()(x))))
    add, mean, soft = layers.Add(), layers.Average(), layers.Softmax()
    c = layers.Reshape((1, 4))(layers.GlobalAveragePooling2D()(conv(x)))
    parts = [add([soft(a), c]), add([soft(b), c, b]), mean([a, c, a]), mean([b, b])]
    return headed(x, layers.Concatenate(1)(parts))


def nested():
    inner = Sequential([layers.Input((4,)), layers.Dense(4, "tanh"), layers.Dense(4)], name="inner")
    x = layers.Input((4,))
    y = inner(x)
    block = Model(x, layers.add([y, inner(y), x]))
    outer = Sequential([block, layers.Dense(4, "tanh")])
    z = layers.Input((4,))
    return headed(z, layers.concatenate([outer(z), inner(z), block(outer(z))]))


MAKERS = [fan_out, three_calls, two_sizes, nested]
each = pytest.mark.parametrize("make", MAKERS)


def data_for(model, n=5):
    rng = np.random.default_rng(3)
    return rng.normal(size=(n, *model.input_shape[1:])), rng.integers(0, 3, n)


@each
@pytest.mark.parametrize("training", [False, True])
def test_gradients(doubles, make, training):
    model = make()
    assert check_model(model, *data_for(model), training=training, raise_on_error=True).passed


@each
def test_a_played_step_has_the_bits_of_an_eager_one_on_any_threads(make):
    model = make()
    x, y = data_for(model, 12)
    runs = []
    try:
        for threads, eager in ((1, True), (1, False), (2, False)):
            twin = clone_model(model)
            twin.set_weights(model.get_weights())
            twin.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
            npcnn.threads.set_num_threads(threads)
            npcnn.set_random_seed(9)
            with using("numba"):
                runs.append((twin.fit(x, y, 4, 4, 0).history, twin.get_weights()))
            assert eager or twin.program.last.played, str(twin.program)
    finally:
        npcnn.threads.set_num_threads(1)
    for history, weights in runs[1:]:
        assert history == runs[0][0]
        assert_same_weights(weights, runs[0][1])


def test_a_layer_called_twice_is_two_of_the_same_weights(doubles):
    """Its gradient is the sum of those of layers of their own with these weights."""
    x = layers.Input((6,))
    shared = [layers.Dense(6, "tanh", name="a")] * 3
    own = [layers.Dense(6, "tanh", name=name) for name in "abc"]
    models = []
    for first, second, third in (shared, own):
        models.append(headed(x, third(second(first(x)))))
    tied, unrolled = models
    dense, head = tied.layers[1].get_weights(), tied.layers[-1].get_weights()
    unrolled.set_weights([*dense, *dense, *dense, *head])
    data = data_for(tied)
    assert tied.train_on_batch(*data) == unrolled.train_on_batch(*data)
    for name in ("grad_kernel", "grad_bias"):
        total = sum(getattr(layer, name) for layer in own)
        np.testing.assert_allclose(getattr(shared[0], name), total, rtol=1e-12)


@pytest.mark.parametrize("make", [
    lambda: layers.Dropout(0.5), lambda: layers.GaussianNoise(0.5),
    lambda: layers.GaussianDropout(0.5), lambda: layers.RandomBrightness(0.5, (0, 1)),
    lambda: layers.RandomTranslation(0.4, 0.4, "constant"),
])  # fmt: skip
def test_what_is_drawn_differs_by_call_and_stays_from_run_to_run(make):
    ones, outs = np.full((2, 9, 9, 4), 0.5, "float32"), []
    for _ in range(2):
        npcnn.set_random_seed(3)
        x, draw = layers.Input((9, 9, 4)), make()
        model = Model(x, [draw(x), draw(x)])
        outs.append([*model(ones, training=True), *model(ones, training=True)])
        assert all((outs[-1][0] != other).mean() > 0.2 for other in outs[-1][1:])
    np.testing.assert_array_equal(*outs)


def test_an_input_of_another_shape_must_suit_the_parameters():
    dense, x = layers.Dense(3, name="units"), layers.Input((8,))
    dense(x)
    assert dense(layers.Input((5, 8))).shape == (None, 5, 3)
    assert dense.input_shape == (None, 8)
    with pytest.raises(ArgumentError, match=r"units.*expected \(None, 8\), got \(None, 7\)"):
        dense(layers.Input((7,)))
    assert len(dense.weights) == 2
    flat = layers.Flatten()
    assert [flat(layers.Input(shape)).shape for shape in ((2, 3), (4, 5))] == [
        (None, 6),
        (None, 20),
    ]


def test_penalties_on_outputs_count_each_call(doubles):
    x = layers.Input((4,))
    dense = layers.Dense(4, "tanh", activity_regularizer="l2", kernel_regularizer="l1")
    plain = layers.ActivityRegularization(l2=0.01)  # gives what it is given, the same array
    model = compiled(Model(x, plain(plain(dense(dense(x))))), MeanSquaredError())
    data = np.random.default_rng(0).normal(size=(3, 4))
    first = dense(data)
    second = dense(first)
    want = ((second - data) ** 2).mean() + 0.01 * np.abs(dense.kernel).sum()
    want += 0.01 * ((first**2).sum() + 3 * (second**2).sum()) / 3
    assert model.evaluate(data, data, verbose=0) == pytest.approx(want, rel=1e-12)
    assert model.train_on_batch(data, data) == pytest.approx(want, rel=1e-12)


# Parts and names ------------------------------------------------------------------------------


def test_models_within_the_flow_of_others():
    """What one reads off a model: from its inputs to any layer's output."""
    model = fan_out()
    data = data_for(model)[0].astype("float32")
    conv = model.get_layer("conv2d")
    part = Model(model.input, [conv.output, model.get_layer("add").output])
    half = Model(model.get_layer("concatenate").output, model.output)
    maps = part.predict(data, verbose=0)
    assert [a.shape for a in maps] == [(5, 6, 6, 3)] * 2
    assert part.get_layer("conv2d") is conv
    assert conv.input is model.input
    with pytest.raises(ArgumentError, match="hangs on 'input_layer'"):
        Model(layers.Input((6, 6, 3)), model.output)
    joined = Model(model.input, model.get_layer("concatenate").output)
    want = model.predict(data, verbose=0)
    np.testing.assert_array_equal(half.predict(joined.predict(data, verbose=0), verbose=0), want)


def test_names_of_two_models_in_a_third():
    """Names that models gave give way to one another; those that the user gave do not."""

    def branch(length):
        x = layers.Input((length,))
        return Model(x, layers.Dense(3)(layers.Dense(4)(x)))

    a, b = branch(4), branch(5)
    x = layers.concatenate([a.output, b.output])
    names = [layer.name for layer in Model([a.input, b.input], layers.Dense(2)(x)).layers]
    assert len(set(names)) == len(names) == 8
    # Python makes the outer layer first; names are numbered in that order, as in Keras
    assert [layer.name for layer in a.layers] == ["input_layer", "dense_1", "dense"]
    assert [layer.name for layer in b.layers] == ["input_layer_1", "dense_3", "dense_2"]
    x, y = layers.Input((4,)), layers.Input((5,))
    both = Model([x, y], layers.add([a(x), b(y)]))
    assert [layer.name for layer in both.layers[2:]] == [a.name, b.name, "add"]
    x = layers.Input((4,))
    mixed = Model(x, layers.Dense(2, name="dense")(layers.Dense(2)(x)))
    assert [layer.name for layer in mixed.layers[1:]] == ["dense_5", "dense"]
    npcnn.backend.clear_session()  # two of one name, of which nobody said one
    mixed = Model(x, layers.Dense(2, name="dense")(layers.Dense(2)(x)))
    assert [layer.name for layer in mixed.layers[1:]] == ["dense_1", "dense"]
    with pytest.raises(ArgumentError, match="expected a new name, got 'own'"):
        Model(x, layers.Dense(2, name="own")(layers.Dense(2, name="own")(x)))


def test_layers_shared_by_two_models_learn_in_both():
    x = layers.Input((4,))
    trunk = layers.Dense(5, "tanh")
    one, two = headed(x, trunk(x)), headed(x, trunk(x))
    data = data_for(one)
    for model in (one, two, one):
        before = trunk.get_weights()
        model.fit(*data, verbose=0)
        assert (before[0] != trunk.kernel).any()
    whole = compiled(Model(x, [one(x), two(x)]))
    np.testing.assert_array_equal(
        whole.predict(data[0], verbose=0)[0], one.predict(data[0], verbose=0)
    )
    whole.fit(data[0], [data[1], data[1]], verbose=0)
    assert (before[0] != trunk.kernel).any()


def test_a_frozen_model_within_a_model():
    inner = Sequential([layers.Input((4,)), layers.Dense(4), layers.BatchNormalization()])
    x = layers.Input((4,))
    model = Model(x, layers.Dense(3, "softmax")(inner(x)))
    inner.trainable = False
    compiled(model)
    assert [len(w) for w in (model.weights, model.trainable_weights)] == [8, 2]
    before = model.get_weights()
    model.fit(*data_for(model), epochs=2, verbose=0)
    moved = [(a != b).any() for a, b in zip(before, model.get_weights(), strict=True)]
    assert moved == [False] * 6 + [True] * 2


@pytest.mark.parametrize("told", [None, False, True])
def test_the_model_says_whether_it_trains(told):
    """As in Keras 3, whose files say training=False of each Dropout that was told nothing."""
    x, norm = layers.Input((4,)), layers.BatchNormalization()
    inner = Sequential([layers.Input((4,)), layers.Dropout(0.5)])
    dropped = layers.Dropout(0.5)(inner(norm(x, training=told), training=told), training=told)
    model = compiled(Model(x, layers.Dense(3, "softmax")(dropped)))
    model.fit(*data_for(model), verbose=0)
    assert (norm.moving_mean != 0).any()
    text = model.to_json()
    assert text.count('"training": ') == (0 if told is None else 3)
    again = model_from_json(text)
    again.set_weights(model.get_weights())
    data = data_for(model)[0].astype("float32")
    np.testing.assert_array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))
    assert (again(data, training=True) != again(data)).any()


X = layers.Input((4,))
WRONG = [
    (lambda: Model(X, []), "at least one tensor"),
    (lambda: Model([], layers.Dense(2)(X)), "at least one tensor"),
    (lambda: Model(X, layers.Input((2,))), "outputs that come from the inputs"),
    (lambda: Model(X, layers.Add()([X, layers.Input((4,))])), "outputs that come from the inputs"),
    (lambda: Model(X, np.ones(3)), "an Input or what a layer gave"),
    (lambda: layers.Dense(2)([X, X]), "one input, got 2"),
    (lambda: layers.Add()([X, np.ones((1, 4), "float32")]), "an Input or what a layer gave"),
    (lambda: layers.Add()([X, layers.Input((3,))]), "inputs of one shape"),
    (lambda: layers.Add()([X, layers.Input((4,), dtype="float64")]), "inputs of one dtype"),
    (lambda: layers.Dense(2, dtype="float64")(X), "dtype float32"),
    (lambda: layers.Concatenate(0)([X, X]), "alike but along axis 0"),
    (lambda: layers.Subtract()([X, X, X]), "two inputs, got 3"),
    (lambda: layers.Add()(X), "a list of inputs, got"),
    (lambda: layers.Add()(np.ones((2, 3))), "a list of inputs, got"),
    (lambda: X + "a", "a number"),
    (lambda: np.exp(X), "an array"),
    (lambda: list(X), "an array"),
    (lambda: layers.Dense(2).output, "a layer of a graph"),
    (lambda: Model(X, {"a": [X, 3]}), "an Input or what a layer gave"),
]


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_wrong_use_is_one_line(case):
    make, text = WRONG[case]
    with pytest.raises((NpcnnError, AttributeError), match=text) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, (ArgumentError, StateError, NpcnnError, AttributeError))


@pytest.mark.parametrize(
    "wrong",
    [lambda x: x / 0, lambda x: x / "a", lambda x: 1 - x / None, lambda x: x + "a",
     lambda x: x - [1]],
)  # fmt: skip
def test_signs_between_what_does_not_go_together(wrong):
    with pytest.raises(NpcnnError, match=r"expected .*, got ") as caught:
        wrong(layers.Input((4,)))
    assert "\n" not in str(caught.value)


def test_what_a_call_says_of_training_holds_where_the_models_does_not():
    """As in Keras 3: `Dropout(0.5)(x, training=True)` drops in `model(x)`, not in `predict`."""
    a, x = npcnn.Input((50,)), np.ones((2, 50), np.float32)
    inner = Model(a, layers.Dropout(0.5)(a))
    for end in (layers.Dropout(0.5)(a, training=True), inner(a, training=True)):
        model = Model(a, end)
        assert sorted(np.unique(model(x))) == [0, 2]
        assert (model(x) != model(x)).any()
        for same in (model(x, training=False), model.predict(x, verbose=0)):
            np.testing.assert_array_equal(same, x)
    np.testing.assert_array_equal(inner(x), x)
