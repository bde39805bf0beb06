"""Pictures turned, shifted, zoomed, sheared, flipped and bent; see npcnn/affine.py.

The batch is innermost, and each sample has a transformation of its own: a place of the result is
worked out once for each sample and read in all channels. Which pixel stands for a place along one
axis is looked up in a table (`_edges`); no index leaves it, whatever a matrix holds: what is no
number, or too large for one, counts as beyond. Small pictures are first copied together, so that
the pixels of one lie side by side; where that makes them little larger, they are laid out as the
tables say, edges and all, and nothing is looked up any more. Places are float64.

Arguments and examples are those of `npcnn.reference.warp`.
"""

from __future__ import annotations

import functools

import numpy as np

from npcnn.affine import FILL_MODES, INTERPOLATIONS
from npcnn.contracts import op
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import ZERO, helper
from npcnn.kernels.run.elementwise import SMALL

Array = np.ndarray

CONSTANT, NEAREST, REFLECT, WRAP, MIRROR, SCIPY_CONSTANT, SCIPY_WRAP = range(7)
NEAR, BILINEAR, NEAR_UP = range(3)
BEYOND = -(1 << 40)  # what a table has instead of a pixel: no sum of it with another is 0 or more
FAR = 1e9  # places from here on are beyond, and NaN
NOWHERE = 2  # entries of a table that no place has: what is beyond has the first
MANY = 8  # samples that are copied together
STAGED = 1 << 14  # numbers of a sample and its result up to which that is done
LAID = 2  # times a sample's pixels up to which it is laid out along the tables

# A call's integers.
(
    CHANNELS, HEIGHT, WIDTH, BATCH, ROWS, COLUMNS, HOW, FILL, BENT, PARTS, STRIPS, TOGETHER, TABLE,
    BLOCK, ALONG,
) = range(15)  # fmt: skip
# Where those of columns begin among the limits of `_edges`, and where the fill value stands.
OF_COLUMNS, FILLING = np.int64(4), 8
LEFTS = np.int64(1)  # where in scratch that begins which is left of places
AT_ONCE = 1 << 7  # places that are worked out at once, in whole rows: enough for vectors


def _index(place: int, size: int, fill: int) -> int:
    """Return the pixel that stands at a whole place along one axis, or BEYOND."""
    if 0 <= place < size:
        return place
    if fill == CONSTANT:
        return BEYOND
    if fill == REFLECT:
        place = (abs((2 * place + 1 + 2 * size) % (4 * size) - 2 * size) - 1) // 2
    elif fill == WRAP:
        place = place % size
    elif fill == MIRROR and size > 1:
        place = abs((place + size - 1) % (2 * size - 2) - (size - 1))
    return min(max(place, 0), size - 1)


@functools.lru_cache(maxsize=256)
def _edges(height: int, width: int, fill: int) -> tuple[tuple[float, ...], Array, int]:
    """Return how places are brought in, the pixels that then stand for them, and how many of rows.

    For rows and for columns four numbers: the least and the largest place that is told apart, and
    the period and its inverse; then, behind those of NOWHERE, pixels for whole places from the one
    before the least on, rows as where they begin in a picture.
    """
    limits: list[float] = []
    tables = []
    for size, apart in ((height, width), (width, 1)):
        periods = {REFLECT: 2 * size, WRAP: size, MIRROR: 2 * size - 2}
        period = periods.get(fill, 0)
        least, most = (-1, size) if fill == CONSTANT else (0, period or size - 1)
        limits += [least, most, period, 1 / period if period else 0.0]
        found = [BEYOND] * NOWHERE
        found += [_index(place, size, fill) for place in range(least - 1, most + 2)]
        tables.append([index if index == BEYOND else index * apart for index in found])
    return tuple(limits), np.array(tables[0] + tables[1], np.int64), len(tables[0])


@helper
def _seen(place, size, fill):
    """Return a place along one axis as SciPy's modes read it; FAR for what is beyond."""
    end = size - 1
    if fill == SCIPY_CONSTANT:
        return place if 0 <= place <= end else FAR
    if end > 0 and abs(place) < FAR:
        if place < 0:
            return place + end * (np.floor(-place / end) + 1)
        if place > end:
            return place - end * np.floor(place / end)
    return place


@helper
def _settle_axis(places, at, count, lefts, left_at, limits, axis, ints):
    """Do the same for one axis, whose limits begin at `axis`.

    Each loop does one thing, so that compilers make vectors of it.
    """
    how, fill = ints[HOW], ints[FILL]
    size = ints[WIDTH] if axis == OF_COLUMNS else ints[HEIGHT]
    least, most, period, inverse = (
        limits[axis],
        limits[axis + 1],
        limits[axis + 2],
        limits[axis + 3],
    )
    if fill >= SCIPY_CONSTANT:  # and SCIPY_WRAP
        for j in range(at, at + count):
            places[j] = _seen(places[j], size, fill)
    if how == NEAR:
        for j in range(at, at + count):
            places[j] = np.rint(places[j])
    elif how == NEAR_UP:
        for j in range(at, at + count):
            places[j] = np.floor(places[j] + 0.5)
    if period:
        for j in range(at, at + count):
            turns = np.floor(places[j] * inverse)
            places[j] -= period * turns if abs(places[j]) < FAR else 0.0
    for j in range(count):
        known = abs(places[at + j]) < FAR
        place = places[at + j] if known else least
        place = place if place > least else least
        place = place if place < most else most
        whole = np.floor(place)
        lefts[left_at + j] = place - whole
        places[at + j] = whole + (NOWHERE + 1 - least) if known else 0.0


@helper
def _find(places, at, line, count, matrices, field, ints):
    """Find where some rows of a sample are read: places among columns, then as many among rows."""
    columns, cells = ints[COLUMNS], ints[ROWS] * ints[COLUMNS]
    n, first = line // ints[ROWS], line % ints[ROWS]
    m, rows_at = 6 * n, at + count
    for row in range(count // columns):
        i, to, rows_to = first + row, at + row * columns, rows_at + row * columns
        a, b, c = matrices[m], matrices[m + 1] * i, matrices[m + 2]
        d, e, f = matrices[m + 3], matrices[m + 4] * i, matrices[m + 5]
        for j in range(columns):
            places[to + j] = a * j + b + c
            places[rows_to + j] = d * j + e + f
    if ints[BENT]:
        by_row = 2 * n * cells + first * columns
        by_column = by_row + cells
        for j in range(count):
            places[at + j] += field[by_column + j]
            places[rows_at + j] += field[by_row + j]


@helper
def _settle(places, at, count, lefts, limits, ints):
    """Put entries of the tables in place of what `_find` found; what is left goes into `lefts`."""
    _settle_axis(places, at, count, lefts, LEFTS, limits, OF_COLUMNS, ints)
    _settle_axis(places, at + count, count, lefts, LEFTS + count, limits, ZERO, ints)


@helper
def _pixel(source, place, base, apart, beyond):
    """Return a pixel; `place` is its number in the picture, below 0 if there is none."""
    value = source[base + max(place, ZERO) * apart]  # no branch: compilers like that
    return value if place >= 0 else beyond


@helper
def _copy_in(scratch, at, x, first, lines, count, batch):
    """Write some samples of x (lines, batch) into scratch, one after the other."""
    if count == MANY:
        for line in range(lines):
            for s in range(MANY):
                scratch[at + s * lines + line] = x[line * batch + first + s]
    else:
        for line in range(lines):
            for s in range(count):
                scratch[at + s * lines + line] = x[line * batch + first + s]


@helper
def _lay_out(scratch, at, x, first, count, table, ints):
    """Write some samples of x into scratch, laid out along the tables.

    For each entry of rows and each of columns there is a number: what stands there. Where nothing
    does, the fill value is there already.
    """
    batch, pixels, high, wide = ints[BATCH], ints[HEIGHT] * ints[WIDTH], ints[TABLE], ints[ALONG]
    size = ints[CHANNELS] * high * wide
    for channel in range(ints[CHANNELS]):
        for row in range(high):
            above, to = channel * pixels + table[row], at + (channel * high + row) * wide
            for column in range(wide):
                if table[row] + table[high + column] < 0:
                    continue
                place = (above + table[high + column]) * batch + first
                if count == MANY:
                    for s in range(MANY):
                        scratch[to + s * size + column] = x[place + s]
                else:
                    for s in range(count):
                        scratch[to + s * size + column] = x[place + s]


@helper
def _copy_out(y, first, scratch, at, count, line, stop, ints):
    """Write the same samples' results, some lines of them, from scratch into y (lines, batch)."""
    batch, lines = ints[BATCH], ints[CHANNELS] * ints[ROWS] * ints[COLUMNS]
    if count == MANY:
        for k in range(line, stop):
            for s in range(MANY):
                y[k * batch + first + s] = scratch[at + s * lines + k]
    else:
        for k in range(line, stop):
            for s in range(count):
                y[k * batch + first + s] = scratch[at + s * lines + k]


@helper
def _between(source, place, below, fractions, at, apart):
    """Return what stands between four pixels of a laid out picture."""
    right, down = fractions[at], fractions[at + apart]
    over, under = source[place], source[place + below]
    over += right * (source[place + 1] - over)
    under += right * (source[place + below + 1] - under)
    return over + down * (under - over)


def _read(task, ints, scratch, y, x, matrices, limits, table, field, places):
    """Fill a strip of rows of a share of the samples of y (channels, rows, columns, batch)."""
    batch, channels, columns = ints[BATCH], ints[CHANNELS], ints[COLUMNS]
    pixels, cells, along = ints[HEIGHT] * ints[WIDTH], ints[ROWS] * columns, ints[ALONG]
    part, strip, strips = task // ints[STRIPS], task % ints[STRIPS], ints[STRIPS]
    begin, end = ints[ROWS] * strip // strips, ints[ROWS] * (strip + 1) // strips
    stop, many, of_columns = batch * (part + 1) // ints[PARTS], ints[TOGETHER], ints[TABLE]
    block, rows = ints[BLOCK], ints[ROWS]
    at = task * 2 * block * columns
    copies, size = LEFTS + 2 * block * columns, of_columns * along if along else pixels
    results = copies + many * channels * size
    scratch[0] = limits[FILLING]  # as a number of y's kind
    beyond = scratch[0]
    for k in range(copies, results if along else copies):
        scratch[k] = beyond
    for first in range(batch * part // ints[PARTS], stop, max(many, 1)):
        count = min(max(many, 1), stop - first)
        if along:
            _lay_out(scratch, copies, x, first, count, table, ints)
        elif many:
            _copy_in(scratch, copies, x, first, channels * pixels, count, batch)
        for s in range(count):
            source, base, apart, out, to, pitch = x, first, batch, y, first, batch
            if many:
                source, base, apart = scratch, copies + s * channels * size, 1
                out, to, pitch = scratch, results + s * channels * cells, 1
            for i in range(begin, end, block):
                line, found = (first + s) * rows + i, min(block, end - i) * columns
                _find(places, at, line, found, matrices, field, ints)
                _settle(places, at, found, scratch, limits, ints)
                if along:  # what is read in all channels, worked out in vectors
                    for j in range(at, at + found):
                        places[j] += places[j + found] * along
                for channel in range(channels):
                    of = base + channel * size * apart
                    cell = to + (channel * cells + i * columns) * pitch
                    if along:
                        for j in range(found):
                            k = of + int(places[at + j])
                            out[cell + j] = _between(source, k, along, scratch, LEFTS + j, found)
                        continue
                    for j in range(found):
                        k, h = of_columns + int(places[at + j]), int(places[at + found + j])
                        right, below = scratch[LEFTS + j], scratch[LEFTS + found + j]
                        over = _pixel(source, table[h] + table[k], of, apart, beyond)
                        end_over = _pixel(source, table[h] + table[k + 1], of, apart, beyond)
                        under = _pixel(source, table[h + 1] + table[k], of, apart, beyond)
                        end_under = _pixel(source, table[h + 1] + table[k + 1], of, apart, beyond)
                        over += right * (end_over - over)
                        under += right * (end_under - under)
                        out[cell + j * pitch] = over + below * (under - over)
        if many:
            for channel in range(channels):
                line, last = channel * cells + begin * columns, channel * cells + end * columns
                _copy_out(y, first, scratch, results, count, line, last, ints)


_warp = Body(_read, mixed=True)


@op
def warp(
    x: Array, matrices: Array, size: tuple[int, int], interpolation: str, fill_mode: str,
    fill_value: float, field: Array | None = None,
) -> Array:  # fmt: skip
    """Return pictures read at transformed places; between pixels bilinearly, or at the nearest.

    Returns:
        (N, *size, C), the batch innermost in memory.
    """
    batch, height, width, channels = x.shape
    y = memory.empty((channels, *size, batch), x.dtype)
    if y.size:
        how, fill = INTERPOLATIONS[interpolation], FILL_MODES[fill_mode]
        limits, table, row_places = _edges(height, width, fill)
        laid, along = height * width, 0
        if row_places * (len(table) - row_places) <= LAID * laid:
            along = len(table) - row_places
            laid = row_places * along
        room = channels * (laid + size[0] * size[1])
        many = MANY if room <= STAGED else 0
        parts = layout.shares(batch, 16, 16) if y.size >= SMALL else 1
        strips = layout.shares(size[0], 4, 16) if y.size >= SMALL and parts == 1 else 1
        block = max(1, min(size[0], AT_ONCE // size[1]))
        ints = [channels, height, width, batch, *size, how, fill, field is not None, parts, strips,
                many, row_places, block, along if many else 0]  # fmt: skip
        numbers = memory.constant([*limits, fill_value], np.dtype("float64"))
        arrays = [y, layout.batch_innermost(x), layout.contiguous(matrices), numbers]
        arrays += [memory.known(table), y if field is None else layout.contiguous(field)]
        arrays.append(memory.empty((parts * strips, 2 * block * size[1]), np.float64))
        room = LEFTS + 2 * block * size[1] + many * room
        _warp(parts * strips, y.size >= SMALL, arrays, np.array(ints, np.int64), room)
    return layout.batch_outermost(y)


def _spread(task, ints, scratch, grad_x, grad_y, matrices, limits, table, field, places):
    """Fill the gradients of a share of the samples; ints as those of `_read`."""
    batch, channels, columns = ints[BATCH], ints[CHANNELS], ints[COLUMNS]
    pixels, cells = ints[HEIGHT] * ints[WIDTH], ints[ROWS] * columns
    at, of_columns = task * 2 * columns, ints[TABLE]
    for n in range(batch * task // ints[PARTS], batch * (task + 1) // ints[PARTS]):
        for k in range(channels * pixels):
            grad_x[k * batch + n] = 0
        for i in range(ints[ROWS]):
            line = n * ints[ROWS] + i
            _find(places, at, line, columns, matrices, field, ints)
            _settle(places, at, columns, scratch, limits, ints)
            for j in range(columns):
                k, h = of_columns + int(places[at + j]), int(places[at + columns + j])
                right, below = scratch[LEFTS + j], scratch[LEFTS + columns + j]
                for corner in range(4):
                    row, column = corner // 2, corner % 2
                    place = table[h + row] + table[k + column]
                    if place < 0:
                        continue
                    share = right if column else 1 - right
                    share *= below if row else 1 - below
                    for c in range(channels):
                        grad = grad_y[(c * cells + i * columns + j) * batch + n]
                        grad_x[(c * pixels + place) * batch + n] += share * grad


_warp_backward = Body(_spread, mixed=True)


@op
def warp_backward(
    grad_y: Array, matrices: Array, size: tuple[int, int], interpolation: str, fill_mode: str,
    field: Array | None = None,
) -> Array:  # fmt: skip
    """Return grad_x: each gradient goes to the pixels its place was read from; `size` is x's."""
    batch, rows, columns, channels = grad_y.shape
    grad_x = memory.empty((channels, *size, batch), grad_y.dtype)
    if grad_x.size:
        parts = layout.shares(batch, 1, 16) if grad_y.size >= SMALL else 1
        how, fill = INTERPOLATIONS[interpolation], FILL_MODES[fill_mode]
        limits, table, row_places = _edges(*size, fill)
        ints = [channels, *size, batch, rows, columns, how, fill, field is not None, parts, 1, 0,
                row_places, 1, 0]  # fmt: skip
        numbers = memory.constant(limits, np.dtype("float64"))
        arrays = [grad_x, layout.batch_innermost(grad_y), layout.contiguous(matrices), numbers]
        arrays += [memory.known(table), grad_x if field is None else layout.contiguous(field)]
        arrays.append(memory.empty((parts, 2 * columns), np.float64))
        _warp_backward(parts, parts > 1, arrays, np.array(ints, np.int64), LEFTS + 2 * columns)
    return layout.batch_outermost(grad_x)
