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
