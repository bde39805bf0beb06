"""Warps and colours beside oracles in plain loops, on both backends."""

import math

import numpy as np
import pytest
from arrays import LAYOUTS, in_layout

from npcnn.affine import FILL_MODES, INTERPOLATIONS, Ranges
from npcnn.backend import ops, using
from npcnn.checks import ArgumentError, DtypeError

HOWS = [(how, fill) for how in INTERPOLATIONS for fill in FILL_MODES]


def pixel(index, size, fill):
    """Return which pixel of a row stands at an index, None for none: the row is written out."""
    ends = {"reflect": (1, 1), "mirror": (0, 1), "wrap": (0, 0)}
    if 0 <= index < size:
        return index
    if fill in ("constant", "scipy constant"):
        return None
    if fill not in ends or (fill == "mirror" and size == 1):
        return 0 if index < 0 else size - 1
    row = list(range(size))
    if fill == "reflect":
        period = row + row[::-1]
    elif fill == "mirror":
        period = row + row[-2:0:-1]
    else:
        period = row
    return period[index % len(period)]


def brought_in(place, size, fill):
    if fill == "scipy constant" and not 0 <= place <= size - 1:
        return None
    if fill == "scipy wrap" and size > 1:
        while place < 0:
            place += size - 1
        while place > size - 1:
            place -= size - 1
    return place


def shares(place, size, how, fill):
    """Return (pixel or None, weight) of what is read at a place along one axis."""
    place = brought_in(place, size, fill)
    if place is None:
        return [(None, 1.0)]
    if how == "nearest":
        return [(pixel(round(place), size, fill), 1.0)]  # to the even one half way
    if how == "nearest up":
        return [(pixel(math.floor(place + 0.5), size, fill), 1.0)]
    low = math.floor(place)
    return [
        (pixel(low, size, fill), 1 - (place - low)), (pixel(low + 1, size, fill), place - low),
    ]  # fmt: skip


def matrix_of(shape, matrices, field, how, fill):
    """Yield (sample, row, column, row read, column read, weight) of all that is read."""
    for n, i, j in np.ndindex(len(matrices), *field.shape[2:]):
        a, b, c, d, e, f = matrices[n]
        v, u = (d * j + e * i + f) + field[n, 0, i, j], (a * j + b * i + c) + field[n, 1, i, j]
        for row, by_row in shares(v, shape[1], how, fill):
            for column, by_column in shares(u, shape[2], how, fill):
                yield n, i, j, row, column, by_row * by_column


def oracles(x, grad_y, matrices, how, fill, value, field=None):
    y, grad_x = np.zeros(grad_y.shape), np.zeros(x.shape)
    if field is None:
        field = np.zeros((len(x), 2, *grad_y.shape[1:3]))
    for n, i, j, row, column, weight in matrix_of(x.shape, matrices, field, how, fill):
        if row is None or column is None:
            y[n, i, j] += weight * value
        else:
            y[n, i, j] += weight * x[n, row, column]
            grad_x[n, row, column] += weight * grad_y[n, i, j]
    return y, grad_x


@pytest.mark.parametrize("shape", [(3, 4, 5, 2), (1, 1, 1, 1), (2, 6, 1, 3)])
@pytest.mark.parametrize(("how", "fill"), HOWS)
def test_what_is_read_and_where_gradients_go(rng, backend, how, fill, shape):
    matrices = rng.normal(size=(shape[0], 6))
    matrices[:, 2::3] *= 3
    matrices[0] = [0.5, 0, -3, 0, 0.5, 1]  # exact halves
    x = rng.normal(size=shape)
    for size, dtype in (((4, 5), "float64"), ((2, 7), "float32")):
        grad_y = rng.normal(size=(shape[0], *size, shape[3]))
        want, want_back = oracles(x, grad_y, matrices, how, fill, 0.7)
        near = (
            {"rtol": 1e-12, "atol": 1e-12} if dtype == "float64" else {"rtol": 1e-4, "atol": 1e-4}
        )
        for layout in LAYOUTS[:2]:
            y = ops.warp(in_layout(x.astype(dtype), layout), matrices, size, how, fill, 0.7)
            back = in_layout(grad_y.astype(dtype), layout)
            grad_x = ops.warp_backward(back, matrices, shape[1:3], how, fill)
            np.testing.assert_allclose(y, want, **near)
            np.testing.assert_allclose(grad_x, want_back, **near)
            assert y.dtype == grad_x.dtype == dtype


@pytest.mark.parametrize(("how", "fill"), [HOWS[1], HOWS[7], HOWS[20]])
def test_a_field_moves_places_one_by_one(rng, backend, how, fill):
    """Also where a batch is cut into tasks and groups, and where samples are too large for that."""
    for shape, size in (
        ((2, 4, 5, 3), (6, 3)),
        ((37, 6, 5, 1), (30, 29)),
        ((2, 90, 100, 2), (9, 5)),
    ):
        x, matrices = rng.normal(size=shape), rng.normal(size=(shape[0], 6))
        grad_y = rng.normal(size=(shape[0], *size, shape[3]))
        field = 2 * rng.normal(size=(shape[0], 2, *size))
        want, want_back = oracles(x, grad_y, matrices, how, fill, 0.7, field)
        y = ops.warp(x, matrices, size, how, fill, 0.7, field)
        np.testing.assert_allclose(y, want, rtol=1e-12, atol=1e-12)
        grad_x = ops.warp_backward(grad_y, matrices, shape[1:3], how, fill, field)
        np.testing.assert_allclose(grad_x, want_back, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("how", "fill"), HOWS)
def test_no_matrix_reads_beyond_memory(backend, how, fill):
    """What is no number, or too large for one, is beyond the edge."""
    x = np.arange(12.0).reshape(1, 3, 4, 1)
    for bad in (np.nan, np.inf, -np.inf, 1e300, 1e12, -1e12):
        for place in range(6):
            matrices = np.array([[1.0, 0, 0, 0, 1, 0]])
            matrices[0, place] = bad
            with np.errstate(all="ignore"):
                y = ops.warp(x, matrices, (3, 4), how, fill, -5.0)
                grad_x = ops.warp_backward(x, matrices, (3, 4), how, fill)
            assert set(y.ravel()) <= {-5.0, *range(12)}
            assert np.isfinite(grad_x).all()
            if place in (2, 5):
                assert (y == -5).all()


def drawn(backend_ops, ranges, n=4000, shape=(7, 9), size=(7, 9), key=5, step=None):
    x = np.zeros((n, *shape, 1), "float32")
    return backend_ops.random_affine(x, key, ranges, size, step)


def test_what_is_drawn(backend):
    ranges = Ranges(
        (-0.5, 1.0), (0.1, 0.3), ((0.5, 1.5), (0.9, 1.1)), False, ((-2.0, 0.0), (1.0, 5.0)),
        (0.25, 0.5),
    )  # fmt: skip
    # columns of the matrix: a zoom along columns, then along rows, both turned
    a, b, c, d, e, f = drawn(ops, ranges._replace(shear=(0.0, 0.0))).T
    flipped = np.cos(np.arctan2(d, a)) * a < 0
    assert np.hypot(a, d).min() >= 0.9
    assert np.hypot(a, d).max() <= 1.1
    assert abs(np.hypot(b, e).mean() - 1) < 0.03
    assert (np.hypot(b, e) >= 0.5).all()
    assert (np.hypot(b, e) <= 1.5).all()
    assert not flipped.any()
    rows = f + 3 * e + 4 * d - 3
    columns = c + 4 * a + 3 * b - 4
    assert -2 <= rows.min() < -1.9 < -0.1 < rows.max() <= 0
    assert 1 <= columns.min() < 1.1 < 4.9 < columns.max() <= 5
    mirrored = a * e - b * d < 0  # exactly one flip: 0.25·0.5 + 0.75·0.5
    assert abs(mirrored.mean() - 0.5) < 0.03
    turned = drawn(ops, Ranges(rotation=(-0.5, 1.0)))
    angles = np.arctan2(turned[:, 3], turned[:, 0])
    assert -0.5 <= angles.min() < -0.49 < 0.99 < angles.max() <= 1
    sheared = drawn(ops, Ranges(shear=(0.1, 0.3)))[:, 1]
    assert math.tan(0.1) <= sheared.min() < sheared.max() <= math.tan(0.3)
    flips = drawn(ops, Ranges(flip=(0.25, 0.0)))[:, 4]
    assert abs((flips < 0).mean() - 0.25) < 0.03
    both = drawn(ops, Ranges(flip=(0.5, 0.5), one_flip=True))
    np.testing.assert_array_equal(both[:, 0], both[:, 4])
    one = drawn(ops, Ranges(zoom=((0.5, 1.5), (1.0, 1.0)), one_zoom=True))
    np.testing.assert_array_equal(one[:, 0], one[:, 4])
    places = [drawn(ops, Ranges(places=(3, 4)), 5, key=k)[:, [2, 5]] for k in range(200)]
    assert all((place == place[0]).all() for place in places)
    assert {tuple(place[0]) for place in places} == {(c, r) for r in range(3) for c in range(4)}


def test_both_backends_draw_the_same_by_key_and_step():
    ranges = Ranges((-1.0, 1.0), (-0.1, 0.1), flip=(0.5, 0.5))
    found = {}
    for name in ("numpy", "numba"):
        with using(name):
            found[name] = [
                drawn(ops, ranges, 50, key=key, step=None if step is None else np.array(step))
                for key in (0, 2**63 + 5) for step in (None, 0, 1)
            ]  # fmt: skip
    for one, other in zip(found["numpy"], found["numba"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    assert len({one.tobytes() for one in found["numba"]}) == 6


def splitmix(key, step, counter):
    """Return a number in [0, 1), as in reference/dropout.py, in Python's integers."""
    whole, golden = 2**64, 0x9E3779B97F4A7C15

    def mixed(h):
        h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9 % whole
        h = (h ^ (h >> 27)) * 0x94D049BB133111EB % whole
        return h ^ (h >> 31)

    key = key if step is None else mixed((key + step + golden) % whole)
    return (mixed((key + (counter + 1) * golden) % whole) >> 40) / 2**24


def cox_de_boor(k, degree, t):
    """Return the B-spline over whole knots that begins at k, by its recursion."""
    if degree == 0:
        return float(k <= t < k + 1)
    left = (t - k) / degree * cox_de_boor(k, degree - 1, t)
    return left + (k + degree + 1 - t) / degree * cox_de_boor(k + 1, degree - 1, t)


@pytest.mark.parametrize(("dtype", "step"), [("float64", None), ("float32", 3)])
def test_fields_are_splines_through_drawn_points(backend, dtype, step):
    numbers, (height, width), spacing = [7, 0, 60_001], (5, 9), 4
    high, wide = 5, 6  # points
    x = np.zeros((3, height, width, 2), dtype)
    now = None if step is None else np.array([step], np.int64)
    got = ops.elastic_field(x, 5, 1.5, spacing, now, np.array(numbers))
    assert got.shape == (3, 2, height, width)
    assert got.dtype == dtype
    for n, axis, i, j in np.ndindex(got.shape):
        want = 0.0
        for k, m in np.ndindex(high, wide):
            counter = ((numbers[n] * 2 + axis) * high + k) * wide + m
            point = 1.5 * (2 * splitmix(5, step, counter) - 1)
            by_row = cox_de_boor(k - 3, 3, i / spacing)
            want += point * by_row * cox_de_boor(m - 3, 3, j / spacing)
        assert abs(got[n, axis, i, j] - want) < (1e-6 if dtype == "float32" else 1e-13)
    np.testing.assert_array_equal(
        ops.elastic_field(x, 5, 1.5, spacing, now),
        ops.elastic_field(x, 5, 1.5, spacing, now, np.arange(3)),
    )


def test_a_slant_is_about_the_corner_and_to_either_side(backend):
    x, slant = np.zeros((40, 9, 6, 1)), ((0.1, 0.4), (0.2, 0.3))
    m = ops.random_affine(x, 5, Ranges(slant=slant), (9, 6), np.array([9], np.int64))
    np.testing.assert_array_equal(m[:, [0, 2, 4, 5]], np.tile([1.0, 0, 1, 0], (40, 1)))
    for n, (_, b, _, d, _, _) in enumerate(m):
        u = [splitmix(5, 9, 8 * n + slot) for slot in range(8)]
        sign = 1 if u[6] < 0.5 else -1
        np.testing.assert_allclose([b, d], [sign * (0.1 + u[0] * 0.3), sign * (0.2 + u[1] * 0.1)])
    assert 0 < (m[:, 1] < 0).sum() < 40


@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.3, 0.9), (0.0, 0.0)])
def test_noise_is_blurred(backend, scale):
    numbers, size, chance = [7, 0, 60_001], (40, 13), (0.6, 0.7)
    x, step, count = np.zeros((3, *size, 2)), np.array([9], np.int64), 4 * 40 * 13 + 3
    got = ops.gaussian_field(x, 5, chance, scale, step, np.array(numbers))
    strength = scale[0] + splitmix(5, 9, 2) * (scale[1] - scale[0])
    sigma, alpha = 0.65 * strength or 1, 4.0 * strength
    reach = (int(6 * 0.65 * strength) | 1) // 2
    every, moved = range(-reach, reach + 1), 0
    weights = np.array([[np.exp(-(i * i + j * j) / 2 / sigma**2) for i in every] for j in every])
    weights = weights / weights.sum()
    for n, number in enumerate(numbers):
        u = [splitmix(5, 9, number * count + slot) for slot in range(count)]
        chosen = u[0] < 0.6 + u[1] * (0.7 - 0.6)
        moved += chosen
        for axis in range(2):
            pairs = np.array(u[3:]).reshape(2, *size, 2)[axis]
            normal = np.sqrt(-2 * np.log(pairs[..., 0] + 2.0**-24)) * np.cos(
                2 * np.pi * pairs[..., 1]
            )
            wide = np.pad(normal, reach)
            windows = np.lib.stride_tricks.sliding_window_view(wide, weights.shape)
            want = chosen * alpha * sigma * (windows * weights).sum(axis=(2, 3))
            np.testing.assert_allclose(got[n, axis], want, atol=1e-12)
    assert 0 < moved < 3


def test_erased_parts_have_each_channels_number_or_noise(rng, backend):
    x, noise = rng.normal(size=(2, 2, 9, 6, 3)).astype("float32")
    how = 5, (1.0, 1.0), (0.2, 0.5)
    gone = ops.erase_backward(np.ones_like(x), *how) == 0
    assert 0 < gone.mean() < 1
    y = ops.erase(x, *how, (0.1, 0.2, 0.3))
    np.testing.assert_array_equal(y, np.where(gone, np.float32([0.1, 0.2, 0.3]), x))
    y = ops.erase(x, *how, 0.0, None, None, noise, (-0.3, 0.4))
    np.testing.assert_array_equal(y, np.where(gone, noise.clip(-0.3, 0.4), x))
    for wrong in ((0.1, 0.2), (0.1, 0.2, np.nan)):
        with pytest.raises(ArgumentError, match=r"ops\.erase"):
            ops.erase(x, *how, wrong)
    with pytest.raises(ArgumentError, match=r"ops\.erase"):
        ops.erase(x, *how, 0.0, None, None, noise[:, :3])


@pytest.mark.parametrize("chance", [(1.0, 1.0), (0.2, 0.6)])
def test_rectangles_are_erased(rng, backend, chance):
    numbers, step, share = np.array([*range(40), 1 << 40]), np.array([9], np.int64), (0.1, 0.7)
    x, erased = rng.normal(size=(41, 30, 29, 2)), 0
    y = ops.erase(x, 5, chance, share, 0.7, step, numbers)
    back = ops.erase_backward(x, 5, chance, share, step, numbers)
    for n, number in enumerate(numbers.tolist()):
        u = [splitmix(5, 9, number * 6 + slot) for slot in range(6)]
        want, want_back = x[n].copy(), x[n].copy()
        if u[0] < chance[0] + u[1] * (chance[1] - chance[0]):
            erased += 1
            high, wide = (size * (0.1 + s * 0.6) ** 0.5 for size, s in ((30, u[2]), (29, u[4])))
            top, left = u[3] * (30 - high), u[5] * (29 - wide)
            for i, j in np.ndindex(30, 29):
                if top <= i < top + high and left <= j < left + wide:
                    want[i, j], want_back[i, j] = 0.7, 0.0
        np.testing.assert_array_equal(y[n], want)
        np.testing.assert_array_equal(back[n], want_back)
    assert erased == 41 if chance[0] == 1 else 5 < erased < 30


def test_colors(rng, backend):
    x = rng.normal(size=(40, 6, 5, 3))
    ranges = (0.5, 1.5, -0.3, 0.4, -1.0, 1.2)
    y = ops.random_color(x, 3, ranges, np.array(4))
    again = ops.random_color(x, 3, ranges, np.array(5))
    assert (y != again).any()
    for n in range(40):
        deviations, seen = x[n] - x[n].mean(axis=(0, 1)), (y[n] > -1) & (y[n] < 1.2)
        channel = seen[..., 0] & (np.abs(deviations[..., 0]) > 0.1)
        left, right = deviations[..., 0][channel], (y[n] - x[n].mean(axis=(0, 1)))[..., 0][channel]
        contrast, brightness = np.polyfit(left, right, 1)
        assert 0.5 <= contrast <= 1.5
        assert -0.3 <= brightness <= 0.4
        want = np.clip(deviations * contrast + x[n].mean(axis=(0, 1)) + brightness, -1, 1.2)
        np.testing.assert_allclose(y[n], want, atol=1e-9)


def test_what_ops_refuse(backend):
    x, matrices = np.zeros((2, 3, 3, 1)), np.zeros((2, 6))
    for wrong in (matrices[:1], matrices[:, :5], matrices[0]):
        with pytest.raises(ArgumentError, match=r"ops\.warp"):
            ops.warp(x, wrong, (3, 3), "bilinear", "nearest", 0.0)
    with pytest.raises(ArgumentError, match=r"ops\.warp"):
        ops.warp(x, matrices.astype("float32"), (3, 3), "bilinear", "nearest", 0.0)
    for rest in (((3, 0), "bilinear", "nearest"), ((3, 3), "cubic", "nearest"),
                 ((3, 3), "bilinear", "fold"), ((3.0, 3), "bilinear", "nearest")):  # fmt: skip
        with pytest.raises(ArgumentError, match=r"ops\.warp"):
            ops.warp(x, matrices, *rest, 0.0)
    with pytest.raises(ArgumentError, match=r"ops\.random_affine"):
        ops.random_affine(x, 0, Ranges(rotation=(np.nan, 1.0)), (3, 3))
    numbers, field = np.arange(2), np.zeros((2, 2, 3, 3))
    for wrong in (numbers[:1], numbers.astype("float64"), [0, 1], numbers.astype("int32")):
        with pytest.raises(ArgumentError, match=r"ops\.random_affine"):
            ops.random_affine(x, 0, Ranges(), (3, 3), None, wrong)
        with pytest.raises(ArgumentError, match=r"ops\.elastic_field"):
            ops.elastic_field(x, 0, 1.0, 2, None, wrong)
        with pytest.raises(ArgumentError, match=r"ops\.erase"):
            ops.erase(x, 0, (1.0, 1.0), (0.0, 0.1), 0.0, None, wrong)
    for wrong in (np.zeros(0, np.int64), np.zeros(1), 3):
        with pytest.raises(ArgumentError, match=r"ops\.elastic_field"):
            ops.elastic_field(x, 0, 1.0, 2, wrong)
    for wrong in (field[:1], field[..., :2], field.astype("float32"), [0.0]):
        with pytest.raises(ArgumentError, match=r"ops\.warp"):
            ops.warp(x, matrices, (3, 3), "bilinear", "nearest", 0.0, wrong)
        with pytest.raises(ArgumentError, match=r"ops\.warp_backward"):
            ops.warp_backward(x, matrices, (3, 3), "bilinear", "nearest", wrong)
    for wrong in ((np.nan, 2), (1.0, 0), (1.0, 2.0)):
        with pytest.raises(ArgumentError, match=r"ops\.elastic_field"):
            ops.elastic_field(x, 0, *wrong)
    for wrong in (((0.5, 0.2), (0.0, 0.1)), ((0.0, 1.0), (0.0, 1.1)), ((0.0, 1.0), (np.nan, 1.0))):
        with pytest.raises(ArgumentError, match=r"ops\.erase"):
            ops.erase(x, 0, *wrong, 0.0)
    with pytest.raises(DtypeError, match=r"ops\.random_color"):
        ops.random_color(x.astype(int), 0, (1.0, 1.0, 0.0, 0.0, 0.0, 1.0))
