import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npcnn
from npcnn import data, losses
from npcnn.checks import ArgumentError, DtypeError
from npcnn.data import Batches


def test_batches_cover_the_data_in_order():
    x, y, w = np.arange(7), np.arange(7) * 10, np.arange(7) / 7
    batches = Batches([x], [y], [w], 3, "float32")
    assert batches.steps == 3
    assert len(batches) == 7
    parts = [tuple(part for (part,) in batches.batch(k)) for k in range(3)]
    assert [len(part[0]) for part in parts] == [3, 3, 1]
    for got, want in zip(zip(*parts, strict=True), (x, y, w), strict=True):
        np.testing.assert_allclose(np.concatenate(got), want, rtol=1e-7)
    assert parts[0][0].dtype == "float32"
    assert parts[0][1].dtype == y.dtype


def test_batches_follow_an_order():
    order = np.array([4, 2, 0, 1, 3])
    batches = Batches([np.arange(5)], [np.arange(5)], [None], 2, "float64")
    (x,), (y,), (w,) = batches.batch(1, order)
    np.testing.assert_array_equal(x, [0, 1])
    np.testing.assert_array_equal(y, [0, 1])
    np.testing.assert_array_equal(w, [1, 1])


@given(st.integers(1, 50), st.integers(1, 60))
def test_steps(n, size):
    batches = Batches([np.zeros(n)], (), (), size, "float32")
    assert sum(len(batches.batch(k)[0][0]) for k in range(batches.steps)) == n


@given(st.integers(2, 500), st.floats(0.01, 0.99))
def test_split_keeps_the_last_share(n, share):
    x = np.arange(n)
    cut = int(np.floor(n * (1 - share)))
    if cut in (0, n):
        with pytest.raises(ArgumentError, match="expected samples on both sides"):
            data.split(x, x, None, share)
        return
    (head, _, _), (tail, y, w) = data.split(x, x * 2, None, share)
    assert len(head) == cut
    np.testing.assert_array_equal(np.concatenate([head, tail]), x)
    np.testing.assert_array_equal(y, tail * 2)
    assert w is None


def test_split_splits_weights():
    (_, _, head), (_, _, tail) = data.split([[1], [2], [3], [4]], [0, 1, 0, 1], [1, 2, 3, 4], 0.25)
    np.testing.assert_array_equal(head, [1, 2, 3])
    np.testing.assert_array_equal(tail, [4])


@pytest.mark.parametrize("share", [-0.1, 1, 1.5, "0.1", True])
def test_bad_shares(share):
    with pytest.raises(ArgumentError, match=r"fit\(validation_split\): expected a share above 0"):
        data.split(np.zeros(4), np.zeros(4), None, share)


def test_split_looks_at_lengths_and_types():
    with pytest.raises(ArgumentError, match=r"expected as many targets as samples \(4\), got 3"):
        data.split(np.zeros(4), np.zeros(3), None, 0.5)
    with pytest.raises(DtypeError, match=r"fit\(y\): expected an array of numbers, got None"):
        data.split(np.zeros(4), None, None, 0.5)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (None, "got None"),
        (5, "without axes"),
        ("abc", "without axes"),
        ([["a"]], "got dtype <U1"),
        ([[1, 2], [3]], "got a list of unequal parts"),
        (np.zeros(3, complex), "got dtype complex128"),
        ([None, None], "got dtype object"),
    ],
)
def test_what_is_no_array_of_numbers(x, text):
    with pytest.raises(DtypeError, match=rf"^predict\(x\): expected an array of numbers, .*{text}"):
        data.check_samples(x, (None, 1), "predict(x)")


def test_finite_numbers_only():
    x = np.zeros((2_000_003, 1))
    x[2_000_001] = np.inf
    with pytest.raises(ArgumentError, match="expected finite numbers, got inf in sample 2000001;"):
        data.check_finite(x, "fit(x)")
    data.check_finite(np.zeros((0, 3)), "fit(x)")


def test_a_shape_that_a_reshape_would_mend():
    with pytest.raises(ArgumentError, match=r"x\.reshape\(\(-1, 28, 28, 1\)\) would fit"):
        data.check_samples(np.zeros((2, 784)), (None, 28, 28, 1), "fit(x)")
    with pytest.raises(ArgumentError, match="reshape the data or build the model for it"):
        data.check_samples(np.zeros((2, 28, 29)), (None, 28, 28, 1), "fit(x)")


@pytest.mark.parametrize(
    ("shape", "model", "fix"),
    [
        ((2, 3, 8, 8), (8, 8, 3), "np.transpose the axes into this order"),
        ((4, 20, 28, 1), (28, 20, 1), "np.transpose the axes into this order"),
        ((3, 8, 8), (8, 8, 3), "reshape the data or build the model for it"),
        ((8, 8, 3), (8, 8, 3), "x[np.newaxis] makes a batch of one"),
        ((8, 8), (8, 8, 1), "x[np.newaxis] makes a batch of one"),
        ((8, 8), (8, 8, 3), "reshape the data or build the model for it"),
        ((2, 192), (8, 8, 3), "x.reshape((-1, 8, 8, 3)) would fit"),
    ],
)
def test_no_advice_that_mixes_rows_columns_or_samples(shape, model, fix):
    with pytest.raises(ArgumentError) as caught:
        data.check_samples(np.zeros(shape), (None, *model), "fit(x)")
    assert str(caught.value).endswith(f"; {fix}.")


def test_weights():
    assert data.check_weights(None, 3, "w") is None
    np.testing.assert_array_equal(data.check_weights([[1], [0], [2]], 3, "w"), [1, 0, 2])
    for bad in ([1, 2], [1, -1, 2], [1, np.nan, 2]):
        with pytest.raises(ArgumentError, match=r"^w: expected "):
            data.check_weights(bad, 3, "w")
    with pytest.raises(DtypeError):
        data.check_weights(["a", "b", "c"], 3, "w")


def test_a_weight_a_row():
    """One for each of the rows that a sample has, as Keras takes them; or one a sample, or one."""
    w = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(data.check_weights(w, 3, "w", (2,)), w)
    np.testing.assert_array_equal(data.check_weights(w[..., None], 3, "w", (2,)), w)
    np.testing.assert_array_equal(data.check_weights(w[:, :1], 3, "w", (2,)), w[:, 0])
    np.testing.assert_array_equal(data.check_weights(2, 3, "w", (2,)), [2, 2, 2])
    for rows, shape in (((2,), (3, 3)), ((2,), (2, 2)), ((), (3, 2)), ((4, 5), (3, 4))):
        with pytest.raises(ArgumentError, match=r"^w: expected one weight a sample, \(3,\)"):
            data.check_weights(np.ones(shape), 3, "w", rows)


@pytest.mark.parametrize("heavy", [1e30, 2e12, 1e300])
def test_weights_and_targets_that_end_in_infinity(heavy):
    with pytest.raises(ArgumentError, match=r"^w: expected weights up to 1e\+12, got "):
        data.check_weights([1, heavy], 2, "w")
    with pytest.raises(ArgumentError, match=r"^w: expected weights up to 1e\+12, got "):
        data.class_weights({1: heavy}, np.zeros(2, int), (None, 3), "w")
    for sign in (1, -1):
        rows = np.eye(3)[:2] * heavy * sign
        with pytest.raises(ArgumentError, match=r"^y: expected targets up to 1e\+12, got "):
            losses.CategoricalCrossentropy().check_targets(rows, (None, 3), "y")


def test_an_axis_of_one_number_is_no_difference():
    """As in Keras: (n, 28, 28) for (28, 28, 1), and (n, 5, 1) for (5,)."""
    x = np.arange(24).reshape(2, 3, 4)
    found = data.check_samples(x, (None, 3, 4, 1), "fit(x)")
    np.testing.assert_array_equal(found[..., 0], x)
    np.testing.assert_array_equal(data.check_samples(x[..., None], (None, 3, 4), "fit(x)"), x)
    for shape in ((3, 4, 2), (1, 3, 4), (4, 3, 1), (3,), (3, 4, 1, 1)):
        with pytest.raises(ArgumentError):
            data.check_samples(x, (None, *shape), "fit(x)")


def test_class_weights():
    y = np.array([0, 2, 1, 2])
    table = {0: 0.5, 2: 3}
    want = [0.5, 3, 1, 3]
    np.testing.assert_array_equal(data.class_weights(table, y, (None, 3), "w"), want)
    np.testing.assert_array_equal(data.class_weights(table, np.eye(3)[y], (None, 3), "w"), want)
    with pytest.raises(ArgumentError, match="expected one class a sample"):
        data.class_weights(table, np.zeros((4, 5), int), (None, 5, 3), "w")


@pytest.mark.parametrize("bad", [{3: 1}, {-1: 1}, {"0": 1}, {0: -1}, {0: "a"}, {0: np.nan}])
def test_bad_class_weights(bad):
    with pytest.raises(ArgumentError, match="w: expected classes 0 to 2 with weights ≥ 0, got"):
        data.class_weights(bad, np.zeros(2, int), (None, 3), "w")


def test_class_weights_are_a_dict():
    with pytest.raises(ArgumentError, match="w: expected a dict, got list"):
        data.class_weights([1, 2, 3], np.zeros(2, int), (None, 3), "w")


def test_numbers_beyond_the_models_range_are_refused():
    model = npcnn.Sequential([npcnn.layers.Input((3,)), npcnn.layers.Dense(2)])
    x = np.full((2, 3), 1e300)
    text = r"predict\(x\): expected numbers within float32, got 1e\+300 in sample 0; scale the data"
    with pytest.raises(ArgumentError, match=text):
        model.predict(x, verbose=0)
    wide = npcnn.Sequential([npcnn.layers.Input((3,)), npcnn.layers.Dense(2)], dtype="float64")
    assert np.isfinite(wide.predict(x, verbose=0)).all()
