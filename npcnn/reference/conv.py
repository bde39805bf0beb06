"""2-D convolution: im2col and one matrix product, with its backward directly under it.

im2col writes each window of the image as one row of a matrix. The convolution of all windows with
all filters is then a single product, *columns @ kernel matrix*, and its gradients are the two
products that any matrix product has. Source: Chellapilla, Puri, Simard, "High Performance
Convolutional Neural Networks for Document Processing", 2006.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.reference.activations import relu
from npcnn.shapes import bounded_steps, padding_before_after

Pair = tuple[int, int]
Array = np.ndarray


@op
def conv2d(
    x: Array, kernel: Array, bias: Array | None, strides: Pair, padding: str, dilation: Pair,
    activation: str,
) -> Array:  # fmt: skip
    """Return y[n, i, j, f] = Σ x[n, i·s + u·d, j·s + v·d, c] · kernel[u, v, c, f] + bias[f].

    Args:
        x: images (N, H, W, C), float32 or float64.
        kernel: weights (KH, KW, C, F).
        bias: (F,) or None.
        strides: rows and columns from one window to the next.
        padding: 'same' or 'valid'.
        dilation: rows and columns from one tap of the kernel to the next.
        activation: 'linear', or 'relu' for max(y, 0).

    Returns:
        y (N, OH, OW, F).

    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> conv2d(x, np.ones((2, 2, 1, 1)), None, (1, 1), "valid", (1, 1), "linear")[0, :, :, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    strides, dilation = bounded_steps(x.shape, strides, dilation)
    columns = im2col(x, kernel.shape[:2], strides, padding, dilation)
    y = columns @ kernel.reshape(-1, kernel.shape[3])
    if bias is not None:
        y = y + bias
    return relu(y, 0.0, None, 0.0) if activation == "relu" else y


@op
def conv2d_backward(
    grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array, grad_bias: Array | None,
    strides: Pair, padding: str, dilation: Pair, activation: str, need_grad_x: bool = True,
) -> Array | None:  # fmt: skip
    """Write the gradients by kernel and bias, and return the one by x (or None if not needed).

    With Z the columns of x and G the gradient by the output before its activation, one row a
    window: grad_kernel = Zᵀ G, grad_bias = Σ rows of G, grad_x = col2im(G kernelᵀ).

    >>> x, grad = np.ones((1, 2, 2, 1)), np.empty((1, 1, 1, 1))
    >>> conv2d_backward(x, x, x, np.full((1, 1, 1, 1), 3.0), grad, None, (1, 1), "valid", (1, 1),
    ...                 "linear").ravel(), grad.item()
    (array([3., 3., 3., 3.]), 4.0)
    """
    grad = grad_y * (y > 0) if activation == "relu" else grad_y
    rows = grad.reshape(-1, kernel.shape[3])
    if grad_bias is not None:
        grad_bias[...] = rows.sum(axis=0)
    strides, dilation = bounded_steps(x.shape, strides, dilation)
    columns = im2col(x, kernel.shape[:2], strides, padding, dilation)
    grad_kernel[...] = (columns.reshape(-1, columns.shape[-1]).T @ rows).reshape(kernel.shape)
    if not need_grad_x:
        return None
    grad_columns = grad @ kernel.reshape(-1, kernel.shape[3]).T
    return col2im(grad_columns, x.shape, kernel.shape[:2], strides, padding, dilation)


def im2col(x: Array, kernel_size: Pair, strides: Pair, padding: str, dilation: Pair) -> Array:
    """Lay each window of x out as a row: (N, OH, OW, KH·KW·C), taps in the kernel's own order.

    >>> im2col(np.arange(4.0).reshape(1, 2, 2, 1), (2, 1), (1, 1), "valid", (1, 1))[0, 0]
    array([[0., 2.],
           [1., 3.]])
    """
    (above, below), (left, right) = _edges(x.shape, kernel_size, strides, padding, dilation)
    padded = np.pad(x, ((0, 0), (above, below), (left, right), (0, 0)))
    reach = [(size - 1) * step + 1 for size, step in zip(kernel_size, dilation, strict=True)]
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(1, 2))
    windows = windows[:, :: strides[0], :: strides[1], :, :: dilation[0], :: dilation[1]]
    n, rows, columns, channels = windows.shape[:4]
    taps = kernel_size[0] * kernel_size[1] * channels
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(n, rows, columns, taps)


def col2im(
    columns: Array, x_shape: tuple[int, ...], kernel_size: Pair, strides: Pair, padding: str,
    dilation: Pair,
) -> Array:  # fmt: skip
    """Add each row of columns back onto the window it was taken from: the transpose of im2col."""
    n, height, width, channels = x_shape
    rows, cols = columns.shape[1:3]
    (above, below), (left, right) = _edges(x_shape, kernel_size, strides, padding, dilation)
    padded = np.zeros((n, height + above + below, width + left + right, channels), columns.dtype)
    taps = columns.reshape(n, rows, cols, *kernel_size, channels)
    for u in range(kernel_size[0]):
        for v in range(kernel_size[1]):
            top, start = u * dilation[0], v * dilation[1]
            bottom, end = top + (rows - 1) * strides[0] + 1, start + (cols - 1) * strides[1] + 1
            padded[:, top : bottom : strides[0], start : end : strides[1]] += taps[:, :, :, u, v]
    return padded[:, above : above + height, left : left + width]


def _edges(
    x_shape: tuple[int, ...], kernel_size: Pair, strides: Pair, padding: str, dilation: Pair
) -> list[Pair]:
    """Return the zeros around the images: (above, below), (left, right)."""
    return [
        padding_before_after(x_shape[1 + axis], kernel_size[axis], strides[axis], padding, step)
        for axis, step in enumerate(dilation)
    ]
