"""Pictures of another contrast and brightness, a sample at a time."""

from __future__ import annotations

import numpy as np

from npcnn.contracts import op
from npcnn.reference.dropout import begun, uniform

Array = np.ndarray
Ranges = tuple[float, float, float, float, float, float]


@op
def random_color(x: Array, key: int, ranges: Ranges, step: Array | None = None) -> Array:
    """Return clip((x − m)·contrast + m + brightness, least, most).

    m is the mean of a channel of a sample; contrast and brightness are drawn for each sample by
    (key, step, sample).

    Args:
        x: (N, H, W, C), float32 or float64.
        key: 64 bits.
        ranges: contrast from and to, brightness from and to, least and most of what comes out.
        step: None, or a `random.clock`, which goes into the key.

    >>> x = np.array([0.0, 4.0]).reshape(1, 1, 2, 1)
    >>> random_color(x, 0, (0.5, 0.5, 1.0, 1.0, 0.0, 3.0)).ravel()
    array([2., 3.])
    """
    return np.clip(_unclipped(x, key, ranges, step)[0], ranges[4], ranges[5])


@op
def random_color_backward(
    grad_y: Array, x: Array, key: int, ranges: Ranges, step: Array | None = None
) -> Array:
    """Return grad_x: nothing where the result was clipped, the rest as contrast and mean say."""
    y, contrast = _unclipped(x, key, ranges, step)
    seen = np.where((y >= ranges[4]) & (y <= ranges[5]), grad_y, np.array(0, grad_y.dtype))
    return seen * contrast + (1 - contrast) * seen.mean(axis=(1, 2), keepdims=True)


def _unclipped(x, key, ranges, step):  # type: ignore[no-untyped-def]
    """Return the result before it is clipped, and each sample's contrast."""
    key, first = begun(key, step)
    u = uniform(key, (len(x), 2), first)[:, :, None, None, None]
    contrast = (ranges[0] + u[:, 0] * (ranges[1] - ranges[0])).astype(x.dtype)
    brightness = (ranges[2] + u[:, 1] * (ranges[3] - ranges[2])).astype(x.dtype)
    mean = x.mean(axis=(1, 2), keepdims=True)
    return (x - mean) * contrast + (mean + brightness), contrast
