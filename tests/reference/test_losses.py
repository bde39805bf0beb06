import numpy as np
import oracles
import pytest
from arrays import LAYOUTS, assert_close, in_layout, unchanged

from npcnn.gradient_check import numerical_gradient, relative_error


def problem(rng, n=4, classes=5, dtype=np.float64):
    logits = rng.uniform(-3, 3, (n, classes)).astype(dtype)
    targets = rng.uniform(0, 1, (n, classes)).astype(dtype)
    weights = rng.uniform(0.1, 2, n).astype(dtype)
    return logits, targets, weights


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 4, 33])
def test_from_logits_agrees_with_the_oracle(ops, rng, n, dtype):
    logits, targets, weights = problem(rng, n, dtype=dtype)
    with unchanged(logits, targets, weights):
        losses, grad = ops.categorical_crossentropy_from_logits(logits, targets, weights)
    want_losses, want_grad = oracles.crossentropy_from_logits(logits, targets, weights)
    assert_close(losses, want_losses, dtype)
    assert_close(grad, want_grad, dtype)


def test_rows_along_more_axes(ops, rng):
    logits, targets, weights = problem(rng, 12)
    flat = ops.categorical_crossentropy_from_logits(logits, targets, weights)
    folded = ops.categorical_crossentropy_from_logits(
        logits.reshape(2, 3, 2, 5), targets.reshape(2, 3, 2, 5), weights.reshape(2, 3, 2)
    )
    np.testing.assert_allclose(folded[0].ravel(), flat[0], rtol=1e-13)
    np.testing.assert_allclose(folded[1].reshape(12, 5), flat[1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits(ops, dtype):
    """Raw pixels 0–255 give such logits: all is finite, and the right class loses nothing."""
    logits = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0], [-1e4, -1e4, -1e4]], dtype)
    targets = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype)
    losses, grad = ops.categorical_crossentropy_from_logits(logits, targets, np.ones(3, dtype))
    np.testing.assert_allclose(losses, [0, 2e4, np.log(3)], rtol=1e-6)
    third = 1 / 3
    expected = np.array([[0, 0, 0], [1, -1, 0], [third, third, third - 1]]) / 3
    np.testing.assert_allclose(grad, expected, rtol=1e-6, atol=1e-8)


def test_from_logits_gradient_by_differences(ops, rng):
    logits, targets, weights = problem(rng)

    def objective():
        return float(ops.categorical_crossentropy_from_logits(logits, targets, weights)[0].mean())

    grad = ops.categorical_crossentropy_from_logits(logits, targets, weights)[1]
    assert relative_error(grad, numerical_gradient(objective, logits)) <= 1e-7


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_from_probabilities(ops, rng, dtype):
    _, targets, weights = problem(rng, dtype=dtype)
    probabilities = rng.uniform(0.1, 1, targets.shape).astype(dtype)  # rows need not sum to 1
    with unchanged(probabilities, targets, weights):
        losses, grad = ops.categorical_crossentropy(probabilities, targets, weights)
    assert_close(losses, oracles.crossentropy(probabilities, targets, weights), dtype)
    assert grad.dtype == dtype
    if dtype == np.float64:
        numerical = numerical_gradient(
            lambda: float(ops.categorical_crossentropy(probabilities, targets, weights)[0].mean()),
            probabilities,
        )
        assert relative_error(grad, numerical) <= 1e-7


def test_clipped_probabilities(ops):
    p = np.array([[0.0, 1.0], [0.0, 1.0]])
    t = np.array([[1.0, 0.0], [0.0, 1.0]])
    losses, grad = ops.categorical_crossentropy(p, t, np.ones(2))
    np.testing.assert_allclose(losses, [-np.log(1e-7), -np.log(1 - 1e-7)], rtol=1e-9)
    np.testing.assert_array_equal(grad, np.zeros((2, 2)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "name", ["categorical_crossentropy_from_logits", "categorical_crossentropy"]
)
def test_any_memory_layout(ops, rng, name, layout):
    scores, targets, weights = problem(rng)
    scores = np.abs(scores) + 0.1
    plain = getattr(ops, name)(scores, targets, weights)
    strided = getattr(ops, name)(*(in_layout(a, layout) for a in (scores, targets, weights)))
    for got, want in zip(strided, plain, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)


def test_nan_stays_in_its_row(ops):
    logits = np.array([[np.nan, 0.0], [0.0, 0.0]])
    losses, grad = ops.categorical_crossentropy_from_logits(logits, np.eye(2), np.ones(2))
    np.testing.assert_allclose(losses, [np.nan, np.log(2)])
    np.testing.assert_allclose(grad, [[np.nan, np.nan], [0.25, -0.25]])
