"""A kernel's gradient where an image's rows are short: filters along the vectors, not columns.

`slide.dot_rows` sums along a row and keeps a vector of sums for each tap and filter: with rows of
a few cells it does little else than load and store those sums, and one image of 8 × 8 with 64
channels and filters has more of them than the cache holds. Here grad_y is turned round, so that the
filters of a cell are neighbours:

    grad_kernel[k, f] = Σ over cells t of x_k[t] · turned[t, f]

which is what `tiles.slide_tile` does with x's cells for weights: six channels of x by four vectors
of filters, whatever the shape of the image.
"""

from __future__ import annotations

from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.convolution.slide import part, rows_inside
from npcnn.kernels.run.compile import helper
from npcnn.kernels.tiles.runs import zero_run
from npcnn.kernels.tiles.tiles import ADD, ROWS, VECTORS, slide_tile


@helper
def turn_rows(ints, p, q, buf, at, i0, i1, to):
    """Write rows i0 … i1 − 1 of grad_y, packed by the plan at q from buf[at:] on, cell by cell."""
    call = calls.header_at(ints, 0)
    plan, back = plans.plan_at(ints, p), plans.plan_at(ints, q)
    filters, pitch = plan.out_channels, call.filter_pitch
    n = plan.out_width * plan.batch
    for i in range(i0, i1):
        row = at + (i - i0) * back.row_pitch
        start = to + (i - i0) * n * pitch
        if pitch > filters:
            zero_run(buf, start, n * pitch)
        for f in range(filters):
            source = row + f * back.channel_pitch
            for t in range(n):
                buf[start + t * pitch + f] = buf[source + t]


@helper
def add_products(ints, p, cells, buf, places, totals, to):
    """Add the products of some cells, (the first, the last + 1), to the sums of one tap.

    places = (where in buf x is, and where grad_y turned round).
    """
    call = calls.header_at(ints, 0)
    plan = plans.plan_at(ints, p)
    (cells0, cells1), (x_at, g_at), channels = cells, places, plan.channels
    lanes, wide = plan.lanes, call.filter_pitch  # a whole number of vectors
    pitch, g_table = plan.channel_pitch, call.cells_at + call.cells
    across, x_table = (channels + ROWS - 1) // ROWS, call.cells_at
    t = 0
    while t < wide:
        vectors = min((wide - t) // lanes, VECTORS)
        if vectors == 3:
            vectors = 2
        for tile in range(across):
            c, end = part(channels, tile, across)
            slide_tile(
                plan.tiles, end - c, vectors, (vectors - 1) * lanes, buf,
                x_at + c * pitch, pitch, buf, g_at + t, ints, x_table, g_table, cells0, cells1,
                ADD, buf, 0, totals, to + c * wide + t, wide,
            )  # fmt: skip
        t += vectors * lanes


@helper
def outer_rows(ints, buf, x_from, g_from, i0, i1, totals, base):
    """Add the products of x and grad_y in rows i0 … i1 − 1 to the sums at `base`.

    buf holds x's packed rows from `x_from` on, and grad_y's from `g_from` on.
    """
    call = calls.header_at(ints, 0)
    p, q, at = call.forward, call.backward, call.grad_at
    plan, back = plans.plan_at(ints, p), plans.plan_at(ints, q)
    channels, filters = plan.channels, plan.out_channels
    batch, step = plan.batch, plan.row_step
    n, turned = plan.out_width * batch, call.turned_at
    columns = plans.segment_at(ints, p + plan.segment_table).per_tap // channels
    i = i0
    while i < i1:
        stop = min(i + call.cells // n, i1)
        row = at + (i - g_from) * back.row_pitch - back.first_column * batch
        turn_rows(ints, p, q, buf, row, i, stop, turned)
        x_at = (i * step - x_from) * plan.row_pitch
        for u in range(ints[p + plans.ROW_TAPS]):
            first, last = i, stop
            while first < last and not inside(ints, p, first, u):
                first += 1
            while last > first and not inside(ints, p, last - 1, u):
                last -= 1
            for v in range(columns if last > first else 0):
                k = u * channels * columns + v
                to = base + ints[p + plan.woff + k] // filters * call.filter_pitch
                cells, places = (
                    ((first - i) * n, (last - i) * n),
                    (x_at + ints[p + plan.off + k], turned),
                )
                add_products(ints, p, cells, buf, places, totals, to)
        i = stop


@helper
def inside(ints, p, i, u):
    """Return whether row u of the kernel meets a row of the image in output row i."""
    _, low, high = rows_inside(ints, p, i)
    return low <= u < high


@helper
def sum_blocks(ints, k0, k1, totals, to):
    """Write rows k0 … k1 − 1 of a kernel (taps, filters): the sums of its blocks, in order."""
    call = calls.header_at(ints, 0)
    plan = plans.plan_at(ints, call.forward)
    filters, wide, blocks, pitch = plan.out_channels, call.filter_pitch, call.blocks, call.pitch
    at = (filters + 1) * plan.lanes
    for k in range(k0, k1):
        for f in range(filters):
            to[k * filters + f] = totals[at + k * wide + f]
        for block in range(1, blocks):
            start = at + block * pitch + k * wide
            for f in range(filters):
                to[k * filters + f] += totals[start + f]
