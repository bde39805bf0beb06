from hypothesis import given
from hypothesis import strategies as st

from npcnn.shapes import output_size, padding_before_after

SIZES = st.tuples(
    st.integers(1, 40), st.integers(1, 9), st.integers(1, 6), st.integers(1, 4)
)  # size, window, stride, dilation


@given(SIZES)
def test_valid_counts_the_windows_that_fit(sizes):
    size, window, stride, dilation = sizes
    reach = (window - 1) * dilation + 1
    places = [start for start in range(0, size, stride) if start + reach <= size]
    assert output_size(size, window, stride, "valid", dilation) == len(places)
    assert padding_before_after(size, window, stride, "valid", dilation) == (0, 0)


@given(SIZES)
def test_same_pads_as_little_as_will_do(sizes):
    size, window, stride, dilation = sizes
    out = output_size(size, window, stride, "same", dilation)
    before, after = padding_before_after(size, window, stride, "same", dilation)
    assert (out - 1) * stride < size <= out * stride
    assert after - before in (0, 1)
    reach = (window - 1) * dilation + 1
    assert output_size(size + before + after, window, stride, "valid", dilation) >= out
    if before + after:
        assert (out - 1) * stride + reach == size + before + after


def test_by_hand():
    assert output_size(28, 3, 1, "valid") == 26
    assert output_size(28, 2, 2, "valid") == 14
    assert output_size(2, 3, 1, "valid") == 0
    assert output_size(28, 3, 2, "same") == 14
    assert padding_before_after(28, 3, 1, "same") == (1, 1)
    assert padding_before_after(28, 3, 2, "same") == (0, 1)
    assert padding_before_after(28, 2, 1, "same") == (0, 1)
    assert padding_before_after(28, 5, 1, "same", 2) == (4, 4)
