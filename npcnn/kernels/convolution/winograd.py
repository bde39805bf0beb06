"""Two output rows for the price of four products instead of six: Winograd's F(2, 3) along the rows.

Where a kernel has three rows and moves by one, two neighbouring output rows share two of their
four source rows d₀ … d₃. With k₀, k₁, k₂ the kernel's rows (each still a row of taps (v, c)):

    m₀ = k₀ · (d₀ − d₂)                    y₀ = m₀ + m₁ + m₂
    m₁ = (k₀ + k₁ + k₂)/2 · (d₁ + d₂)      y₁ = m₁ − m₂ − m₃
    m₂ = (k₀ − k₁ + k₂)/2 · (d₂ − d₁)
    m₃ = k₂ · (d₁ − d₃)

Rows are lifted (d → four rows), multiplied by the lifted weights, and the sums over all taps are
lowered (m → two rows). Each dⱼ reaches only the outputs whose windows hold it, and the factors are
halves: NaN spreads no further than in the plain sum (infinity may become NaN on the way), and small
integers stay exact. What is traded is the order of the sums: in float32 their rounding errors are
up to two and a half times those of NumPy's matrix product.

grad_x is the same with grad_y for x and the kernel turned round. For grad_kernel the formulas,
differentiated by k, ask for sums and differences of grad_y's rows besides: with them its tile takes
14 loads and 14 additions for 20 multiply-adds instead of 10 loads for 25, which is no faster (190
µs for the document's second layer on one core, 182 row by row). Where channels are many, it pays
to lift the rows before: `lifted.py`.

Source: Winograd, "Arithmetic Complexity of Computations", 1980; Lavin, Gray, "Fast Algorithms for
Convolutional Neural Networks", 2015. Only along the rows, because rows are what lies apart here:
along the columns every transform would have to cut and sew runs of one column.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.convolution.slide import part
from npcnn.kernels.run.compile import ZERO, helper
from npcnn.kernels.tiles.runs import copy_run, zero_run
from npcnn.kernels.tiles.winograd_tiles import FILTERS, slide_pair_tile

units_of, rows_of_pairs = helper(calls.units_of), helper(calls.rows_of_pairs)


class Rows(NamedTuple):
    """Rows first … last − 1 of a source: the first at numbers[at:], each `pitch` behind another."""

    numbers: Any
    at: int
    first: int
    last: int
    pitch: int


class Lines(NamedTuple):
    """What a pair draws on: numbers[row:] and the three rows `pitch` apart behind it.

    Bit j of `inside` says that row j is there; else it counts as zero.
    """

    numbers: Any
    row: int
    pitch: int
    inside: int


@helper
def tiles_of(ints, p):
    """Return into how many tiles the filters are cut."""
    plan = plans.plan_at(ints, p)
    return (plan.out_channels + FILTERS - 1) // FILTERS


@helper
def lift_weights(ints, p, weights, tile0, tile1, scratch):
    """Write some tiles' lifted weights to the scratch memory, in the order of their use.

    That is tile after tile of filters, tap after tap (place c·KW + v), filter after filter, the
    four of one filter side by side. The forward pass takes channel a and filter f from
    kernel[u, v, a, f]; grad_x, with the kernel turned round, from kernel[2 − u, v, f, a]: weights =
    (w, whether it is turned).
    """
    call = calls.header_at(ints, 0)
    plan, columns, (w, turned) = plans.plan_at(ints, p), call.kernel_columns, weights
    channels, filters = plan.channels, plan.out_channels
    row = channels * filters
    size, across = columns * row, tiles_of(ints, p)
    for tile in range(tile0, tile1):
        f0, f1 = part(filters, tile, across)
        for a in range(channels):
            for v in range(columns):
                for f in range(f0, f1):
                    i = v * row + (f * channels + a if turned else a * filters + f)
                    top, middle, bottom = w[i], w[size + i], w[2 * size + i]
                    outer = top + bottom
                    at = columns * channels * f0 + (a * columns + v) * (f1 - f0) + f - f0
                    at = call.weights_at + 4 * at
                    scratch[at] = bottom if turned else top
                    scratch[at + 1] = (outer + middle) * 0.5
                    scratch[at + 2] = (outer - middle) * 0.5
                    scratch[at + 3] = top if turned else bottom


@helper
def slide_tiles(ints, p, segment, lines, tiles, end, to, scratch):
    """Fill n elements of two rows of out, out[io:] and `second` behind it, for tiles of filters.

    A segment's taps draw on `lines`. tiles = (the first, the last + 1), end = (bias, mode), to =
    (out, io, second, orow, n), with orow from filter to filter.
    """
    call = calls.header_at(ints, 0)
    plan, columns = plans.plan_at(ints, p), call.kernel_columns
    source, row, pitch, inside = lines
    (tile0, tile1), (bias, mode), (out, io, second, orow, n) = tiles, end, to
    filters, tables = plan.out_channels, segment * plan.taps
    about = plans.segment_at(ints, p + plan.segment_table + segment * plans.SEGMENT)
    across = tiles_of(ints, p)
    row += about.base
    a = b = c = d = scratch
    ia = ib = ic = id_ = call.zeros_at
    ma = mb = mc = md = ZERO
    if inside & 1:
        a, ia, ma = source, row, ~ZERO
    if inside & 2:
        b, ib, mb = source, row + pitch, ~ZERO
    if inside & 4:
        c, ic, mc = source, row + 2 * pitch, ~ZERO
    if inside & 8:
        d, id_, md = source, row + 3 * pitch, ~ZERO
    for tile in range(tile0, tile1):
        f, end = part(filters, tile, across)
        slide_pair_tile(
            call.paired, end - f, n, a, ia, ma, b, ib, mb, c, ic, mc, d, id_, md, ints,
            p + plan.off + tables, p + plan.woff + tables,
            about.per_tap, scratch,
            call.weights_at + 4 * columns * plan.channels * f, bias, f, mode,
            out, io + f * orow, second, orow,
        )  # fmt: skip


@helper
def short_rows(ints, p, lines, tiles, end, to, scratch):
    """Do as slide_tiles for rows of one segment that are shorter than a vector."""
    call = calls.header_at(ints, 0)
    plan, (tile0, tile1), (out, io, second, orow, n) = plans.plan_at(ints, p), tiles, to
    lanes, spare = plan.lanes, call.spare_at
    filters = plan.out_channels
    across = tiles_of(ints, p)
    aside = scratch, spare, filters * lanes, lanes, lanes
    slide_tiles(ints, p, ZERO, lines, tiles, end, aside, scratch)
    for f in range(part(filters, tile0, across)[0], part(filters, tile1, across)[0]):
        if second:
            behind = spare + (filters + f) * lanes
            copy_run(out, io + second + f * orow, scratch, behind, n)
        copy_run(out, io + f * orow, scratch, spare + f * lanes, n)


@helper
def slide_pair(ints, p, rows, pair, tiles, end, out, scratch):
    """Fill elements t0 … t1 − 1 of a pair of rows of out, for some tiles of filters.

    pair = (its number, t0, t1); the others are those of `slide_pairs`.
    """
    call = calls.header_at(ints, 0)
    plan, (number, t0, t1) = plans.plan_at(ints, p), pair
    height, batch = plan.out_height, plan.batch
    line, top, inside = plan.out_width * batch, 2 * number + call.top, ZERO
    for j in range(4):
        if rows.first <= top + j < rows.last:
            inside |= 1 << j
    second = line if 2 * number + 1 < height else ZERO
    for segment in range(plan.segments):
        about = plans.segment_at(ints, p + plan.segment_table + segment * plans.SEGMENT)
        start = about.start * batch
        t, stop = max(t0, start), min(t1, start + about.columns * batch)
        while t < stop:
            n = stop - t
            if n > call.chunk + call.chunk // 2:
                n = call.chunk
            row = rows.at + (top - rows.first) * rows.pitch + t - start
            lines = Lines(rows.numbers, row, rows.pitch, inside)
            to = out, 2 * number * line + t, second, height * line, n
            if n >= plan.lanes:
                slide_tiles(ints, p, segment, lines, tiles, end, to, scratch)
            else:  # the whole row is shorter than a vector: by way of the spare memory
                short_rows(ints, p, lines, tiles, end, to, scratch)
            t += n


@helper
def slide_pairs(ints, p, rows, weights, share, end, out, scratch):
    """Fill units u0 … u1 − 1 of the pairs of rows of out (F, OH, OW, N), some tiles of filters.

    They draw on `rows`; weights = (w, 1 for the kernel turned round, else 0), share = (u0, u1, the
    first tile, the last + 1), end = (bias, mode).
    """
    call = calls.header_at(ints, 0)
    plan, (u0, u1, tile0, tile1) = plans.plan_at(ints, p), share
    line, split = plan.out_width * plan.batch, call.split
    lift_weights(ints, p, weights, tile0, tile1, scratch)
    zero_run(scratch, call.zeros_at, 2 * call.chunk)
    for pair in range(u0 // split, (u1 + split - 1) // split):
        t0 = call.half if split * pair < u0 else ZERO
        t1 = call.half if split * pair + split > u1 else line
        slide_pair(ints, p, rows, (pair, t0, t1), (tile0, tile1), end, out, scratch)
