import numpy as np
import pytest
from arrays import LAYOUTS, in_layout, unchanged


@pytest.mark.parametrize("shape", [(1,), (3,), (1, 1), (3, 4), (2, 3, 4), (2, 3, 4, 5)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_c_order_of_each_sample(ops, rng, shape, layout):
    x = rng.uniform(-1, 1, shape)
    arranged = in_layout(x, layout)
    with unchanged(arranged):
        y = ops.flatten(arranged)
    assert y.shape == (shape[0], x[0].size)
    for n in range(shape[0]):
        values = [float(x[(n, *place)]) for place in np.ndindex(*shape[1:])]
        np.testing.assert_array_equal(y[n], values)
    back = ops.flatten_backward(in_layout(y, layout), shape)
    np.testing.assert_array_equal(back, x)
    assert back.dtype == x.dtype
