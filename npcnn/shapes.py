"""Shape arithmetic, written once: pure integers, no arrays.

Layers, ops and the summary all ask here, so that they cannot disagree.
"""

from __future__ import annotations


def output_size(size: int, window: int, stride: int, padding: str, dilation: int = 1) -> int:
    """Return how many windows fit along one axis.

    'same': ⌈size / stride⌉. 'valid': ⌊(size − reach) / stride⌋ + 1, reach = (window − 1)·dilation
    + 1; 0 where not even one fits. Source: Keras, ``keras/src/ops/operation_utils.py``.

    >>> output_size(28, 3, 1, "same"), output_size(28, 3, 2, "valid")
    (28, 13)
    """
    if padding == "same":
        return -(-size // stride)
    reach = (window - 1) * dilation + 1
    return max((size - reach) // stride + 1, 0)


def padding_before_after(
    size: int, window: int, stride: int, padding: str, dilation: int = 1
) -> tuple[int, int]:
    """Return the cells to add before and after one axis.

    'same': total = max((out − 1)·stride + (window − 1)·dilation + 1 − size, 0), half of it rounded
    down before, the rest after, as TensorFlow does. 'valid': none.

    >>> padding_before_after(28, 3, 2, "same")
    (0, 1)
    """
    if padding == "valid":
        return 0, 0
    out = output_size(size, window, stride, padding, dilation)
    total = max((out - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def transposed_size(
    size: int, window: int, stride: int, padding: str, more: int | None, dilation: int = 1
) -> tuple[int, int]:
    """Return an axis's length after the transpose of a convolution, and what is cut off before it.

    The windows of all inputs reach over (size − 1)·stride + reach cells, reach = (window − 1)·
    dilation + 1. 'valid': all of them and `more` besides; where that is None, as many as the
    stride is beyond the reach. 'same': size·stride of them, or with `more` (size − 1)·stride +
    reach % 2 + more; half the rest, rounded down, is cut off before. Source: Keras,
    ``keras/src/backend/common/backend_utils.py``.

    >>> transposed_size(14, 3, 2, "same", None), transposed_size(14, 3, 2, "valid", None)
    ((28, 0), (29, 0))
    """
    reach = (window - 1) * dilation + 1
    if padding == "valid":
        return (size - 1) * stride + reach + (max(stride - reach, 0) if more is None else more), 0
    last = stride if more is None else reach % 2 + more
    return (size - 1) * stride + last, max(reach - last, 0) // 2


Pair = tuple[int, int]


def bounded_steps(x_shape: tuple[int, ...], strides: Pair, dilation: Pair) -> tuple[Pair, Pair]:
    """Return strides and dilation cut to what makes a difference on images of that size.

    A stride beyond the image leaves one window, whatever it is; taps that lie more than two images
    apart see nothing but padding on at least one side of each other. So no loop and no padding
    is longer than a few images, and the windows see what they saw.

    >>> bounded_steps((1, 6, 6, 1), (10**18, 2), (1, 1))
    ((6, 2), (1, 1))
    """
    sizes = list(zip(x_shape[1:3], strides, dilation, strict=True))
    cut = tuple(max(1, min(stride, size)) for size, stride, _ in sizes)
    apart = tuple(
        min(step, 2 * (size + s) + 2) for (size, _, step), s in zip(sizes, cut, strict=True)
    )
    return (cut[0], cut[1]), (apart[0], apart[1])


def bounded_pool(x_shape: tuple[int, ...], pool_size: Pair, strides: Pair) -> tuple[Pair, Pair]:
    """Return pool size and strides cut likewise: a window beyond the image sees all of it.

    >>> bounded_pool((1, 6, 6, 1), (10**18, 2), (1, 2))
    ((16, 2), (1, 2))
    """
    strides, most = bounded_steps(x_shape, strides, pool_size)
    return most, strides
