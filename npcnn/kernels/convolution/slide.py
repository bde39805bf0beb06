"""Row blocks of a convolution: pack the input rows, slide the filters over them.

All arrays are flat here; `ints` holds the plan of `plans.py`, which starts at `p`.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from npcnn.kernels.convolution import plans
from npcnn.kernels.run.compile import helper
from npcnn.kernels.tiles.runs import copy_run, masked_run, zero_run
from npcnn.kernels.tiles.tiles import FILTERS, REGISTERS, ROWS, TAPS, VECTORS, dot_tile, slide_tile

# Taps done at one go: their four vectors each, and the weights, stay in the first-level cache.
TAPS_AT_ONCE = 96

part, source_rows = helper(plans.part), helper(plans.source_rows)


@helper
def pack_rows(
    ints, p, source, mask, masked, first, last, counted_from, counted_to, buf, at, sums, sums_at
):
    """Copy rows first … last − 1 of the source (C, H, W, N) to buf[at:], in the plan's order.

    masked = 0 just copies. 1 puts zeros where the mask is not above zero; 1 and 2 add what is
    packed of the rows counted_from … counted_to − 1, by lane, to sums[sums_at:], a vector a channel
    (and what is packed of the others to one vector more, which nobody wants).
    """
    plan = plans.plan_at(ints, p)
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
                    place = c if counted_from <= row < counted_to else channels
                    place = sums_at + place * lanes
                    places = to + before, start, place, inside
                    masked_run(buf, source, mask, sums, places, masked, lanes)
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
def slide_run(ints, p, tables, k0, k1, n, f0, f1, w, buf, ib, mode, bias, out, io, orow):
    """Fill out[io + (f − f0)·orow + t], filters f0 … f1 − 1, t below n (at least one vector)."""
    plan = plans.plan_at(ints, p)
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
def slide_rows(ints, p, buf, at, first, w, bias, mode, out, i0, i1, f0, f1, scratch, spare):
    """Fill rows i0 … i1 − 1 of out (F, OH, OW, N), channels f0 … f1 − 1, from the rows at buf[at:].

    The first of them is the source's row `first`. scratch[spare:] holds what cannot be written in
    place: rows shorter than a vector, and columns that are not neighbours.
    """
    plan = plans.plan_at(ints, p)
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
            slide_run(
                ints, p, tables, low * per_tap, high * per_tap, n, f0, f1, w, buf,
                ib + about.base, mode, bias, to, place, pitch,
            )  # fmt: skip
            if direct:
                continue
            for f in range(f1 - f0):
                for q in range(columns):
                    cell = io + f * orow + q * every * batch
                    copy_run(out, cell, scratch, spare + f * n + q * batch, batch)


@helper
def dot_block(ints, p, off, k0, k1, xs, ix, gs, ig, pitch, n, totals, base):
    """Add n products to the totals of all filters and taps k0 … k1 − 1 of a table of offsets."""
    plan = plans.plan_at(ints, p)
    lanes, filters = plan.lanes, plan.out_channels
    across = (filters + FILTERS - 1) // FILTERS
    for b in range(across):
        f, end = part(filters, b, across)
        most = min(TAPS, REGISTERS // (end - f))
        k = k0
        while k < k1:
            # there are tiles of so many taps, of three and of one
            taps = most if k1 - k >= most else min(k1 - k, 3) // 3 * 2 + 1
            dot_tile(
                plan.dot_tiles, taps, end - f, n, xs, ix, ints, off + k, gs,
                ig + f * pitch, pitch, totals, base + (k * filters + f) * lanes, filters * lanes,
            )  # fmt: skip
            k += taps


@helper
def dot_rows(ints, p, xs, x_from, q, gs, at, g_from, i0, i1, totals, base):
    """Add the products of x and grad_y in rows i0 … i1 − 1 to the totals at `base`.

    xs holds x's rows from `x_from` on, by the plan at p, and gs[at:] grad_y's rows from `g_from`
    on, by the plan at q.
    """
    plan, back = plans.plan_at(ints, p), plans.plan_at(ints, q)
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
                per_tap, taps = about.per_tap, segment * plan.taps
                dot_block(
                    ints, p, p + plan.off + taps, low * per_tap, high * per_tap, xs,
                    x_row + t, gs, g_row + about.base + t,
                    back.channel_pitch, length, totals,
                    base + taps * plan.out_channels * lanes,
                )  # fmt: skip
            t += length
