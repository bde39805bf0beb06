"""The transpose of a convolution, with its backward directly under it.

Where a convolution gathers a window of cells into one output, this one hands each input out over a
window: it is the convolution's gradient by its input, and its own gradients are the convolution and
the convolution's gradient by the kernel. Source: Dumoulin, Visin, "A guide to convolution
arithmetic for deep learning", 2016.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.reference.activations import relu
from npcnn.reference.conv import col2im, im2col

Pair = tuple[int, int]
Array = np.ndarray


@op
def conv2d_transpose(
    x: Array, kernel: Array, bias: Array | None, strides: Pair, dilation: Pair, before: Pair,
    size: Pair, activation: str,
) -> Array:  # fmt: skip
    """Return y[n, i·s + u·d − b, j·s + v·d − b, f] = Σ x[n, i, j, c]·kernel[u, v, f, c] + bias[f].

    Args:
        x: images (N, H, W, C), float32 or float64.
        kernel: weights (KH, KW, F, C).
        bias: (F,) or None.
        strides: rows and columns from one window of y to the next.
        dilation: rows and columns from one tap of the kernel to the next.
        before: how many rows and columns of all that is handed out are cut off before y.
        size: y's rows and columns; where nothing is handed out to, it is the bias.
        activation: 'linear', or 'relu' for max(y, 0).

    Returns:
        y (N, *size, F).

    >>> x, kernel = np.array([1.0, 2.0]).reshape(1, 1, 2, 1), np.ones((1, 2, 1, 1))
    >>> conv2d_transpose(x, kernel, None, (1, 2), (1, 1), (0, 0), (1, 4), "linear")[0, 0, :, 0]
    array([1., 1., 2., 2.])
    """
    handed = x @ kernel.reshape(-1, x.shape[3]).T
    full = _full(x, kernel, strides, dilation)
    shape = (len(x), *full, kernel.shape[2])
    canvas = col2im(handed, shape, kernel.shape[:2], strides, "valid", dilation)
    y = np.zeros((len(x), *size, kernel.shape[2]), canvas.dtype)
    here, there = _shared(full, before, size)
    y[:, here[0], here[1]] = canvas[:, there[0], there[1]]
    if bias is not None:
        y = y + bias
    return relu(y, 0.0, None, 0.0) if activation == "relu" else y


@op
def conv2d_transpose_backward(
    grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array, grad_bias: Array | None,
    strides: Pair, dilation: Pair, before: Pair, activation: str, need_grad_x: bool = True,
) -> Array | None:  # fmt: skip
    """Write the gradients by kernel and bias, and return the one by x (or None if not needed).

    With G the gradient by the output before its activation: grad_bias = Σ G, grad_x is the
    convolution of G with the kernel, grad_kernel that convolution's gradient by its kernel.

    >>> x, grad = np.ones((1, 2, 2, 1)), np.empty((1, 1, 1, 1))
    >>> conv2d_transpose_backward(x, x, x, np.full((1, 1, 1, 1), 3.0), grad, None, (1, 1), (1, 1),
    ...                           (0, 0), "linear").ravel(), grad.item()
    (array([3., 3., 3., 3.]), 4.0)
    """
    grad = grad_y * (y > 0) if activation == "relu" else grad_y
    if grad_bias is not None:
        grad_bias[...] = grad.sum(axis=(0, 1, 2))
    full = _full(x, kernel, strides, dilation)
    canvas = np.zeros((len(x), *full, kernel.shape[2]), grad.dtype)
    here, there = _shared(full, before, grad.shape[1:3])
    canvas[:, there[0], there[1]] = grad[:, here[0], here[1]]
    columns = im2col(canvas, kernel.shape[:2], strides, "valid", dilation)
    rows = columns.reshape(-1, columns.shape[-1])
    grad_kernel[...] = (rows.T @ x.reshape(-1, x.shape[3])).reshape(kernel.shape)
    return columns @ kernel.reshape(-1, x.shape[3]) if need_grad_x else None


def _full(x: Array, kernel: Array, strides: Pair, dilation: Pair) -> list[int]:
    """Return over how many rows and columns x is handed out."""
    sizes = zip(x.shape[1:3], kernel.shape[:2], strides, dilation, strict=True)
    return [(n - 1) * stride + (taps - 1) * step + 1 for n, taps, stride, step in sizes]


def _shared(full: list[int], before: Pair, size: tuple[int, ...]) -> tuple[list, list]:
    """Return which rows and columns of y are handed out to, and where those lie in all of them."""
    lengths = [max(min(f - b, s), 0) for f, b, s in zip(full, before, size, strict=True)]
    here = [slice(0, length) for length in lengths]
    return here, [slice(b, b + length) for b, length in zip(before, lengths, strict=True)]
