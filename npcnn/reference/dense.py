"""The fully connected layer: a matrix product, with its backward directly under it."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.reference.activations import relu

Array = np.ndarray


@op
def dense(x: Array, kernel: Array, bias: Array | None, activation: str) -> Array:
    """Return y = x @ kernel + bias, and max(y, 0) of it where activation is 'relu'.

    Args:
        x: (N, …, in), float32 or float64.
        kernel: weights (in, units).
        bias: (units,) or None.
        activation: 'linear' or 'relu'.

    Returns:
        y (N, …, units).

    >>> dense(np.array([[1.0, 2.0]]), np.array([[1.0, -1.0], [1.0, -1.0]]), None, "relu")
    array([[3., 0.]])
    """
    y = x @ kernel
    if bias is not None:
        y = y + bias
    return relu(y, 0.0, None, 0.0) if activation == "relu" else y


@op
def dense_backward(
    grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array, grad_bias: Array | None,
    activation: str, need_grad_x: bool = True,
) -> Array | None:  # fmt: skip
    """Write the gradients by kernel and bias, and return the one by x (or None if not needed).

    grad_kernel = xᵀ G, grad_bias = Σ rows of G, grad_x = G kernelᵀ, with G the gradient by the
    output before its activation.

    >>> x, kernel, grad = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.empty((2, 1))
    >>> one = np.ones((1, 1))
    >>> dense_backward(one, x, one, kernel, grad, None, "linear"), grad.ravel()
    (array([[3., 4.]]), array([1., 2.]))
    """
    grad = grad_y * (y > 0) if activation == "relu" else grad_y
    if grad_bias is not None:
        grad_bias[...] = grad.sum(axis=tuple(range(grad.ndim - 1)))
    grad_kernel[...] = x.reshape(-1, x.shape[-1]).T @ grad.reshape(-1, grad.shape[-1])
    return grad @ kernel.T if need_grad_x else None
