"""Operations on runs of consecutive elements: copies, masks, the cells of pooling windows.

Each works vector by vector. Where a run does not end on a whole vector, the last vector starts
early enough to end with it and computes some elements twice, to the same values: runs here must
hold a vector at least, or be done element by element by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from npcnn.kernels.run.compile import helper
from npcnn.kernels.tiles import simd
from npcnn.kernels.tiles.simd import INT

Triple = tuple[int, int, int]
Quad = tuple[int, int, int, int]


def _size(pointer: Any) -> int:
    return simd.VECTOR_BYTES // simd.vector_type(pointer.type.pointee).count


def _emit_copy(builder: Any, to: Any, i: Any, source: Any, j: Any, n: Any) -> None:
    to, source = simd.at(builder, to, i), simd.at(builder, source, j)
    cgutils.raw_memcpy(builder, to, source, n, _size(to))


@simd.native(_emit_copy)
def copy_run(to: Any, i: int, source: Any, j: int, n: int) -> None:
    """Copy n elements to to[i:] from source[j:]."""
    to[i : i + n] = source[j : j + n]


def _emit_zero(builder: Any, to: Any, i: Any, n: Any) -> None:
    to = simd.at(builder, to, i)
    cgutils.memset(builder, to, builder.mul(n, INT(_size(to))), 0)


@simd.native(_emit_zero)
def zero_run(to: Any, i: int, n: int) -> None:
    """Set n elements from to[i] on to zero."""
    to[i : i + n] = 0


def _emit_masked(
    builder: Any, to: Any, g: Any, y: Any, sums: Any, places: Any, masked: Any
) -> None:
    i, j, s, n = places
    to, sums = simd.at(builder, to, i), simd.at(builder, sums, s)
    g, y = simd.at(builder, g, j), simd.at(builder, y, j)
    kind = simd.vector_type(g.type.pointee)
    open_ = simd.splat_mask(builder, builder.icmp_signed("!=", masked, INT(1)), kind.count)
    with simd.counted(builder, INT(0), n, kind.count, [simd.load(builder, sums)]) as (t, sum_, new):
        passed = builder.fcmp_ordered(
            ">", simd.load(builder, simd.at(builder, y, t)), simd.zeros(kind.element)
        )
        value = builder.select(
            builder.or_(passed, open_),
            simd.load(builder, simd.at(builder, g, t)),
            simd.zeros(kind.element),
        )
        simd.store(builder, value, simd.at(builder, to, t))
        new.append(builder.fadd(sum_[0], value))
    simd.store(builder, new[0], sums)


@simd.native(_emit_masked)
def masked_vectors(to: Any, g: Any, y: Any, sums: Any, places: Quad, masked: int) -> None:
    """Copy n elements of g[j:], whole vectors, to to[i:]; add them, by lane, to sums[s:].

    `places` is (i, j, s, n). With masked = 1, what is copied is zero where y[j:] is not above zero.
    """
    i, j, s, n = places
    values = g[j : j + n]
    if masked == 1:
        values = np.where(y[j : j + n] > 0, values, values.dtype.type(0))
    to[i : i + n] = values
    lanes = simd.lanes_of(g.dtype)
    sums[s : s + lanes] += values.reshape(-1, lanes).sum(axis=0)


@helper
def masked_run(to, g, y, sums, places, masked, lanes):
    """Copy n elements of g[j:] with zeros where y[j:] ≤ 0, and add them, by lane, to sums[s:].

    `places` is (i, j, s, n), i being where in `to` they go.
    """
    i, j, s, n = places
    whole = n - n % lanes
    masked_vectors(to, g, y, sums, (i, j, s, whole), masked)
    for t in range(whole, n):
        if masked == 1 and not y[j + t] > 0:
            to[i + t] = 0
            continue
        to[i + t] = g[j + t]
        sums[s + t - whole] += g[j + t]


def halves(builder: Any, vector: Any) -> Any:
    """Return the sum of a vector's lanes: upper half onto lower half until one is left."""
    count = vector.type.count
    while count > 1:
        count //= 2
        ints = ir.VectorType(ir.IntType(32), count)
        low = builder.shuffle_vector(vector, vector, ir.Constant(ints, list(range(count))))
        high = builder.shuffle_vector(
            vector, vector, ir.Constant(ints, list(range(count, 2 * count)))
        )
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, ir.IntType(32)(0))


def _emit_sum(builder: Any, to: Any, i: Any, totals: Any, j: Any, n: Any, parts: Any,
              pitch: Any) -> None:  # fmt: skip
    to, totals = simd.at(builder, to, i), simd.at(builder, totals, j)
    element = to.type.pointee
    lanes = INT(simd.vector_type(element).count)
    with simd.counted(builder, INT(0), n, 1, []) as (t, _, _none):
        place = simd.at(builder, totals, builder.mul(t, lanes))
        start = [simd.zeros(element)]
        with simd.counted(builder, INT(0), parts, 1, start) as (part, sums, new):
            vector = simd.load(builder, simd.at(builder, place, builder.mul(part, pitch)))
            new.append(builder.fadd(sums[0], vector))
        builder.store(halves(builder, new[0]), simd.at(builder, to, t))


@simd.native(_emit_sum)
def sum_lanes(to: Any, i: int, totals: Any, j: int, n: int, parts: int, pitch: int) -> None:
    """Write to[i + t] = Σ over the lanes of totals[j + t·lanes + p·pitch], over the parts p."""
    lanes = simd.lanes_of(to.dtype)
    for t in range(n):
        starts = [j + t * lanes + p * pitch for p in range(parts)]
        vector = sum((totals[s : s + lanes] for s in starts), np.zeros(lanes, to.dtype))
        while len(vector) > 1:
            vector = vector[: len(vector) // 2] + vector[len(vector) // 2 :]
        to[i + t] = vector[0]


def overlapping(builder: Any, t: Any, n: Any, count: int) -> Any:
    """Return where the vector at t starts: earlier if it would not end within the n elements."""
    last = builder.sub(n, INT(count))
    return builder.select(builder.icmp_signed("<", t, last), t, last)


def _two_by_two(emit: Callable) -> Callable:
    """Emit a loop for windows of any size, and one with the 2 × 2 window's cells written out.

    The second saves the loops over so few cells: a third of the time of such a pooling.
    """

    def choose(builder: Any, *values: Any) -> None:
        rows, _, columns, _ = values[-1]
        both = builder.and_(
            builder.icmp_signed("==", rows, INT(2)), builder.icmp_signed("==", columns, INT(2))
        )
        with builder.if_else(both) as (then, otherwise):
            with then:
                emit(builder, *values, [(u, v) for u in range(2) for v in range(2)])
            with otherwise:
                emit(builder, *values, None)

    return choose


def _each_cell(builder: Any, cells: Any, window: Any, state: Any, visit: Callable) -> Any:
    """Emit visit(state, offset of the cell) → state for all cells of a window, in row order."""
    rows, row, columns, column = window
    if cells is not None:
        for u, v in cells:
            state = visit(state, builder.add(builder.mul(INT(u), row), builder.mul(INT(v), column)))
        return state
    with simd.counted(builder, INT(0), rows, 1, [state]) as (u, outer, after_row):
        with simd.counted(builder, INT(0), columns, 1, outer) as (v, inner, after_cell):
            offset = builder.add(builder.mul(u, row), builder.mul(v, column))
            after_cell.append(visit(inner[0], offset))
        after_row += after_cell
    return after_row[0]


@_two_by_two
def _emit_largest(builder: Any, y: Any, x: Any, places: Any, window: Any, cells: Any) -> None:
    i, j, n = places
    y, x = simd.at(builder, y, i), simd.at(builder, x, j)
    kind = simd.vector_type(x.type.pointee)
    with simd.counted(builder, INT(0), n, kind.count, []) as (step, _, _none):
        t = overlapping(builder, step, n, kind.count)
        corner = simd.at(builder, x, t)

        def visit(best: Any, offset: Any) -> Any:
            cell = simd.load(builder, simd.at(builder, corner, offset))
            larger = builder.or_(
                builder.fcmp_ordered(">", cell, best), builder.fcmp_unordered("uno", cell, cell)
            )
            return builder.select(larger, cell, best)

        first = simd.load(builder, corner)
        best = _each_cell(builder, cells, window, first, visit)
        simd.store(builder, best, simd.at(builder, y, t))


@simd.native(_emit_largest)
def largest_run(y: Any, x: Any, places: Triple, window: Quad) -> None:
    """Write y[i + t] = max over u, v of x[j + t + u·row + v·column]; NaN where one of them is.

    `places` is (i, j, n), and `window` (rows, row, columns, column): u < rows, v < columns.
    """
    (i, j, n), (rows, row, columns, column) = places, window
    starts = [j + u * row + v * column for u in range(rows) for v in range(columns)]
    y[i : i + n] = np.max([x[start : start + n] for start in starts], axis=0)


@_two_by_two
def _emit_winner(builder: Any, grad_x: Any, x: Any, y: Any, grad_y: Any, places: Any, window: Any,
                 cells: Any) -> None:  # fmt: skip
    j, i, n = places
    grad_x, x = simd.at(builder, grad_x, j), simd.at(builder, x, j)
    y, grad_y = simd.at(builder, y, i), simd.at(builder, grad_y, i)
    kind = simd.vector_type(x.type.pointee)
    zero = simd.zeros(kind.element)
    with simd.counted(builder, INT(0), n, kind.count, []) as (step, _, _none):
        t = overlapping(builder, step, n, kind.count)
        best = simd.load(builder, simd.at(builder, y, t))

        def visit(left: Any, offset: Any) -> Any:
            place = builder.add(t, offset)
            cell = simd.load(builder, simd.at(builder, x, place))
            # equal, or a NaN: y is NaN then, and the first NaN is the winner
            wins = builder.or_(
                builder.fcmp_ordered("==", cell, best), builder.fcmp_unordered("uno", cell, cell)
            )
            won = builder.select(wins, left, zero)
            simd.store(builder, won, simd.at(builder, grad_x, place))
            return builder.select(wins, zero, left)

        share = simd.load(builder, simd.at(builder, grad_y, t))
        _each_cell(builder, cells, window, share, visit)


@simd.native(_emit_winner)
def winner_run(grad_x: Any, x: Any, y: Any, grad_y: Any, places: Triple, window: Quad) -> None:
    """Give grad_y[i + t] to the first cell x[j + t + u·row + v·column] that equals y[i + t].

    All other cells get zero: for windows that do not overlap. `places` is (j, i, n), and `window`
    (rows, row, columns, column): u < rows, v < columns.
    """
    (j, i, n), (rows, row, columns, column) = places, window
    share = grad_y[i : i + n].copy()
    for u in range(rows):
        for v in range(columns):
            place = slice(j + u * row + v * column, j + u * row + v * column + n)
            wins = (x[place] == y[i : i + n]) | np.isnan(x[place])
            grad_x[place] = np.where(wins, share, share.dtype.type(0))
            share[wins] = 0
