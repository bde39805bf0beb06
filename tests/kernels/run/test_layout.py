import math

import numpy as np
import pytest

layout = pytest.importorskip("npcnn.kernels.run.layout")


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (2, 3, 4, 5)])
def test_in_order_is_the_same_array_with_the_batch_innermost(shape):
    x = np.arange(math.prod(shape), dtype="float32").reshape(shape)
    found = layout.in_order(x)
    np.testing.assert_array_equal(found, x)
    assert found.transpose(layout.swapped(found.ndim)).flags.c_contiguous
    assert layout.in_order(found) is found
    copy = layout.own_copy(x)
    np.testing.assert_array_equal(copy, x)
    assert not np.shares_memory(copy, x)
    assert copy.strides == found.strides
