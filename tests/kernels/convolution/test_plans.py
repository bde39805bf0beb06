import itertools

import numpy as np
import pytest

from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.run import layout

DTYPE = np.dtype("float32")


def geometry(batch=60, strides=(1, 1), padding="same"):
    return plans.Geometry((batch, 28, 28, 5), (3, 3, 5, 5), strides, padding, (1, 1))


def test_shares_depend_on_the_shape_only():
    assert [layout.shares(28, rows, 16) for rows in (3, 7, 28, 40)] == [8, 4, 1, 1]
    assert layout.shares(1000, 3, 16) == 16
    assert layout.shares(0, 3, 16) == 1


def test_parts_cover_all_and_differ_by_one():
    for total in (1, 7, 28, 29):
        cuts = [plans.part(total, index, 4) for index in range(4)]
        assert cuts[0][0] == 0
        assert cuts[-1][1] == total
        assert all(a[1] == b[0] for a, b in itertools.pairwise(cuts))
        lengths = [stop - start for start, stop in cuts]
        assert max(lengths) - min(lengths) <= 1


def test_x_is_read_in_place_at_stride_one_and_packed_otherwise():
    in_place = calls.forward_call(geometry(), DTYPE, 0)
    assert calls.header_at(in_place.ints, 0).packed == 0
    assert in_place.y_block == (5, 28, 28, 60)
    for packed in (geometry(batch=1), geometry(strides=(2, 2))):
        assert calls.header_at(calls.forward_call(packed, DTYPE, 0).ints, 0).packed == 1


def test_edge_columns_are_segments_with_fewer_taps():
    plan = plans.forward_plan(geometry(), DTYPE)
    header = plans.plan_at(plan, 0)
    assert header.segments == 3
    places = [header.segment_table + segment * plans.SEGMENT for segment in range(3)]
    table = [plans.segment_at(plan, place) for place in places]
    assert [segment.per_tap for segment in table] == [10, 15, 10]
    assert [segment.start for segment in table] == [0, 1, 27]
    assert [segment.columns for segment in table] == [1, 26, 1]


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_every_weight_is_visited_once_by_each_plan(padding):
    shape = geometry(padding=padding)
    for plan in (plans.dot_plan(shape, DTYPE), plans.backward_plan(shape, DTYPE)):
        header = plans.plan_at(plan, 0)
        woff = plan[header.woff :][: header.segments * header.taps]
        assert len(set(woff)) == len(woff) == 45
