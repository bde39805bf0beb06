"""Row blocks of a convolution: pack the input rows, slide the filters over them."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from npcnn.kernels import plans as P
from npcnn.kernels import simd
from npcnn.kernels.compile import kernel
from npcnn.kernels.runs import copy_run, masked_run, zero_run
from npcnn.kernels.tiles import FILTERS, REGISTERS, ROWS, TAPS, VECTORS, dot_tile, slide_tile

VECTOR_BYTES = simd.VECTOR_BYTES
# Taps done at one go: their four vectors each, and the weights, stay in the first-level cache.
TAPS_AT_ONCE = 96


part, source_rows = kernel(P.part), kernel(P.source_rows)


@kernel
def pack_rows(plan, source, mask, masked, first, last, counted_from, counted_to, buf, sums, spare):
    """Copy rows first … last − 1 of the source (C, H, W, N) into buf, in the plan's order.

    With `masked`, elements are zero where the mask is not above zero. What is packed of the rows
    counted_from … counted_to − 1 is added, by lane, to `sums`: one vector a channel. `spare` is
    the sum that nobody wants.
    """
    channels, height, width, batch = source.shape
    step, left, columns = plan[P.COLUMN_STEP], plan[P.FIRST_COLUMN], plan[P.COLUMNS]
    lanes = VECTOR_BYTES // source.itemsize
    for row in range(first, last):
        for c in range(channels):
            to = (row - first) * plan[P.ROW_PITCH] + c * plan[P.CHANNEL_PITCH]
            start = (c * height + row) * width * batch
            place = spare
            if counted_from <= row < counted_to:
                place = c * lanes
            if step == 1:
                before = min(-left, columns)
                inside = min(width, columns - before)
                zero_run(buf, to, before * batch)
                to += before * batch
                if masked >= 0:
                    masked_run(
                        buf, to, source, mask, start, inside * batch, masked, sums, place
                    )
                else:
                    copy_run(buf, to, source, start, inside * batch)
                zero_run(buf, to + inside * batch, (columns - before - inside) * batch)
            else:
                for phase in range(step):
                    for q in range(columns):
                        column = left + phase + q * step
                        if 0 <= column < width:
                            copy_run(buf, to, source, start + column * batch, batch)
                        else:
                            zero_run(buf, to, batch)
                        to += batch


@kernel
def rows_inside(plan, table, source, height):
    """Return which taps' rows lie inside the image; the others would meet only zeros."""
    low, high = 0, plan[table]
    while low < high and source + plan[table + 1 + low] < 0:
        low += 1
    while high > low and source + plan[table + high] >= height:
        high -= 1
    return low, high


@kernel
def slide_run(tiles, n, f0, f1, w, wf, buf, ib, plan, off, woff, k0, k1, mode, bias, out, io, orow):
    """Fill out[io + (f − f0)·orow + t], filters f0 … f1 − 1, t below n (at least one vector)."""
    lanes = VECTOR_BYTES // buf.itemsize
    tiles_across = (f1 - f0 + ROWS - 1) // ROWS
    t = 0
    while t < n:
        vectors = min((n - t + lanes - 1) // lanes, VECTORS)
        last = min((vectors - 1) * lanes, n - t - lanes)
        k = k0
        while True:
            stop = k1 if k1 - k <= TAPS_AT_ONCE + TAPS_AT_ONCE // 2 else k + TAPS_AT_ONCE
            step_mode = (2 if k > k0 else 0) | (mode if stop == k1 else 0)
            for tile in range(tiles_across):
                f = f0 + (f1 - f0) * tile // tiles_across
                rows = f0 + (f1 - f0) * (tile + 1) // tiles_across - f
                slide_tile(
                    tiles, rows, vectors, last, w, f * wf, wf, buf, ib + t, plan, woff, off,
                    k, stop, step_mode, bias, f, out, io + (f - f0) * orow + t, orow,
                )  # fmt: skip
            k = stop
            if k >= k1:
                break
        t += vectors * lanes


@kernel
def slide_rows(tiles, plan, buf, packed_from, height, w, bias, mode, out, i0, i1, f0, f1, spare, at):
    """Fill rows i0 … i1 − 1 of out (C, H, W, N), channels f0 … f1 − 1, from packed rows.

    The first packed row is row `packed_from` of a source of `height` rows. spare[at:] holds what
    cannot be written in place: rows shorter than a vector, and columns that are not neighbours.
    """
    _, out_height, width, batch = out.shape
    phases, column_phases, taps = plan[P.ROW_PHASES], plan[P.COLUMN_PHASES], plan[P.TAPS]
    lanes = VECTOR_BYTES // out.itemsize
    orow = out_height * width * batch
    for i in range(i0, i1):
        phase = i % phases
        source = i // phases * plan[P.ROW_STEP]
        table = plan[P.ROW_TAPS] + phase * plan[P.ROW_TABLE_WIDTH]
        low, high = rows_inside(plan, table, source, height)
        ib = (source - packed_from) * plan[P.ROW_PITCH]
        for column_phase in range(column_phases):
            per_tap = plan[plan[P.COLUMN_COUNTS] + column_phase]
            tables = (phase * column_phases + column_phase) * taps
            off, woff = plan[P.OFF] + tables, plan[P.WOFF] + tables
            columns = (width - column_phase + column_phases - 1) // column_phases
            n = columns * batch
            io = (f0 * out_height + i) * width * batch
            if column_phases == 1 and n >= lanes:
                slide_run(
                    tiles, n, f0, f1, w, plan[P.W_STEP], buf, ib, plan, off, woff,
                    low * per_tap, high * per_tap, mode, bias, out, io, orow,
                )  # fmt: skip
                continue
            whole = max(n, lanes)
            slide_run(
                tiles, whole, f0, f1, w, plan[P.W_STEP], buf, ib, plan, off, woff,
                low * per_tap, high * per_tap, mode, bias, spare, at, whole,
            )  # fmt: skip
            for f in range(f1 - f0):
                for q in range(columns):
                    to = io + f * orow + (column_phase + q * column_phases) * batch
                    copy_run(out, to, spare, at + f * whole + q * batch, batch)


@kernel
def dot_block(tiles, xs, ix, plan, off, k0, k1, gs, ig, g_pitch, filters, n, totals, base):
    """Add n products to the totals of all filters and taps k0 … k1 − 1."""
    lanes = VECTOR_BYTES // gs.itemsize
    across = (filters + FILTERS - 1) // FILTERS
    most = min(TAPS, REGISTERS // ((filters + across - 1) // across))
    down = (k1 - k0 + most - 1) // most
    for a in range(down):
        k, stop = part(k1 - k0, a, down)
        k, stop = k + k0, stop + k0
        for b in range(across):
            f, end = part(filters, b, across)
            dot_tile(
                tiles, stop - k, end - f, n, xs, ix, plan, off + k, gs, ig + f * g_pitch, g_pitch,
                totals, base + (k * filters + f) * lanes, filters * lanes,
            )  # fmt: skip


@kernel
def dot_rows(tiles, plan, xs, x_from, height, g_plan, gs, g_from, g, i0, i1, totals, base):
    """Add the products of x and grad_y in rows i0 … i1 − 1 to the totals at `base`."""
    filters, _, width, batch = g.shape
    n = width * batch
    table = plan[P.ROW_TAPS]
    per_tap = plan[plan[P.COLUMN_COUNTS]]
    # so much of a row at once that five rows of x and five of grad_y fit the first-level cache
    chunk = 48 * (VECTOR_BYTES // gs.itemsize)
    for i in range(i0, i1):
        source = i * plan[P.ROW_STEP]
        low, high = rows_inside(plan, table, source, height)
        x_row = (source - x_from) * plan[P.ROW_PITCH]
        g_row = (i - g_from) * g_plan[P.ROW_PITCH] - g_plan[P.FIRST_COLUMN] * batch
        start = 0
        while start < n:
            length = n - start if n - start <= chunk + chunk // 2 else chunk
            dot_block(
                tiles, xs, x_row + start, plan, plan[P.OFF], low * per_tap, high * per_tap, gs,
                g_row + start, g_plan[P.CHANNEL_PITCH], filters, length, totals, base,
            )  # fmt: skip
            start += length
