import numpy as np
import pytest

from npcnn.checks import ArgumentError
from npcnn.datasets import draw_digits, drawn
from npcnn.datasets.strokes import STYLES, Style


def test_shapes_dtypes_and_balance():
    images, labels = draw_digits(255, seed=0)
    assert images.shape == (255, 28, 28)
    assert labels.shape == (255,)
    assert images.dtype == labels.dtype == np.uint8
    for start in range(0, 250, 10):
        assert sorted(labels[start : start + 10]) == list(range(10))
    # Mixed: not the same order in every ten.
    assert len({tuple(labels[start : start + 10]) for start in range(0, 250, 10)}) > 20


def test_same_seed_same_bits_and_a_shorter_call_is_the_beginning_of_a_longer_one():
    images, labels = draw_digits(330, seed=11)
    for n in (1, 10, 99, 100, 101, 330):
        fewer, fewer_labels = draw_digits(n, seed=11)
        np.testing.assert_array_equal(fewer, images[:n])
        np.testing.assert_array_equal(fewer_labels, labels[:n])


def test_seeds_and_samples_differ():
    images = np.concatenate([draw_digits(200, seed)[0] for seed in (0, 1, 2**32, 2**70)])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_digits_lie_in_the_picture_as_mnists_do():
    images, _ = draw_digits(1000, seed=3)
    ink = images.astype(np.float64)
    rows = ink.sum(axis=2)
    columns = ink.sum(axis=1)
    places = np.arange(28) + 0.5
    total = ink.sum(axis=(1, 2))
    for sums in (rows, columns):
        centre = (sums * places).sum(axis=1) / total
        assert centre.min() >= 14  # in the pixel right and below of the middle, all of them
        assert centre.max() < 15
        assert abs(centre.mean() - 14.5) < 0.05
        inked = sums > 0
        extent = 28 - inked.argmax(axis=1) - inked[:, ::-1].argmax(axis=1)
        assert extent.max() <= 22  # 20, and what sticks out of a pixel on both sides
    # Mean ink: MNIST's training images have 33.3.
    assert 30 < ink.mean() < 37
    # Every digit has bright ink, black ground, and smooth edges.
    assert (images.max(axis=(1, 2)) > 150).all()
    assert np.median(images, axis=(1, 2)).max() < 60
    soft = ((images > 20) & (images < 220)).sum(axis=(1, 2)) / (images > 20).sum(axis=(1, 2))
    assert 0.2 < soft.mean() < 0.7


def test_digits_of_one_kind_resemble_each_other():
    images, labels = draw_digits(3000, seed=4)
    others, other_labels = draw_digits(500, seed=5)
    flat, other_flat = (a.reshape(len(a), -1).astype(np.float64) for a in (images, others))
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    nearest = np.argmax(other_flat @ flat.T, axis=1)
    assert (labels[nearest] == other_labels).mean() > 0.8


def test_every_style_is_drawn_by_its_share():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10, dtype=np.uint8), 4000)
    chosen = drawn._choose_styles(labels, rng)
    shares = np.concatenate(
        [
            np.array([s.share for s in STYLES[d]]) / sum(s.share for s in STYLES[d])
            for d in range(10)
        ]
    )
    counts = np.bincount(chosen, minlength=len(shares))
    assert len(counts) == len(shares)
    np.testing.assert_allclose(counts / 4000, shares, atol=0.03)


def test_pieces_join_along_a_stroke_pass_its_points_and_break_between_strokes():
    points, start, end = drawn._prepare(
        Style("a corner and a bar", 1, "0,0 10,50 20,80! 90,0", "5,5 5,9 5,20")
    )
    assert points.tolist()[3] == [0.9, 0]
    starts, ends = start @ points, end @ points
    assert starts.shape == ends.shape == (drawn.SEGMENTS, 2)
    gaps = np.abs(ends[:-1] - starts[1:]).max(axis=1) > 1e-12
    assert gaps.sum() == 1  # the pen is lifted once
    lifted = int(gaps.argmax())
    np.testing.assert_allclose(starts[0], [0, 0], atol=1e-12)
    np.testing.assert_allclose(ends[lifted], [0.9, 0], atol=1e-12)
    np.testing.assert_allclose(starts[lifted + 1], [0.05, 0.05], atol=1e-12)
    np.testing.assert_allclose(ends[-1], [0.05, 0.2], atol=1e-12)
    corner = np.abs(starts - [0.2, 0.8]).max(axis=1).min()
    assert corner < 1e-12


def test_the_curve_passes_its_points_and_is_straight_where_they_are():
    weights = drawn._spline_weights(4, 6)
    np.testing.assert_allclose(weights[::2], np.eye(4), atol=1e-12)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    line = np.array([[0, 0], [1, 2], [2, 4], [3, 6]])
    np.testing.assert_allclose(weights @ line, np.linspace([0, 0], [3, 6], 7), atol=1e-12)


def test_ink_against_a_plain_loop():
    rng = np.random.default_rng(6)
    starts = rng.uniform(4, 24, (2, drawn.SEGMENTS, 2)).astype(np.float32)
    ends = (starts + rng.normal(0, 1, starts.shape)).astype(np.float32)
    ends[:, 5] = starts[:, 5]  # a piece without length is a dot
    radius = np.array([0.8, 1.7], np.float32)

    edge = np.array([0.9, 1.4], np.float32)
    pressure = rng.uniform(0.8, 1.2, starts.shape[:2]).astype(np.float32)
    images = drawn._ink(starts, ends, radius, edge, pressure)
    for n in range(2):
        for row in range(28):
            for column in range(28):
                pixel = np.array([column + 0.5, row + 0.5])
                distances = []
                for a, b, press in zip(
                    starts[n].astype(float), ends[n].astype(float), pressure[n], strict=True
                ):
                    d = b - a
                    t = np.clip((pixel - a) @ d / max(d @ d, 1e-6), 0, 1)
                    distances.append(np.linalg.norm(pixel - a - t * d) * np.sqrt(press))
                ink = np.clip((radius[n] - min(distances)) / edge[n] + 0.5, 0, 1)
                assert abs(images[n, row, column] - ink) < 1e-3


def test_centring_moves_whole_pixels_and_loses_nothing_inside():
    images = np.zeros((2, 28, 28), np.uint8)
    images[0, 3:6, 20:23] = 7
    images[1, 14, 14] = 9
    centred = drawn.centred(images)
    expected = np.zeros_like(images)
    expected[0, 13:16, 13:16] = 7
    expected[1, 14, 14] = 9
    np.testing.assert_array_equal(centred, expected)


@pytest.mark.parametrize("n", [0, -3, 2.5, True, "ten"])
def test_wrong_n(n):
    with pytest.raises(ArgumentError, match=r"draw_digits\(n\): expected a positive integer, got"):
        draw_digits(n, seed=0)


@pytest.mark.parametrize("seed", [-1, 1.5, None, True])
def test_wrong_seed(seed):
    with pytest.raises(
        ArgumentError, match=r"draw_digits\(seed\): expected an integer from 0, got"
    ):
        draw_digits(10, seed=seed)
