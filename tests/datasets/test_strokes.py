import itertools

import pytest

from npcnn.datasets.strokes import STYLES


def test_every_digit_has_a_name_and_a_share_for_each_style():
    assert sorted(STYLES) == list(range(10))
    for styles in STYLES.values():
        assert len(styles) >= 3
        assert len({style.description for style in styles}) == len(styles)
        assert all(style.share > 0 for style in styles)


@pytest.mark.parametrize("digit", range(10))
def test_strokes_are_points_in_the_box_that_never_stand_still(digit):
    for style in STYLES[digit]:
        assert style.strokes
        for stroke in style.strokes:
            points = [tuple(map(int, word.rstrip("!").split(","))) for word in stroke.split()]
            assert len(points) >= 3, style.description
            assert all(0 <= value <= 100 for point in points for value in point)
            assert all(a != b for a, b in itertools.pairwise(points))
            words = stroke.split()
            # A corner needs a line on both of its sides.
            assert not words[0].endswith("!")
            assert not words[-1].endswith("!")


def test_digits_reach_from_the_top_to_the_bottom():
    for digit, styles in STYLES.items():
        for style in styles:
            words = " ".join(style.strokes).replace("!", "").split()
            rows = [int(word.split(",")[1]) for word in words]
            assert min(rows) <= 8, (digit, style.description)
            assert max(rows) >= 95, (digit, style.description)
