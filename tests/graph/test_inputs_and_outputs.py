"""Models of several inputs and outputs: what goes in by list or name, and how it comes out."""

import copy
import pickle

import numpy as np
import pytest
from models import assert_same_weights

import npcnn
from npcnn import Model, layers
from npcnn.callbacks import ModelCheckpoint
from npcnn.checks import ArgumentError, NpcnnError
from npcnn.gradient_check import check_model
from npcnn.inspection import Diagnostics, Recorder, step_through, trace
from npcnn.models import clone_model

RNG = np.random.default_rng(0)
X = [RNG.normal(size=(20, 4)), RNG.normal(size=(20, 3))]
Y = [RNG.integers(0, 3, 20), RNG.normal(size=(20, 1))]
BY_NAME = {"b": X[1], "a": X[0]}, {"q": Y[1], "p": Y[0]}
LOSSES = {"p": "sparse_categorical_crossentropy", "q": "mse"}
WEIGHTS = np.linspace(0.5, 2, 20)


def two_by_two(compiled=True, dtype=None, dropout=0.0):
    npcnn.set_random_seed(4)
    a, b = (layers.Input((n,), name=name, dtype=dtype) for name, n in (("a", 4), ("b", 3)))
    x = layers.concatenate([layers.Dense(5, "tanh")(a), layers.Dense(5, "tanh")(b)])
    x = layers.Dropout(dropout)(x)
    model = Model([a, b], [layers.Dense(3, "softmax", name="p")(x), layers.Dense(1, name="q")(x)])
    if compiled:
        model.compile("adam", LOSSES, {"q": 0.3, "p": 2.0}, {"p": ["accuracy"], "q": "mae"})
    return model


def test_what_is_reported_is_what_it_says():
    """The weighted sum of both outputs' losses, each beside its metrics, in Keras's order."""
    model = two_by_two()
    p, q = model.predict(X, verbose=0)
    entropy = -np.log(p[np.arange(20), Y[0]]).mean()
    square, off = ((q - Y[1]) ** 2).mean(), np.abs(q - Y[1]).mean()
    right = (p.argmax(1) == Y[0]).mean()
    want = [2 * entropy + 0.3 * square, entropy, square, right, off]
    names = ["loss", "p_loss", "q_loss", "p_accuracy", "q_mae"]
    found = model.evaluate(X, Y, batch_size=7, verbose=0, return_dict=True)
    assert list(found) == sorted(names)
    assert model.metric_names == names
    assert model.metrics_names == ["loss", "compile_metrics", *names[1:3]]  # as Keras lists them
    np.testing.assert_allclose([found[name] for name in names], want, rtol=1e-5)
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), want, rtol=1e-5)
    np.testing.assert_allclose(model.test_on_batch(X, Y), want, rtol=1e-5)
    history = model.fit(X, Y, verbose=0, validation_split=0.25, epochs=2).history
    assert list(history) == sorted(names) + [f"val_{name}" for name in sorted(names)]


def test_metrics_of_several_outputs_come_by_name():
    """As in Keras, whose list has the losses in the outputs' order, then the rest sorted."""
    a, b = layers.Input((4,), name="a"), layers.Input((3,), name="b")
    model = Model([a, b], [layers.Dense(1, name="z")(a), layers.Dense(1, name="c")(b)])
    model.compile("sgd", "mse", metrics={"z": ["mse", "mae"], "c": "mae"})
    names = ["loss", "z_loss", "c_loss", "c_mae", "z_mae", "z_mse"]
    assert model.metric_names == names
    targets = [np.zeros((20, 1)), np.zeros((20, 1))]
    z, c = model.predict(X, verbose=0)
    want = [(z**2).mean(), (c**2).mean(), abs(c).mean(), abs(z).mean(), (z**2).mean()]
    np.testing.assert_allclose(model.evaluate(X, targets, verbose=0)[1:], want, rtol=1e-5)
    np.testing.assert_allclose(model.train_on_batch(X, targets)[1:], want, rtol=1e-5)


def generator(*batch):
    while True:
        yield batch


WAYS = {
    "dicts": (BY_NAME, {}),
    "tuples": ((tuple(X), tuple(Y)), {}),
    "a mix": ((X, BY_NAME[1]), {}),
    "a generator of lists": ((generator(X, Y),), {"steps_per_epoch": 1}),
    "a generator of dicts": ((generator(*BY_NAME),), {"steps_per_epoch": 1}),
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_of_giving_the_same_data(way):
    given, options = WAYS[way]
    first, second = two_by_two(), two_by_two()
    a = first.fit(X, Y, batch_size=20, epochs=2, verbose=0, shuffle=False).history
    size = {} if options else {"batch_size": 20}
    b = second.fit(*given, epochs=2, verbose=0, shuffle=False, **size, **options).history
    assert a == b
    assert_same_weights(first.get_weights(), second.get_weights())


def test_weights_by_output():
    """One array for all outputs, a list, or a dict that leaves some out."""
    runs = []
    for weights in ([WEIGHTS, np.ones(20)], {"p": WEIGHTS}, WEIGHTS, [WEIGHTS, WEIGHTS]):
        model = two_by_two()
        model.fit(X, Y, verbose=0, shuffle=False, sample_weight=weights)
        runs.append(model.get_weights())
    assert_same_weights(runs[0], runs[1])
    assert_same_weights(runs[2], runs[3])
    assert (runs[0][-2] != runs[2][-2]).any()
    p = two_by_two().predict(X, verbose=0)[0]
    entropy = -(WEIGHTS * np.log(p[np.arange(20), Y[0]])).mean()
    found = two_by_two().evaluate(X, Y, sample_weight={"p": WEIGHTS}, verbose=0, return_dict=True)
    assert found["p_loss"] == pytest.approx(entropy, rel=1e-5)


def test_outputs_in_a_dict_go_by_its_keys_sorted():
    """As in Keras: so are layers, losses and metrics, and files keep the keys."""
    x = layers.Input((4,), name="i")
    first, second = layers.Dense(2, name="d1")(x), layers.Dense(3, name="d2")(x)
    model = Model({"in": x}, {"z": first, "a": second})
    assert [layer.name for layer in model.layers] == ["i", "d2", "d1"]
    assert model.output_names == ["d2", "d1"]
    model.compile("sgd", {"z": "mse", "a": "mae"}, metrics={"z": ["mae"]})
    targets = {"z": X[0][:, :2], "a": X[0][:, :3]}
    found = model.evaluate({"in": X[0]}, targets, verbose=0, return_dict=True)
    out = model.predict({"in": X[0]}, verbose=0)
    assert {name: y.shape for name, y in out.items()} == {"a": (20, 3), "z": (20, 2)}
    assert list(found) == ["a_loss", "loss", "z_loss", "z_mae"]
    assert found["a_loss"] == pytest.approx(np.abs(out["a"] - targets["a"]).mean(), rel=1e-5)
    again = npcnn.models.model_from_json(model.to_json())
    assert again.get_config() == model.get_config()
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict({"in": X[0]}, verbose=0)["z"], out["z"])
    with pytest.raises(ArgumentError, match=r"compile\(loss\): expected one of a, z, got 'd1'"):
        model.compile("sgd", {"d1": "mse"})


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_go_on_to_the_same_bits(again):
    model = two_by_two(dropout=0.3)
    model.fit(X, Y, 8, 2, 0)
    twin = again(model)
    assert_same_weights(twin.get_weights(), model.get_weights())
    assert twin.get_config() == model.get_config()
    assert twin.layers[2] is not model.layers[2]
    assert twin.layers[2].output.node.operation is twin.layers[2]
    assert twin.fit(X, Y, 8, 2, 0).history == model.fit(X, Y, 8, 2, 0).history
    assert_same_weights(twin.get_weights(), model.get_weights())


def test_round_trips_and_clones():
    model = two_by_two(compiled=False)
    config = model.get_config()
    from_text = npcnn.models.model_from_json(model.to_json())
    for other in (Model.from_config(config), from_text, clone_model(model)):
        assert other.get_config() == config
        assert all(one is not two for one, two in zip(other.layers, model.layers, strict=True))
        other.set_weights(model.get_weights())
        for a, b in zip(other.predict(X, verbose=0), model.predict(X, verbose=0), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_run_that_is_resumed_has_the_same_bits(tmp_path):
    path = tmp_path / "run.keras"
    whole = two_by_two(dropout=0.3)
    history = whole.fit(X, Y, 6, 4, 0, validation_data=(X, Y)).history
    first = two_by_two(dropout=0.3)
    first.fit(X, Y, 6, 2, 0, validation_data=(X, Y), callbacks=[ModelCheckpoint(path)])
    second = two_by_two(dropout=0.3)
    options = {"resume_from": path, "callbacks": [ModelCheckpoint(path)]}
    resumed = second.fit(X, Y, 6, 4, 0, validation_data=(X, Y), **options).history
    assert resumed == history
    assert_same_weights(second.get_weights(), whole.get_weights())


def test_tools_look_at_graphs(tmp_path):
    model = two_by_two(dtype="float64")
    assert check_model(model, X, Y, raise_on_error=True).passed
    found = trace(model, X, Y)
    assert "20 samples" in str(found)
    want = model.test_on_batch(X, Y)[0]
    assert found.loss == pytest.approx(want, rel=1e-12)
    np.testing.assert_array_equal(found["p"].activation, model.predict(X, verbose=0)[0])
    plain, watched = two_by_two(), two_by_two()
    plain.fit(X, Y, 8, 2, 0)
    looks = [Diagnostics(), Recorder(tmp_path / "film.npz")]
    watched.fit(X, Y, 8, 2, 0, callbacks=looks, check_numerics=True)
    assert_same_weights(plain.get_weights(), watched.get_weights())
    lines = []
    model.summary(print_fn=lines.append, show_trainable=True, line_length=90)
    assert max(map(len, lines)) <= 90
    assert any("concatenate (Concatenate)" in line and "dense[0][0]" in line for line in lines)
    assert sum("Trainable" in line for line in lines) == 2
    film = npcnn.inspection.load_recording(tmp_path / "film.npz")
    assert film.arrays["picture/p"].shape[1:] == (3,)
    slow, quick = two_by_two(), two_by_two()
    events = list(step_through(slow, X, Y))
    assert [e.layer for e in events if e.phase == "forward"][-3:] == ["dropout_3", "p", "q"]
    quick.train_on_batch(X, Y)
    assert_same_weights(slow.get_weights(), quick.get_weights())


def test_an_output_named_twice_learns_by_both(backend):
    inputs = layers.Input((3,))
    found = []
    for times in (1, 2):
        model = Model(inputs, [layers.Dense(2, kernel_initializer="ones")(inputs)] * times)
        model.compile("sgd", ["mse"] * times, loss_weights=[2.0 / times] * times)
        model.fit(X[1], [X[0][:, :2]] * times, verbose=0)
        found.append(model.get_weights())
    assert_same_weights(*found)


WRONG = [
    (lambda m: m.fit(X[0], Y), "2 arrays: a, b"),
    (lambda m: m.fit([*X, X[0]], Y), "2 arrays: a, b, got 3"),
    (lambda m: m.fit({"a": X[0]}, Y), "an entry 'b'"),
    (lambda m: m.fit({"a": X[0], "c": X[1]}, Y), "one of a, b, got 'c'"),
    (lambda m: m.fit([X[0], X[1][:5]], Y), "as many|5"),
    (lambda m: m.fit(X, [Y[0], Y[1][:5]]), "5"),
    (lambda m: m.fit(X[::-1], Y), "samples of shape"),
    (lambda m: m.fit(X, Y[0]), "2 arrays: p, q"),
    (lambda m: m.fit(X, Y, class_weight={0: 1.0}), "one output, got 2"),
    (lambda m: m.compile("sgd", ["mse"]), "2 entries for the outputs p, q"),
    (lambda m: m.compile("sgd", {"r": "mse"}), "one of p, q, got 'r'"),
    (lambda m: m.compile("sgd", "mse", loss_weights=2.0), "one for each of"),
    (lambda m: m.compile("sgd", "mse", loss_weights={"p": -1}), "compile.loss_weights"),
    (lambda m: m.compile("sgd", "mse", metrics={"r": "mae"}), "one of p, q, got 'r'"),
    (lambda m: m.predict(X[0]), "2 arrays: a, b"),
    (lambda m: m(X[0]), "2 arrays: a, b"),
]


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_what_does_not_fit_is_one_line_and_changes_nothing(case):
    call, text = WRONG[case]
    model = two_by_two()
    before = model.get_weights()
    with pytest.raises(NpcnnError, match=text) as caught:
        call(model)
    assert "\n" not in str(caught.value)
    assert_same_weights(before, model.get_weights())
