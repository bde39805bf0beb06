"""Kernels divided by the largest factor by which they can stretch what they are given."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op

Array = np.ndarray
SMALL = 1e-12


@op
def spectral_normalize(kernel: Array, u: Array, iterations: int) -> None:
    """Divide a kernel by its largest singular value, as the power method knows it.

    With W the kernel as a matrix of a column a filter: v ← W u / |W u|, u ← Wᵀ v / |Wᵀ v|, so many
    times; then W ← W / (vᵀ W u). A kernel of zeros is left as it is. Source: Miyato et al.,
    "Spectral Normalization for Generative Adversarial Networks", ICLR 2018.

    Args:
        kernel: (…, F), overwritten.
        u: (1, F), overwritten.
        iterations: how many times.

    >>> kernel, u = np.array([[3.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 1.0]])
    >>> spectral_normalize(kernel, u, 9)
    >>> kernel.round(4)
    array([[1.    , 0.    ],
           [0.    , 0.3333]])
    """
    # The gradient is by the kernel that comes out, so that a complex step's part passes unchanged.
    kernel = kernel.real
    if not kernel.any():
        return
    matrix = kernel.reshape(-1, kernel.shape[-1])
    right = u[0].real
    for _ in range(iterations):
        left = _of_length_one(matrix @ right)
        right = _of_length_one(left @ matrix)
    u[0] = right
    kernel /= left @ matrix @ right


def _of_length_one(x: Array) -> Array:
    return x / max(float(np.linalg.norm(x)), SMALL)
