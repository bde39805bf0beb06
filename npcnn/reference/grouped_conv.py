"""Convolution group by group, with its backward directly under it.

Channels and filters are cut into as many groups; each group of filters sees its own channels alone.
With as many groups as channels it is the depthwise convolution: a kernel (KH, KW, C, M) there is
(KH, KW, 1, C·M) here, in the same order in memory. Source: Krizhevsky, Sutskever, Hinton, "ImageNet
Classification with Deep Convolutional Neural Networks", 2012; Chollet, "Xception", 2017.
"""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.reference.conv import conv2d, conv2d_backward

Pair = tuple[int, int]
Array = np.ndarray


@op
def grouped_conv2d(
    x: Array, kernel: Array, bias: Array | None, strides: Pair, padding: str, dilation: Pair,
    activation: str, groups: int,
) -> Array:  # fmt: skip
    """Return the convolutions of each group of channels with its filters, side by side.

    Args:
        x: images (N, H, W, C), float32 or float64.
        kernel: weights (KH, KW, C / groups, F).
        bias: (F,) or None.
        strides: rows and columns from one window to the next.
        padding: 'same' or 'valid'.
        dilation: rows and columns from one tap of the kernel to the next.
        activation: 'linear', or 'relu' for max(y, 0).
        groups: how many; it divides C and F.

    Returns:
        y (N, OH, OW, F), the first F / groups of them from the first C / groups channels.

    >>> x, kernel = np.array([[[[2.0, 3.0]]]]), np.array([[[[10.0, 100.0]]]])
    >>> grouped_conv2d(x, kernel, None, (1, 1), "valid", (1, 1), "linear", 2)
    array([[[[ 20., 300.]]]])
    """
    bias = np.zeros(kernel.shape[3], kernel.dtype) if bias is None else bias
    y = [
        conv2d(x[..., c], kernel[..., f], bias[f], strides, padding, dilation, activation)
        for c, f in _groups(x, kernel, groups)
    ]
    return np.concatenate(y, axis=-1)


@op
def grouped_conv2d_backward(
    grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array, grad_bias: Array | None,
    strides: Pair, padding: str, dilation: Pair, activation: str, groups: int,
    need_grad_x: bool = True,
) -> Array | None:  # fmt: skip
    """Write the gradients by kernel and bias, and return the one by x, each group's on its own.

    >>> x, grad = np.ones((1, 1, 1, 2)), np.empty((1, 1, 1, 2))
    >>> grouped_conv2d_backward(x, x, x, np.full((1, 1, 1, 2), 3.0), grad, None, (1, 1), "valid",
    ...                         (1, 1), "linear", 2).ravel(), grad.ravel()
    (array([3., 3.]), array([1., 1.]))
    """
    parts: list[Array] = []
    for c, f in _groups(x, kernel, groups):
        of_kernel = np.zeros(kernel[..., f].shape, x.dtype)
        of_bias = np.zeros(of_kernel.shape[3], x.dtype)
        grad_x = conv2d_backward(
            grad_y[..., f], x[..., c], y[..., f], kernel[..., f], of_kernel, of_bias, strides,
            padding, dilation, activation, need_grad_x,
        )  # fmt: skip
        grad_kernel[..., f] = of_kernel
        if grad_bias is not None:
            grad_bias[f] = of_bias
        if grad_x is not None:
            parts.append(grad_x)
    return np.concatenate(parts, axis=-1) if need_grad_x else None


def _groups(x: Array, kernel: Array, groups: int) -> list[tuple[slice, slice]]:
    """Return each group's channels, and its filters."""
    channels, filters = x.shape[3] // groups, kernel.shape[3] // groups
    return [
        (slice(g * channels, (g + 1) * channels), slice(g * filters, (g + 1) * filters))
        for g in range(groups)
    ]
