"""Row blocks of a convolution: pack the input rows, slide the filters over them.

All arrays are flat here; `ints` holds the plan of `plans.py`, which starts at `p`. What belongs
together comes as one argument: `rows`, say, is (where they lie, where in it they begin, which row
that is), `end` (what to add to a filter's sums, the mode). Compiled, such a tuple is no more than
its parts.
"""

from __future__ import annotations

from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.run.compile import ZERO, helper
from npcnn.kernels.tiles.runs import copy_run, masked_run, zero_run
from npcnn.kernels.tiles.tiles import FILTERS, REGISTERS, ROWS, TAPS, VECTORS, dot_tile, slide_tile

# Taps done at one go: their four vectors each, and the weights, stay in the first-level cache.
TAPS_AT_ONCE = 96

part, source_rows = helper(plans.part), helper(plans.source_rows)


@helper
def pack_rows(ints, p, source, rows, place, masking, sums):
    """Copy some rows of the source (C, H, W, N) to place = (buf, at), in the plan's order.

    rows = (first, last + 1) says which. masking = (masked, mask): 0 just copies, 1 puts zeros where
    the mask is not above zero; 1 and 2 add what is packed, by lane, to sums = (totals, at, i0, i1):
    of rows i0 … i1 − 1 to a vector a channel (of the others to one more, which nobody wants).
    """
    plan = plans.plan_at(ints, p)
    (first, last), (buf, at), (masked, mask) = rows, place, masking
    totals, sums_at, counted_from, counted_to = sums
    channels, height, width = plan.channels, plan.height, plan.width
    batch, lanes = plan.batch, plan.lanes
    step, left, columns = plan.column_step, plan.first_column, plan.columns
    for row in range(first, last):
        for c in range(channels):
            to = at + (row - first) * plan.row_pitch + c * plan.channel_pitch
            start = (c * height + row) * width * batch
            if step == 1:
                before = min(-left, columns) * batch
                inside = min(width * batch, columns * batch - before)
                zero_run(buf, to, before)
                if masked:
                    slot = c if counted_from <= row < counted_to else channels
                    places = to + before, start, sums_at + slot * lanes, inside
                    masked_run(buf, source, mask, totals, places, masked, lanes)
                else:
                    copy_run(buf, to + before, source, start, inside)
                zero_run(buf, to + before + inside, columns * batch - before - inside)
                continue
            for cell in range(step * columns):
                column = left + cell // columns + cell % columns * step
                if 0 <= column < width:
                    copy_run(buf, to + cell * batch, source, start + column * batch, batch)
                else:
                    zero_run(buf, to + cell * batch, batch)


@helper
def copy_rows(ints, p, source, rows, place):
    """Pack rows as they are."""
    unused = place[0], ZERO, ZERO, ZERO
    pack_rows(ints, p, source, rows, place, (ZERO, source), unused)


@helper
def rows_inside(ints, p, i):
    """Return where output row i's window starts, and which of its rows lie inside the image.

    The others would meet only zeros.
    """
    plan = plans.plan_at(ints, p)
    phases = plan.row_phases
    start = i // phases * plan.row_step
    table = p + plans.ROW_TAPS + i % phases * plan.row_table_width
    low, high = 0, ints[table]
    while low < high and start + ints[table + 1 + low] < 0:
        low += 1
    while high > low and start + ints[table + high] >= plan.height:
        high -= 1
    return start, low, high


@helper
def slide_run(ints, p, taps, filters, w, source, end, to):
    """Fill out[io + (f − f0)·orow + t], filters f0 … f1 − 1, t below n (at least one vector).

    taps = (where their tables begin, k0, k1), filters = (f0, f1), source = (buf, ib), end = (bias,
    mode), to = (out, io, orow, n).
    """
    plan = plans.plan_at(ints, p)
    (tables, k0, k1), (f0, f1), (buf, ib) = taps, filters, source
    (bias, mode), (out, io, orow, n) = end, to
    lanes, wf = plan.lanes, plan.w_step
    off, woff = p + plan.off + tables, p + plan.woff + tables
    across = (f1 - f0 + ROWS - 1) // ROWS
    t = 0
    while t < n:
        vectors = min((n - t + lanes - 1) // lanes, VECTORS)
        if vectors == 3:
            vectors = 2
        last = min((vectors - 1) * lanes, n - t - lanes)
        k = k0
        while True:
            stop = k1 if k1 - k <= TAPS_AT_ONCE + TAPS_AT_ONCE // 2 else k + TAPS_AT_ONCE
            step_mode = (2 if k > k0 else 0) | (mode if stop == k1 else 0)
            for tile in range(across):
                f, end = part(f1 - f0, tile, across)
                slide_tile(
                    plan.tiles, end - f, vectors, last, w, (f + f0) * wf, wf, buf,
                    ib + t, ints, woff, off, k, stop, step_mode, bias, f + f0, out,
                    io + f * orow + t, orow,
                )  # fmt: skip
            k = stop
            if k >= k1:
                break
        t += vectors * lanes


@helper
def slide_rows(ints, p, rows, w, end, out, share, scratch):
    """Fill rows i0 … i1 − 1 of out (F, OH, OW, N), channels f0 … f1 − 1, from rows of the source.

    These are rows = (buf, at, first), the first at buf[at:]; end = (bias, mode), share = (i0, i1,
    f0, f1). The spare part of scratch holds what cannot be written in place: rows shorter than a
    vector, and columns that are not neighbours.
    """
    plan, spare = plans.plan_at(ints, p), calls.header_at(ints, 0).spare_at
    (buf, at, first), (i0, i1, f0, f1) = rows, share
    height, width, batch = plan.out_height, plan.out_width, plan.batch
    segments = plan.segments
    orow = height * width * batch
    for i in range(i0, i1):
        start, low, high = rows_inside(ints, p, i)
        ib = at + (start - first) * plan.row_pitch
        for segment in range(segments):
            about = plans.segment_at(ints, p + plan.segment_table + segment * plans.SEGMENT)
            per_tap, every = about.per_tap, about.every
            tables = (i % plan.row_phases * segments + segment) * plan.taps
            columns = about.columns
            n, io = columns * batch, ((f0 * height + i) * width + about.start) * batch
            direct = every == 1 and n >= plan.lanes
            to, place, pitch = out, io, orow
            if not direct:
                n = max(n, plan.lanes)
                to, place, pitch = scratch, spare, n
            taps, source = (tables, low * per_tap, high * per_tap), (buf, ib + about.base)
            slide_run(ints, p, taps, (f0, f1), w, source, end, (to, place, pitch, n))
            if direct:
                continue
            for f in range(f1 - f0):
                for q in range(columns):
                    cell = io + f * orow + q * every * batch
                    copy_run(out, cell, scratch, spare + f * n + q * batch, batch)


@helper
def dot_block(ints, p, taps, x, g, n, totals, base):
    """Add n products to the totals of all filters and taps k0 … k1 − 1 of a table of offsets.

    taps = (where the table is, k0, k1), x = (numbers, where they begin), g = (numbers, where they
    begin, from filter to filter).
    """
    plan = plans.plan_at(ints, p)
    (off, k0, k1), (xs, ix), (gs, ig, pitch) = taps, x, g
    lanes, filters = plan.lanes, plan.out_channels
    across = (filters + FILTERS - 1) // FILTERS
    for b in range(across):
        f, end = part(filters, b, across)
        most = min(TAPS, REGISTERS // (end - f))
        k = k0
        while k < k1:
            # there are tiles of so many taps, of three and of one
            count = most if k1 - k >= most else min(k1 - k, 3) // 3 * 2 + 1
            dot_tile(
                plan.dot_tiles, count, end - f, n, xs, ix, ints, off + k, gs,
                ig + f * pitch, pitch, totals, base + (k * filters + f) * lanes, filters * lanes,
            )  # fmt: skip
            k += count


@helper
def dot_rows(ints, x, grad, i0, i1, totals, base):
    """Add the products of x and grad_y in rows i0 … i1 − 1 to the totals at `base`.

    x = (xs, x_from) has x's rows from `x_from` on, by the plan of the forward pass, grad = (gs, at,
    g_from) grad_y's rows from `g_from` on at gs[at:], by the plan of the backward pass.
    """
    p, q = calls.header_at(ints, 0).forward, calls.header_at(ints, 0).backward
    plan, back = plans.plan_at(ints, p), plans.plan_at(ints, q)
    (xs, x_from), (gs, at, g_from) = x, grad
    batch, lanes = plan.batch, plan.lanes
    # With several tiles of filters, so much of a row at once that grad_y's part stays in the
    # first-level cache while all of x's taps pass it; with one tile, whole rows.
    chunk = (128 if plan.out_channels <= FILTERS else 48) * lanes
    for i in range(i0, i1):
        start, low, high = rows_inside(ints, p, i)
        x_row = (start - x_from) * plan.row_pitch
        g_row = at + (i - g_from) * back.row_pitch - back.first_column * batch
        n = plans.segment_at(ints, p + plan.segment_table).columns * batch
        t = 0
        while t < n:
            length = n - t if n - t <= chunk + chunk // 2 else chunk
            for segment in range(plan.segments):
                about = plans.segment_at(ints, p + plan.segment_table + segment * plans.SEGMENT)
                per_tap, before = about.per_tap, segment * plan.taps
                taps = p + plan.off + before, low * per_tap, high * per_tap
                some = gs, g_row + about.base + t, back.channel_pitch
                to = base + before * plan.out_channels * lanes
                dot_block(ints, p, taps, (xs, x_row + t), some, length, totals, to)
            t += length
