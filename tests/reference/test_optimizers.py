import numpy as np
import oracles
import pytest


def assert_steps(found, expected, dtype):
    np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_adam(ops, rng, dtype, size):
    p, m, v = rng.uniform(-1, 1, size).astype(dtype), np.zeros(size, dtype), np.zeros(size, dtype)
    start = p.astype("float64")
    gradients = rng.normal(0, 3, (4, size)).astype(dtype)
    for t, g in enumerate(gradients, start=1):
        before = g.copy()
        alpha = 0.01 * np.sqrt(1 - 0.99**t) / (1 - 0.8**t)
        ops.adam(p, g, m, v, alpha, 0.8, 0.99, 1e-3)
        np.testing.assert_array_equal(g, before)
    expected = [
        oracles.adam(start[i], gradients[:, i].astype(float), 0.01, 0.8, 0.99, 1e-3)
        for i in range(size)
    ]
    assert_steps(p, expected, dtype)
    assert p.dtype == m.dtype == v.dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd(ops, rng, dtype, momentum, nesterov):
    p, velocity = rng.uniform(1, 2, 7).astype(dtype), np.zeros(7, dtype)
    start = p.astype("float64")
    gradients = rng.normal(0, 1, (4, 7)).astype(dtype)
    for g in gradients:
        before = g.copy()
        ops.sgd(p, g, velocity, 0.1, momentum, nesterov)
        np.testing.assert_array_equal(g, before)
    expected = [
        oracles.sgd(start[i], gradients[:, i].astype(float), 0.1, momentum, nesterov)
        for i in range(7)
    ]
    assert_steps(p, expected, dtype)
    if momentum == 0:
        np.testing.assert_array_equal(velocity, np.zeros(7))


def test_a_stretch_in_the_middle_of_a_vector(ops):
    """A model hands views into one vector: what lies beside them must stay."""
    flat, g = np.zeros(6), np.ones(2)
    ops.sgd(flat[2:4], g, np.zeros(2), 0.5, 0.0, False)
    np.testing.assert_array_equal(flat, [0, 0, -0.5, -0.5, 0, 0])
    m, v = np.zeros(6), np.zeros(6)
    ops.adam(flat[2:4], g, m[2:4], v[2:4], 0.1, 0.9, 0.999, 1e-7)
    assert (flat[[0, 1, 4, 5]] == 0).all()
    assert (m[[0, 1, 4, 5]] == 0).all()
    np.testing.assert_allclose(m[2:4], 0.1)
    np.testing.assert_allclose(v[2:4], 0.001)
