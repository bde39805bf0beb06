"""The emitted instructions against their twins in NumPy."""

import numpy as np
import pytest
from agreement import DTYPES

from npcnn.kernels.run import compile as compiling
from npcnn.kernels.run.compile import kernel
from npcnn.kernels.tiles import moments, runs, simd, tiles

pytestmark = pytest.mark.usefixtures("jit")


@kernel
def _slide(*values):
    tiles.slide_tile(*values)


@kernel
def _dot(*values):
    tiles.dot_tile(*values)


@kernel
def _moments(*values):
    moments.moments(*values)


@kernel
def _each_run(to, i, x, y, g, j, n, sums):
    runs.masked_vectors(to, x, y, sums, (i, j, 2, n), 1)
    runs.largest_run(to, x, (i + 100, j, n - 3), (2, 40, 2, 5))
    runs.largest_run(to, x, (i + 200, j, n - 3), (3, 40, 1, 5))
    runs.sum_lanes(to, i + 300, x, j, 3, 2, 70)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vectors", tiles.WIDTHS)
@pytest.mark.parametrize("rows", range(1, tiles.ROWS + 1))
def test_slide_tile(rows, vectors, dtype, rng):
    dtype = np.dtype(dtype)
    w, buf, bias = (rng.standard_normal(400).astype(dtype) for _ in range(3))
    plan = np.array([5, 0, 9, 40, 41, 3, 0, 100, 7, 50, 20, 33], np.int64)
    last = (vectors - 1) * simd.lanes_of(dtype) - (2 if vectors > 1 else 0)
    for taps in [(0, 5), (2, 3), (4, 4)]:
        for mode in (0, tiles.RELU, tiles.ADD, tiles.RELU | tiles.ADD):
            out = rng.standard_normal(1000).astype(dtype)
            twin = out.copy()
            values = (
                tiles.slide_address(dtype), rows, vectors, last, w, 3, 7, buf, 11, plan, 1, 6,
                *taps, mode, bias, 4,
            )  # fmt: skip
            _slide(*values, out, 13, 120)
            tiles.slide_tile(*values, twin, 13, 120)
            tolerance = 1e-5 if dtype.itemsize == 4 else 1e-13
            np.testing.assert_allclose(out, twin, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("filters", range(1, tiles.FILTERS + 1))
def test_dot_tile(filters, dtype, rng):
    dtype = np.dtype(dtype)
    x, g = (rng.standard_normal(600).astype(dtype) for _ in range(2))
    plan = np.array([5, 0, 9, 40, 41, 3, 0], np.int64)
    for taps in (*tiles.FEW_TAPS, tiles.taps_beside(filters)):
        for n in (1, 7, 16, 32, 45):
            totals = rng.standard_normal(1000).astype(dtype)
            twin = totals.copy()
            values = (tiles.dot_address(dtype), taps, filters, n, x, 3, plan, 1, g, 2, 60)
            _dot(*values, totals, 5, 80)
            tiles.dot_tile(*values, twin, 5, 80)
            tolerance = 1e-5 if dtype.itemsize == 4 else 1e-13
            np.testing.assert_allclose(totals, twin, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_runs(dtype, rng):
    x, y, g = (rng.standard_normal(500).astype(dtype) for _ in range(3))
    x[::17] = np.nan
    results = []
    for run in (_each_run, getattr(_each_run, "py_func", _each_run)):
        to, sums = np.zeros(500, dtype), np.zeros(40, dtype)
        run(to, 7, x, y, g, 3, 64, sums)
        results.append((to, sums))
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_a_lambda_compiles_without_a_place_on_disk(monkeypatch):
    def nowhere(*_):
        raise RuntimeError("no locator available")

    monkeypatch.setattr(compiling, "KernelCache", nowhere)
    assert kernel(lambda a: a + 1)(1) == 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("own", [0, 1])
def test_moments(own, dtype, rng):
    g, x = rng.standard_normal((2, 400)).astype(dtype)
    for n in (0, 1, 15, 16, 40, 64, 200, 333):
        found, want = np.zeros((2, 4), dtype)
        values = g, x, (7, 11, n), x.dtype.type(0.5), own
        _moments(found, *values)
        moments.moments(want, *values)
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-4)
