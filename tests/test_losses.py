import numpy as np
import oracles
import pytest

from npcnn import losses, registry
from npcnn.checks import ArgumentError, DtypeError
from npcnn.losses import CategoricalCrossentropy, SparseCategoricalCrossentropy

SHAPE = (None, 3)


def test_one_hot_from_probabilities(rng):
    p = rng.uniform(0.1, 1, (5, 3))
    t = np.eye(3)[[0, 2, 1, 1, 0]]
    want = oracles.crossentropy(p, t, np.ones(5)).mean()
    assert CategoricalCrossentropy()(t, p) == pytest.approx(want, rel=1e-12)
    assert SparseCategoricalCrossentropy()(t.argmax(axis=1), p) == pytest.approx(want, rel=1e-12)


def test_from_logits(rng):
    z = rng.uniform(-5, 5, (5, 3))
    t = np.eye(3)[[0, 2, 1, 1, 0]]
    want = oracles.crossentropy_from_logits(z, t, np.ones(5))[0].mean()
    assert CategoricalCrossentropy(from_logits=True)(t, z) == pytest.approx(want, rel=1e-12)


def test_sample_weights(rng):
    p, w = rng.uniform(0.1, 1, (5, 3)), rng.uniform(0, 2, 5)
    y = np.array([0, 2, 1, 1, 0])
    want = oracles.crossentropy(p, np.eye(3)[y], w).mean()
    assert SparseCategoricalCrossentropy()(y, p, w) == pytest.approx(want, rel=1e-12)


def test_label_smoothing(rng):
    p = rng.uniform(0.1, 1, (2, 4))
    smooth = np.array([[0.925, 0.025, 0.025, 0.025], [0.025, 0.025, 0.925, 0.025]])
    want = oracles.crossentropy(p, smooth, np.ones(2)).mean()
    assert CategoricalCrossentropy(label_smoothing=0.1)(np.eye(4)[[0, 2]], p) == pytest.approx(want)


def test_gradient_is_that_of_the_mean(rng):
    z = rng.uniform(-2, 2, (4, 3)).astype("float32")
    y = np.array([0, 1, 2, 1])
    weights = np.array([1.0, 0.0, 2.0, 0.5], "float32")
    found, grad = SparseCategoricalCrossentropy().losses_and_gradient(
        np.eye(3, dtype="float32")[y], z, z, weights
    )
    want, want_grad = oracles.crossentropy_from_logits(z, np.eye(3)[y], weights)
    np.testing.assert_allclose(found, want, rtol=1e-5)
    np.testing.assert_allclose(grad, want_grad, rtol=1e-5, atol=1e-7)
    assert grad.dtype == "float32"
    assert (grad[1] == 0).all()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "float32", "float64"])
def test_labels_of_any_type(dtype):
    loss = SparseCategoricalCrossentropy()
    y = loss.check_targets(np.array([0, 2, 1], dtype), SHAPE, "fit(y)")
    np.testing.assert_array_equal(loss.targets(y, (3,), np.dtype("float32")), np.eye(3)[[0, 2, 1]])


def test_boolean_labels_are_numbers_not_a_mask():
    loss = SparseCategoricalCrossentropy()
    y = loss.check_targets(np.array([True, False, True]), (None, 2), "fit(y)")
    np.testing.assert_array_equal(
        loss.targets(y, (2,), np.dtype("float32")), [[0, 1], [1, 0], [0, 1]]
    )


def test_labels_in_a_column_and_along_axes():
    loss = SparseCategoricalCrossentropy()
    assert loss.check_targets([[0], [2]], SHAPE, "fit(y)").shape == (2,)
    assert loss.check_targets(np.zeros((2, 5), int), (None, 5, 3), "fit(y)").shape == (2, 5)


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", "float64"])
def test_one_hot_rows_of_any_type(dtype):
    loss = CategoricalCrossentropy()
    rows = loss.check_targets(np.eye(3).astype(dtype), SHAPE, "fit(y)")
    np.testing.assert_array_equal(loss.targets(rows, (3,), np.dtype("float32")), np.eye(3))


@pytest.mark.parametrize(
    ("loss", "y", "error"),
    [
        ("categorical_crossentropy", [0, 1], ArgumentError),
        ("categorical_crossentropy", np.eye(4), ArgumentError),
        ("categorical_crossentropy", [["a", "b", "c"]], DtypeError),
        ("categorical_crossentropy", [[1, 0, 0], [1, 0]], DtypeError),
        ("categorical_crossentropy", [[np.nan, 0, 0]], ArgumentError),
        ("sparse_categorical_crossentropy", np.eye(3), ArgumentError),
        ("sparse_categorical_crossentropy", [0, 3], ArgumentError),
        ("sparse_categorical_crossentropy", [-1], ArgumentError),
        ("sparse_categorical_crossentropy", [0.5], DtypeError),
        ("sparse_categorical_crossentropy", [np.nan], DtypeError),
        ("sparse_categorical_crossentropy", ["0"], DtypeError),
        ("sparse_categorical_crossentropy", 1, DtypeError),
    ],
)
def test_targets_that_do_not_fit(loss, y, error):
    with pytest.raises(error, match=r"^fit\(y\): expected "):
        losses.loss_of(loss, "here").check_targets(y, SHAPE, "fit(y)")


def test_get():
    for name in ("mse", "MSE", "mean_squared_error"):
        assert losses.get(name) is losses.mean_squared_error
    assert type(losses.get("SparseCategoricalCrossentropy")) is SparseCategoricalCrossentropy
    assert losses.get({"class_name": "Huber", "config": {"delta": 2.0}}).delta == 2
    with registry.custom_object_scope({"Mine": type("Mine", (losses.MeanSquaredError,), {})}):
        assert type(losses.get("Mine")).__name__ == "Mine"
    assert losses.get(None) is None
    assert losses.get(len) is len
    loss = CategoricalCrossentropy()
    assert losses.get(loss) is loss
    with pytest.raises(ArgumentError, match=r"^losses\.get\(identifier\): expected one of"):
        losses.get("ctc")


@pytest.mark.parametrize(
    "loss",
    [
        CategoricalCrossentropy(True, 0.25, name="mine"),
        SparseCategoricalCrossentropy(from_logits=True),
    ],
)
def test_config_round_trip(loss):
    config = loss.get_config()
    assert type(loss)(**config).get_config() == config


def test_bad_smoothing():
    with pytest.raises(ArgumentError, match=r"CategoricalCrossentropy\(label_smoothing\): "):
        CategoricalCrossentropy(label_smoothing=1)


@pytest.mark.parametrize("loss", [CategoricalCrossentropy(), SparseCategoricalCrossentropy()])
def test_lengths_must_agree(loss, backend):
    sparse = isinstance(loss, SparseCategoricalCrossentropy)
    y = np.array([1, 0]) if sparse else np.eye(2)
    name = type(loss).__name__
    for outputs in (np.full((3, 2), 0.5), np.full((1, 2), 0.5)):
        with pytest.raises(ArgumentError, match=f"{name}: expected as many targets as predictions"):
            loss(y, outputs)
    with pytest.raises(ArgumentError, match="expected one weight a sample, \\(2,\\), got \\(3,\\)"):
        loss(y, np.full((2, 2), 0.5), [1.0, 2.0, 3.0])
    with pytest.raises(DtypeError, match=rf"{name}\(y_pred\): expected an array of numbers"):
        loss(y, 0.5)
