"""Pictures turned, shifted, zoomed, sheared and flipped; see npcnn/affine.py.

The batch is innermost, and each sample has a transformation of its own: a place of the result is
worked out once for each sample and read in all channels. Places are float64. No index leaves the
picture, whatever a matrix holds: what is no number, or too large for one, counts as beyond.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from npcnn.affine import FILL_MODES, INTERPOLATIONS, SLOTS, Ranges
from npcnn.contracts import op
from npcnn.kernels import layout, memory
from npcnn.kernels.compile import helper
from npcnn.kernels.dropout import BY_40, GOLDEN, scattered
from npcnn.kernels.elementwise import SMALL
from npcnn.kernels.tasks import Body

Array = np.ndarray

CONSTANT, NEAREST, REFLECT, WRAP, MIRROR, SCIPY_CONSTANT, SCIPY_WRAP = range(7)
NEAR, BILINEAR, NEAR_UP = range(3)
BEYOND = -1
FAR = 1e9  # places from here on are beyond, and NaN

# A call's integers.
CHANNELS, HEIGHT, WIDTH, BATCH, ROWS, COLUMNS, HOW, FILL, TASKS = range(9)
# Those of `random_affine`.
KEY, BY_STEP, SAMPLES, X_ROWS, X_COLUMNS, Y_ROWS, Y_COLUMNS = range(7)


@helper
def _drawn(key, sample, slot):
    """Return a number in [0, 1), one of a sample's SLOTS."""
    counter = np.uint64(sample * SLOTS + slot + 1) * GOLDEN
    return float(scattered(key + counter) >> BY_40) / 16777216.0


@helper
def _between(key, sample, slot, low, high):
    return low + _drawn(key, sample, slot) * (high - low)


def _draw(task, out, options, step_of, a3, a4, a5, a6, scratch, ints):
    """Write six numbers a sample; options are `Ranges.flat()`."""
    o, key = options, np.uint64(ints[KEY])
    if ints[BY_STEP]:
        key = scattered(key + np.uint64(step_of[0]) + GOLDEN)
    rows, columns = math.floor(_drawn(key, 0, 4) * o[16]), math.floor(_drawn(key, 0, 5) * o[17])
    for n in range(ints[SAMPLES]):
        angle, shear = _between(key, n, 0, o[0], o[1]), _between(key, n, 1, o[2], o[3])
        zoom_y, zoom_x = _between(key, n, 2, o[4], o[5]), _between(key, n, 3, o[6], o[7])
        if o[8] != 0:
            zoom_x = zoom_y
        shift_y = _between(key, n, 4, o[9], o[10]) + rows
        shift_x = _between(key, n, 5, o[11], o[12]) + columns
        if _drawn(key, n, 6) < o[13]:
            zoom_y = -zoom_y
        if _drawn(key, n, 7 - int(o[15])) < o[14]:
            zoom_x = -zoom_x
        cos, sin, tan = math.cos(angle), math.sin(angle), math.tan(shear)
        a, b = cos * zoom_x, (cos * tan - sin) * zoom_y
        d, e = sin * zoom_x, (sin * tan + cos) * zoom_y
        x_out, y_out = (ints[Y_COLUMNS] - 1) / 2, (ints[Y_ROWS] - 1) / 2
        out[6 * n], out[6 * n + 1] = a, b
        out[6 * n + 2] = (ints[X_COLUMNS] - 1) / 2 + shift_x - (a * x_out + b * y_out)
        out[6 * n + 3], out[6 * n + 4] = d, e
        out[6 * n + 5] = (ints[X_ROWS] - 1) / 2 + shift_y - (d * x_out + e * y_out)


_random_affine = Body(_draw, mixed=True)


@op
def random_affine(
    x: Array, key: int, ranges: Ranges, size: tuple[int, int], step: Array | None = None
) -> Array:
    """Return a transformation for each sample, drawn by (key, step, sample).

    Args:
        x: (N, H, W, C), of which only the shape is read.
        key: 64 bits.
        ranges: what is drawn from.
        size: rows and columns of the result.
        step: None, or an array of one int64 that goes into the key.

    Returns:
        float64 (N, 6): a pixel (column, row) = (x, y) of the result is read at
        (a·x + b·y + c, d·x + e·y + f).

    >>> x = np.zeros((1, 4, 5, 1), "float32")
    >>> random_affine(x, 0, Ranges(flip=(0.0, 1.0)), (4, 5)) + 0.0
    array([[-1.,  0.,  4.,  0.,  1.,  0.]])
    """
    n, height, width, _ = x.shape
    out = memory.empty((n, 6), np.float64)
    if n:
        ints = np.array([0, step is not None, n, height, width, *size], np.int64)
        ints[KEY] = np.uint64(key).view(np.int64)
        options = memory.constant(ranges.flat(), np.dtype("float64"))
        now = memory.known(memory.NO_INTS) if step is None else step
        with np.errstate(over="ignore"):  # hashes wrap, also where nothing is compiled
            _random_affine(1, False, [out, options, now], ints)
    return out


@helper
def _fixed(index, size, fill):
    """Return the pixel that stands for an index along one axis, or BEYOND."""
    if 0 <= index < size:
        return index
    if fill in (CONSTANT, SCIPY_CONSTANT):
        return BEYOND
    if fill == REFLECT:
        index = (abs((2 * index + 1 + 2 * size) % (4 * size) - 2 * size) - 1) // 2
    elif fill == WRAP:
        index = index % size
    elif fill == MIRROR and size > 1:
        index = abs((index + size - 1) % (2 * size - 2) - (size - 1))
    return min(max(index, 0), size - 1)


@helper
def _seen(place, size, fill):
    """Return a place along one axis as it is read, or FAR for what is beyond."""
    if not abs(place) < FAR:
        return FAR
    if fill == SCIPY_CONSTANT and not 0 <= place <= size - 1:
        return FAR
    if fill == SCIPY_WRAP and size > 1:
        end = size - 1
        if place < 0:
            return place + end * (math.floor(-place / end) + 1)
        if place > end:
            return place - end * math.floor(place / end)
    return place


@helper
def _near(place, how):
    return int(np.rint(place)) if how == NEAR else math.floor(place + 0.5)


def _read(task, y, x, matrices, fills, a4, a5, a6, scratch, ints):
    """Fill a share of the rows of y (channels, rows, columns, batch)."""
    height, width, batch = ints[HEIGHT], ints[WIDTH], ints[BATCH]
    rows, columns, how, fill = ints[ROWS], ints[COLUMNS], ints[HOW], ints[FILL]
    beyond, pixels = fills[0], height * width * batch
    for i in range(rows * task // ints[TASKS], rows * (task + 1) // ints[TASKS]):
        for j in range(columns):
            for n in range(batch):
                at = 6 * n
                u = _seen(matrices[at] * j + matrices[at + 1] * i + matrices[at + 2], width, fill)
                v = _seen(
                    matrices[at + 3] * j + matrices[at + 4] * i + matrices[at + 5], height, fill
                )
                to = (i * columns + j) * batch + n
                if u == FAR or v == FAR:
                    for c in range(ints[CHANNELS]):
                        y[c * rows * columns * batch + to] = beyond
                elif how != BILINEAR:
                    k = _fixed(_near(u, how), width, fill)
                    h = _fixed(_near(v, how), height, fill)
                    for c in range(ints[CHANNELS]):
                        place = c * pixels + (h * width + k) * batch + n
                        inside = h != BEYOND and k != BEYOND
                        y[c * rows * columns * batch + to] = x[place] if inside else beyond
                else:
                    left, above = math.floor(u), math.floor(v)
                    k0, h0 = _fixed(int(left), width, fill), _fixed(int(above), height, fill)
                    k1 = _fixed(int(left) + 1, width, fill)
                    h1 = _fixed(int(above) + 1, height, fill)
                    right, below = u - left, v - above
                    w00, w01 = (1 - below) * (1 - right), (1 - below) * right
                    w10, w11 = below * (1 - right), below * right
                    for c in range(ints[CHANNELS]):
                        top, foot = c * pixels + n, c * pixels + n
                        top, foot = top + h0 * width * batch, foot + h1 * width * batch
                        p00 = x[top + k0 * batch] if h0 >= 0 and k0 >= 0 else beyond
                        p01 = x[top + k1 * batch] if h0 >= 0 and k1 >= 0 else beyond
                        p10 = x[foot + k0 * batch] if h1 >= 0 and k0 >= 0 else beyond
                        p11 = x[foot + k1 * batch] if h1 >= 0 and k1 >= 0 else beyond
                        y[c * rows * columns * batch + to] = (
                            w00 * p00 + w01 * p01 + w10 * p10 + w11 * p11
                        )


_warp = Body(_read, mixed=True)


@op
def warp(
    x: Array, matrices: Array, size: tuple[int, int], interpolation: str, fill_mode: str,
    fill_value: float,
) -> Array:  # fmt: skip
    """Return pictures read at transformed places; between pixels bilinearly, or at the nearest.

    Args:
        x: (N, H, W, C), float32 or float64.
        matrices: float64 (N, 6), as `random_affine` returns them.
        size: rows and columns of the result.
        interpolation: one of npcnn.affine.INTERPOLATIONS.
        fill_mode: one of npcnn.affine.FILL_MODES.
        fill_value: what 'constant' fills with.

    Returns:
        (N, *size, C), the batch innermost in memory.

    >>> x = np.arange(3.0).reshape(1, 1, 3, 1)
    >>> shift = np.array([[1, 0, 0.5, 0, 1, 0]])
    >>> warp(x, shift, (1, 3), "bilinear", "nearest", 0.0).ravel()
    array([0.5, 1.5, 2. ])
    """
    batch, height, width, channels = x.shape
    y = memory.empty((channels, *size, batch), x.dtype)
    if y.size:
        tasks = layout.shares(size[0], 1, 16) if y.size >= SMALL else 1
        how, fill = INTERPOLATIONS[interpolation], FILL_MODES[fill_mode]
        ints = np.array([channels, height, width, batch, *size, how, fill, tasks], np.int64)
        fills = memory.constant([fill_value], x.dtype)
        arrays = [y, layout.batch_innermost(x), layout.contiguous(matrices), fills]
        _warp(tasks, tasks > 1, arrays, ints)
    return layout.batch_outermost(y)


def _spread(task, grad_x, grad_y, matrices, a3, a4, a5, a6, scratch, ints):
    """Fill the gradients of a share of the samples; ints as those of `_read`."""
    height, width, batch = ints[HEIGHT], ints[WIDTH], ints[BATCH]
    rows, columns, how, fill = ints[ROWS], ints[COLUMNS], ints[HOW], ints[FILL]
    for n in range(batch * task // ints[TASKS], batch * (task + 1) // ints[TASKS]):
        for k in range(ints[CHANNELS] * height * width):
            grad_x[k * batch + n] = 0
        at = 6 * n
        for i in range(rows):
            for j in range(columns):
                u = _seen(matrices[at] * j + matrices[at + 1] * i + matrices[at + 2], width, fill)
                v = _seen(
                    matrices[at + 3] * j + matrices[at + 4] * i + matrices[at + 5], height, fill
                )
                if u == FAR or v == FAR:
                    continue
                left, above = math.floor(u), math.floor(v)
                if how != BILINEAR:
                    left, above = _near(u, how), _near(v, how)
                for corner in range(4 if how == BILINEAR else 1):
                    k = _fixed(int(left) + corner % 2, width, fill)
                    h = _fixed(int(above) + corner // 2, height, fill)
                    if k == BEYOND or h == BEYOND:
                        continue
                    share = 1.0
                    if how == BILINEAR:
                        share = (u - left) if corner % 2 else 1 - (u - left)
                        share *= (v - above) if corner // 2 else 1 - (v - above)
                    for c in range(ints[CHANNELS]):
                        place = ((c * height + h) * width + k) * batch + n
                        grad = grad_y[((c * rows + i) * columns + j) * batch + n]
                        grad_x[place] += share * grad


_warp_backward = Body(_spread, mixed=True)


@op
def warp_backward(
    grad_y: Array, matrices: Array, size: tuple[int, int], interpolation: str, fill_mode: str
) -> Array:
    """Return grad_x: each gradient goes to the pixels its place was read from; `size` is x's."""
    batch, rows, columns, channels = grad_y.shape
    grad_x = memory.empty((channels, *size, batch), grad_y.dtype)
    if grad_x.size:
        tasks = layout.shares(batch, 1, 16) if grad_y.size >= SMALL else 1
        how, fill = INTERPOLATIONS[interpolation], FILL_MODES[fill_mode]
        ints = np.array([channels, *size, batch, rows, columns, how, fill, tasks], np.int64)
        arrays = [grad_x, layout.batch_innermost(grad_y), layout.contiguous(matrices)]
        _warp_backward(tasks, tasks > 1, arrays, ints)
    return layout.batch_outermost(grad_x)
