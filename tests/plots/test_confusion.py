import numpy as np
import pytest
from figures import assert_nothing_cut, ink, pixels, texts, title
from hypothesis import given, settings
from hypothesis import strategies as st

from npcnn.checks import ArgumentError
from npcnn.plots import confusion_matrix
from npcnn.plots.confusion import count_pairs


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_counts_are_those_of_a_plain_loop(pairs):
    expected = [[0] * 5 for _ in range(5)]
    for true, answer in pairs:
        expected[true][answer] += 1
    y_true, y_pred = np.array(pairs).T
    assert count_pairs(y_true, y_pred, 5).tolist() == expected


def test_matrix_shows_counts_shares_and_accuracy():
    figure = confusion_matrix([0, 0, 0, 1, 2, 2], [0, 0, 2, 1, 2, 2])
    cells = {t.get_position(): t.get_text() for t in figure.axes[0].texts if t.get_text()}
    assert cells == {(0, 0): "2", (2, 0): "1", (1, 1): "1", (2, 2): "2"}
    assert title(figure) == "1 of 6 samples wrong: accuracy 0.8333"
    assert {"66.7%", "100.0%"} <= set(texts(figure))


def test_colour_shows_only_the_wrong_answers():
    figure = confusion_matrix([0, 0, 0, 1, 1], [0, 0, 1, 1, 0])
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), [[0, 1], [1, 0]])


def test_ten_classes_fit_and_outputs_are_taken_as_they_are():
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 10, 10_000)
    outputs = np.eye(10)[np.where(rng.random(10_000) < 0.02, rng.integers(0, 10, 10_000), y_true)]
    figure = confusion_matrix(y_true, outputs)
    assert pixels(figure).shape == (820, 1000, 3)
    assert ink(figure) > 0.3
    assert_nothing_cut(figure)
    labels = confusion_matrix(y_true, outputs.argmax(axis=1))
    np.testing.assert_array_equal(pixels(figure), pixels(labels))


def test_a_class_that_does_not_occur_has_no_share():
    assert "none" in texts(confusion_matrix([0, 2], [0, 2]))


def test_lengths_must_agree():
    with pytest.raises(ArgumentError, match=r"^confusion_matrix\(y_pred\): expected 2 labels, got"):
        confusion_matrix([0, 1], [0, 1, 1])
