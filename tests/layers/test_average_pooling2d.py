"""Average pooling: op and layer, beside an oracle in loops."""

import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout
from layer_checks import check_everything

from npcnn import layers
from npcnn.backend import ops
from npcnn.gradient_check import check_layer

CASES = [
    ((2, 2), (2, 2), "valid"), ((2, 2), (2, 2), "same"), ((3, 2), (1, 2), "same"),
    ((3, 3), (2, 1), "valid"), ((1, 4), (5, 1), "same"), ((9, 9), (1, 1), "same"),
]  # fmt: skip


def oracle(x, pool, strides, padding):
    n, height, width, channels = x.shape
    rows, columns = (
        -(-size // stride) if padding == "same" else (size - window) // stride + 1
        for size, window, stride in zip((height, width), pool, strides, strict=True)
    )
    above, left = (
        max((count - 1) * stride + window - size, 0) // 2 if padding == "same" else 0
        for size, window, stride, count in zip(
            (height, width), pool, strides, (rows, columns), strict=True
        )
    )
    y = np.empty((n, rows, columns, channels))
    for s in range(n):
        for i in range(rows):
            for j in range(columns):
                for c in range(channels):
                    cells = [
                        float(x[s, a, b, c])
                        for a in range(i * strides[0] - above, i * strides[0] - above + pool[0])
                        for b in range(j * strides[1] - left, j * strides[1] - left + pool[1])
                        if 0 <= a < height and 0 <= b < width
                    ]
                    y[s, i, j, c] = sum(cells) / len(cells)
    return y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 6, 7, 3), (20, 5, 4, 2), (1, 4, 4, 1)])
@pytest.mark.parametrize("case", CASES)
def test_forward(rng, backend, case, shape, dtype):
    x = rng.normal(size=shape).astype(dtype)
    if case[2] == "valid" and (shape[1] < case[0][0] or shape[2] < case[0][1]):
        pytest.skip("no window fits")
    for layout in [None, *LAYOUTS]:
        given = x if layout is None else in_layout(x, layout)
        assert_close(ops.average_pooling2d(given, *case), oracle(x, *case), dtype)


@pytest.mark.parametrize("case", CASES)
def test_backward_is_the_transpose(rng, backend, case):
    """⟨pool(x), g⟩ = ⟨x, back(g)⟩, for pooling is linear."""
    x = rng.normal(size=(17, 9, 8, 3))
    y = ops.average_pooling2d(x, *case)
    grad = rng.normal(size=y.shape)
    grad_x = ops.average_pooling2d_backward(grad, x, *case)
    assert (y * grad).sum() == pytest.approx((x * grad_x).sum(), rel=1e-12)


def test_gradients(backend):
    for case in CASES[:4]:
        layer = layers.AveragePooling2D(*case)
        assert check_layer(layer, (3, 6, 7, 2)).passed


def test_the_layer(backend):
    make = layers.AveragePooling2D
    check_everything(make, (2, 6, 6, 3), (2, 3, 3, 3), (), "average_pooling2d")


def test_window_like_that_of_max_pooling():
    layer = layers.AveragePooling2D((2, 3), 2, "same")
    assert layer.window == layers.MaxPooling2D((2, 3), 2, "same").window
