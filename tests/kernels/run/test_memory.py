import numpy as np
import pytest

memory = pytest.importorskip("npcnn.kernels.run.memory")


def test_what_is_held_is_not_handed_out_again():
    memory.forget()
    shape = (5, 28, 28, 60)
    first = memory.empty(shape, np.dtype("float32"))
    second = memory.empty(shape, np.dtype("float32"))
    assert not np.shares_memory(first, second)
    view = first.transpose(3, 1, 2, 0)[1:]
    del first
    third = memory.empty(shape, np.dtype("float32"))
    assert not np.shares_memory(view, third)
    place = view.ctypes.data
    del view
    fourth = memory.empty(shape, np.dtype("float32"))
    start = fourth.ctypes.data
    assert start % memory.ALIGNMENT == 0
    assert start <= place < start + fourth.nbytes  # what nobody holds is


def test_a_result_outlives_the_next_call():
    from npcnn.kernels import conv

    x = np.random.default_rng(0).normal(size=(9, 28, 28, 1)).astype("float32")
    options = (np.ones((3, 3, 1, 5), "float32"), None, (1, 1), "same", (1, 1), "linear")
    first = conv.conv2d(x, *options)
    kept = first.copy()
    conv.conv2d(2 * x, *options)
    np.testing.assert_array_equal(first, kept)
