"""A kernel's gradient with many channels and filters: two of grad_y's rows for four products.

With the rows and products of `winograd.py`, differentiated by the kernel's rows k₀, k₁, k₂:

    s₀ = Σ (d₀ − d₂) · g₀                  grad_k₀ = s₀ + (s₁ + s₂) / 2
    s₁ = Σ (d₁ + d₂) · (g₀ + g₁)           grad_k₁ = (s₁ − s₂) / 2
    s₂ = Σ (d₂ − d₁) · (g₀ − g₁)           grad_k₂ = (s₁ + s₂) / 2 − s₃
    s₃ = Σ (d₁ − d₃) · g₁

where the plain sum takes six. x's rows are lifted channel by channel, and grad_y's turned round on
the way, so that the filters of a cell are neighbours, as in `outer.py`: with so many channels that
costs a small share of the products it saves. NaN in two rows' reach gets into all three rows of the
kernel's gradient.
"""

from __future__ import annotations

from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.convolution.slide import part
from npcnn.kernels.run.compile import ZERO, helper
from npcnn.kernels.tiles.lifted_tiles import lift_run, turn_run
from npcnn.kernels.tiles.runs import zero_run
from npcnn.kernels.tiles.tiles import ADD, ROWS, VECTORS, slide_tile


@helper
def lift_rows(ints, p, x, c0, c1, places, buf):
    """Lift what some cells draw on of four of x's rows, channels c0 … c1 − 1.

    `places` is (the first row, the first cell, how many cells).
    """
    call = calls.header_at(ints, 0)
    plan = plans.plan_at(ints, p)
    top, t, n = places
    height, line = plan.height, plan.width * plan.batch
    pitch, nothing, lanes = call.lifted_pitch, call.nothing_at, plan.lanes
    most = call.cells + call.cells // 2
    first, length = t + call.leftmost, n + pitch - most
    start = min(max(first, 0), line)
    inside = min(max(first + length, start), line) - start
    for c in range(c0, c1):
        a = b = c_ = d = buf
        ia = ib = ic = id_ = nothing
        row = (c * height + top) * line + start
        if 0 <= top < height:
            a, ia = x, row
        if 0 <= top + 1 < height:
            b, ib = x, row + line
        if 0 <= top + 2 < height:
            c_, ic = x, row + 2 * line
        if 0 <= top + 3 < height:
            d, id_ = x, row + 3 * line
        to = call.lifted_at + (c - c0) * pitch
        step = ROWS * pitch
        if inside < length:
            for j in range(4):
                zero_run(buf, to + j * step, length)
        to += start - first
        if inside >= lanes:
            lift_run(buf, to, step, inside, a, ia, b, ib, c_, ic, d, id_)
            continue
        for k in range(inside):
            d0, d1, d2, d3 = a[ia + k], b[ib + k], c_[ic + k], d[id_ + k]
            buf[to + k], buf[to + step + k] = d0 - d2, d1 + d2
            buf[to + 2 * step + k], buf[to + 3 * step + k] = d2 - d1, d1 - d3


@helper
def add_products(ints, p, c0, c1, n, buf, totals, base):
    """Add the products of n cells to the sums of some channels and all filters."""
    call = calls.header_at(ints, 0)
    plan = plans.plan_at(ints, p)
    channels, pitch, wide = (
        plan.channels, call.lifted_pitch, call.filter_pitch,
    )  # fmt: skip
    lanes, columns = plan.lanes, call.kernel_columns
    most, x_table = call.cells + call.cells // 2, call.cells_at
    for j in range(4):
        source = call.lifted_at + j * ROWS * pitch
        turned = call.turned_at + j * most * wide
        for v in range(columns):
            x_at = source + ints[x_table + 2 * most + v]
            to = base + ((j * columns + v) * channels + c0) * wide
            t = 0
            while t < wide:
                vectors = min((wide - t) // lanes, VECTORS)
                if vectors == 3:
                    vectors = 2
                slide_tile(
                    plan.tiles, c1 - c0, vectors, (vectors - 1) * lanes, buf, x_at,
                    pitch, buf, turned + t, ints, x_table, x_table + most, 0, n, ADD, buf, 0,
                    totals, to + t, wide,
                )  # fmt: skip
                t += vectors * lanes


@helper
def lifted_rows(ints, x, buf, g_from, i0, i1, totals, base):
    """Add the products of x and grad_y in rows i0 … i1 − 1, pair by pair, to the sums at `base`.

    buf holds grad_y's packed rows from `g_from` on.
    """
    call = calls.header_at(ints, 0)
    p, q, at = call.forward, call.backward, call.grad_at
    plan, back = plans.plan_at(ints, p), plans.plan_at(ints, q)
    channels, filters = plan.channels, plan.out_channels
    batch, cells = plan.batch, call.cells
    line, most = plan.out_width * batch, cells + cells // 2
    across, wide = (channels + ROWS - 1) // ROWS, call.filter_pitch
    zero_run(buf, call.nothing_at, call.lifted_pitch)
    for i in range(i0, i1, 2):
        row = at + (i - g_from) * back.row_pitch - back.first_column * batch
        t, top = 0, i + plan.first_row
        while t < line:
            n = line - t if line - t <= most else cells
            below, apart = row + back.row_pitch + t, back.channel_pitch
            if i + 1 == i1:  # no row below
                below, apart = call.nothing_at, ZERO
            turn_run(
                buf, call.turned_at, most * wide, wide, buf, row + t,
                back.channel_pitch, below, apart, filters, n,
            )  # fmt: skip
            for tile in range(across):
                c0, c1 = part(channels, tile, across)
                lift_rows(ints, p, x, c0, c1, (top, t, n), buf)
                add_products(ints, p, c0, c1, n, buf, totals, base)
            t += n


@helper
def lower_sums(ints, p, k0, k1, to, totals):
    """Write taps k0 … k1 − 1 of each of the kernel's three rows (taps, filters) of its gradient."""
    call = calls.header_at(ints, 0)
    plan = plans.plan_at(ints, p)
    filters, wide = plan.out_channels, call.filter_pitch
    taps = call.kernel_columns * plan.channels
    at, blocks, pitch = (
        (filters + 1) * plan.lanes, call.blocks, call.pitch,
    )  # fmt: skip
    for k in range(k0, k1):
        for f in range(filters):
            start, row = at + k * wide + f, taps * wide
            s0, s1 = totals[start], totals[start + row]
            s2, s3 = totals[start + 2 * row], totals[start + 3 * row]
            for block in range(1, blocks):
                place = start + block * pitch
                s0, s1 = s0 + totals[place], s1 + totals[place + row]
                s2, s3 = s2 + totals[place + 2 * row], s3 + totals[place + 3 * row]
            middle = (s1 + s2) * 0.5
            to[k * filters + f] = s0 + middle
            to[(taps + k) * filters + f] = (s1 - s2) * 0.5
            to[(2 * taps + k) * filters + f] = middle - s3
