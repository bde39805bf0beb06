"""Colours, likeness, windows as columns, pooling to a size, and rarer draws."""

import colorsys

import numpy as np
import pytest

import npcnn
from npcnn import layers, ops
from npcnn.checks import ArgumentError
from npcnn.ops.tape import Tensor, gradients

rng = np.random.default_rng(0)


def slope(function, x, g):
    """Return the gradient by x of the sum of g · function(x), and what differences say of it."""
    given, away = Tensor(x), rng.normal(size=x.shape)
    found = gradients([(function(given), g)])[given]
    ends = [np.sum(g * function(x + sign * 1e-6 * away)) for sign in (1, -1)]
    return np.sum(found * away), (ends[0] - ends[1]) / 2e-6


def test_colours():
    x = np.concatenate([rng.uniform(size=(2, 3, 4, 3)), np.full((2, 3, 4, 3), 0.5)], axis=1)
    x[0, 0, 0] = 0
    hsv = ops.image.rgb_to_hsv(x)
    want = [colorsys.rgb_to_hsv(*pixel) for pixel in x.reshape(-1, 3)]
    np.testing.assert_allclose(hsv, np.reshape(want, x.shape), atol=1e-12)
    np.testing.assert_allclose(ops.image.hsv_to_rgb(hsv), x, atol=1e-12)
    for function in (ops.image.rgb_to_hsv, ops.image.hsv_to_rgb):
        part = x[1:, :3]
        np.testing.assert_allclose(*slope(function, part, rng.normal(size=part.shape)), rtol=1e-5)
    with pytest.raises(ArgumentError, match="three channels"):
        ops.image.rgb_to_hsv(x[..., :2])


def test_likeness():
    x, y = rng.uniform(size=(2, 2, 5, 6, 2))
    bell = np.exp(-((np.arange(3) - 1) ** 2) / 2)
    window = np.outer(bell, bell)[:, :, np.newaxis] / bell.sum() ** 2
    found = []
    for s, i, j in np.ndindex(2, 3, 4):
        a, b = (one[s, i : i + 3, j : j + 3] for one in (x, y))
        ma, mb, aa, bb, ab = ((window * one).sum((0, 1)) for one in (a, b, a * a, b * b, a * b))
        above = (2 * ma * mb + 4e-4) * (2 * (ab - ma * mb) + 36e-4)
        found.append(above / ((ma**2 + mb**2 + 4e-4) * (aa - ma**2 + bb - mb**2 + 36e-4)))
    want = np.reshape(found, (2, -1)).mean(axis=1)
    how = {"max_val": 2.0, "filter_size": 3, "filter_sigma": 1.0}
    np.testing.assert_allclose(ops.image.ssim(x, y, **how), want)
    pair = slope(lambda one: ops.image.ssim(one, y, **how), x, np.ones(2))
    np.testing.assert_allclose(*pair, rtol=1e-5)


@pytest.mark.parametrize("options", [(2, 1, 0, 1), ((2, 3), (2, 1), (1, 0), (2, 1))])
def test_windows_as_columns_and_back(options):
    x = rng.normal(size=(2, 3, 6, 7))
    (kh, kw), (dh, dw), (ph, pw), (sh, sw) = (np.broadcast_to(one, 2) for one in options)
    wide = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    places = [(i, j) for i in range(0, wide.shape[2] - (kh - 1) * dh, sh)
              for j in range(0, wide.shape[3] - (kw - 1) * dw, sw)]  # fmt: skip
    want = [wide[:, :, i : i + kh * dh : dh, j : j + kw * dw : dw].reshape(2, -1)
            for i, j in places]  # fmt: skip
    found = ops.unfold(x, *options)
    np.testing.assert_array_equal(found, np.stack(want, axis=-1))
    columns = rng.normal(size=found.shape)
    back = ops.fold(columns, (6, 7), *options)
    np.testing.assert_allclose(np.sum(back * x), np.sum(columns * found))  # one is the other's Aᵀ
    np.testing.assert_allclose(*slope(lambda a: ops.unfold(a, *options), x, columns), rtol=1e-5)
    pair = slope(lambda a: ops.fold(a, (6, 7), *options), columns, x)
    np.testing.assert_allclose(*pair, rtol=1e-5)
    with pytest.raises(ArgumentError, match=r"ops.fold\(x\)"):
        ops.fold(columns[:, 1:], (6, 7), *options)


@pytest.mark.parametrize("kind", ["Average", "Max"])
def test_pooling_to_a_size(kind):
    x = rng.normal(size=(2, 5, 6, 3))
    function = getattr(ops, f"adaptive_{kind.lower()}_pool")
    want = getattr(layers, f"Adaptive{kind}Pooling2D")((3, 4))(x.astype("float64"))
    np.testing.assert_allclose(function(x, (3, 4)), want, atol=1e-6)
    assert function(x[:, 0], 4).shape == (2, 4, 3)
    pair = slope(lambda a: function(a, (3, 4)), x, rng.normal(size=want.shape))
    np.testing.assert_allclose(*pair, rtol=1e-5)


def test_dots_in_einsum_are_gone_back_through():
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(1, 5, 4, 2))
    for text, x, function in (
        ("a", a, lambda a: ops.einsum("ri,...ij->...rj", a, b)),
        ("b", b, lambda b: ops.einsum("ri,...ij->...rj", a, b)),
        ("repeated", b, lambda b: ops.einsum("...ij,...jk->...ik", np.ones((7, 5, 3, 4)), b)),
    ):
        pair = slope(function, x, rng.normal(size=function(x).shape))
        np.testing.assert_allclose(*pair, rtol=1e-5, err_msg=text)


def test_rarer_draws():
    many = (4000,)
    for made, mean in (
        (npcnn.random.gamma(many, 3.0, seed=1), 3.0), (npcnn.random.beta(many, 1, 3, seed=1), 0.25),
        (npcnn.random.binomial(many, 10, 0.3, seed=1), 3.0),
        (npcnn.random.categorical(np.log([[0.25, 0.75]]), 4000, seed=1), 0.75),
    ):  # fmt: skip
        assert abs(np.mean(made) - mean) < 0.1
    one, other = (npcnn.random.gamma((3, 2), [0.5, 2.0], seed=4) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert npcnn.random.categorical(np.zeros((2, 3)), 5, seed=0).shape == (2, 5)
    for wrong in (
        lambda: npcnn.random.gamma((2,), -1.0), lambda: npcnn.random.beta((2,), [1, 2, 3], 1),
        lambda: npcnn.random.binomial((2,), 3, 1.5), lambda: npcnn.random.categorical([1.0], 2),
    ):  # fmt: skip
        with pytest.raises(ArgumentError):
            wrong()


@pytest.mark.parametrize("mode", ["scipy constant", "edge"])
def test_coordinates_are_filled_in_keras_ways_only(mode):
    x, places = np.arange(3.0), np.array([[-1.0, 0.5]])
    with pytest.raises(ArgumentError, match=r"map_coordinates\(fill_mode\): expected constant"):
        ops.image.map_coordinates(x, places, 1, mode)
    assert ops.image.map_coordinates(x, places, 1, "nearest").tolist() == [0.0, 0.5]
