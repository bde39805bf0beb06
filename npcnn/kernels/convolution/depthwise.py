"""A channel that is a group of its own: one filter at a time, along whole rows.

There is nothing to share between filters, so that each multiply-add loads a vector. What counts is
that nothing else is done: a channel's rows are packed once, a row of the output is one loop over
its vectors (`run_tile`), and all taps of a row are added to a kernel's sums at once.
"""

from __future__ import annotations

from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.convolution.slide import (
    copy_rows,
    dot_rows,
    pack_rows,
    part,
    rows_inside,
    source_rows,
)
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import ZERO, helper
from npcnn.kernels.tiles.depthwise_tiles import run_tile
from npcnn.kernels.tiles.runs import copy_run, zero_run


@helper
def fill_row(ints, p, buf, places, w, bias, how, out):
    """Fill row i of channel f of out (F, OH, OW, N), places being (i, f, where in buf row 0 is).

    `how` is the mode, and scratch memory for what cannot be written in place.
    """
    call = calls.header_at(ints, 0)
    plan = plans.plan_at(ints, p)
    (i, f, at), (mode, scratch) = places, how
    start, low, high = rows_inside(ints, p, i)
    batch, spare = plan.batch, call.spare_at
    lanes, segments = plan.lanes, plan.segments
    line = plan.out_width * batch
    io, ib = (f * plan.out_height + i) * line, at + start * plan.row_pitch
    for segment in range(segments):
        about = plans.segment_at(ints, p + plan.segment_table + segment * plans.SEGMENT)
        per_tap, every, columns = (
            about.per_tap, about.every, about.columns,
        )  # fmt: skip
        table = (i % plan.row_phases * segments + segment) * plan.taps
        table += p + low * per_tap
        taps = (
            plan.woff + table, plan.off + table, (high - low) * per_tap,
            max(columns * batch, lanes),
        )  # fmt: skip
        direct = every == 1 and columns * batch >= lanes
        to, place = out, io + about.start * batch
        row = ib + about.base
        if not direct:
            to, place = scratch, spare
        run_tile(to, w, buf, bias, ints, (place, f * plan.w_step, row, f), taps, mode)
        for q in range(0 if direct else columns):
            cell = io + (about.start + q * every) * batch
            copy_run(out, cell, scratch, spare + q * batch, batch)


@helper
def pack_until(ints, p, source, at, done, last, scratch):
    """Pack a channel's rows from `done` up to `last`, row 0 at scratch[at:]; return the later."""
    plan = plans.plan_at(ints, p)
    if last <= done:
        return done
    copy_rows(ints, p, source, (done, last), (scratch, at + done * plan.row_pitch))
    return last


@Body
def _forward(task, ints, scratch, x, w, bias, y):
    """Fill a block of rows of a channel's filters."""
    call = calls.header_at(ints, 0)
    p = call.forward
    plan = plans.plan_at(ints, p)
    i0, i1 = part(plan.out_height, task, call.blocks)
    packed, _ = source_rows(ints, p, i0, i1)
    rows, at = x, ZERO
    if call.packed:
        rows, at = scratch, -packed * plan.row_pitch
    for i in range(i0, i1):
        _, last = source_rows(ints, p, i, i + 1)
        if call.packed:
            packed = pack_until(ints, p, x, at, packed, last, scratch)
        for f in range(plan.out_channels):
            fill_row(ints, p, rows, (i, f, at), w, bias, (call.mode, scratch), y)


@Body
def _backward(task, ints, scratch, x, g, y, w, zeros, grad_x, totals):
    """Fill a block of rows of grad_x, and the block's own sums for the other gradients.

    What is packed is used while it is in the cache: a row of grad_y comes, is added to the sums
    with the rows of x it meets, and then rows of grad_x that need no further one.
    """
    call = calls.header_at(ints, 0)
    p, q, blocks = call.forward, call.backward, call.blocks
    plan, back = plans.plan_at(ints, p), plans.plan_at(ints, q)
    i0, i1 = part(plan.out_height, task, blocks)
    r, r1 = part(plan.height, task, blocks)
    first, last, start = i0, i1, task * call.pitch
    if call.wanted:
        above, below = source_rows(ints, q, r, r1)
        first, last = min(first, above), max(last, below)
    else:
        r1 = r
    x_from, _ = source_rows(ints, p, i0, i1)
    packed, at = x_from, call.grad_at - first * back.row_pitch
    sums = start + (plan.out_channels + 1) * plan.lanes
    zero_run(totals, start, call.pitch)
    for i in range(first, last):
        place, own = (scratch, at + i * back.row_pitch), (totals, start, i0, i1)
        pack_rows(ints, q, g, (i, i + 1), place, (call.mode, y), own)
        if i0 <= i < i1:
            _, below = source_rows(ints, p, i, i + 1)
            packed = pack_until(ints, p, x, -x_from * plan.row_pitch, packed, below, scratch)
            grad = scratch, call.grad_at, first
            dot_rows(ints, (scratch, x_from), grad, i, i + 1, totals, sums)
        while r < r1 and (i + 1 == last or source_rows(ints, q, r, r + 1)[1] <= i + 1):
            fill_row(ints, q, scratch, (r, ZERO, at), w, zeros, (ZERO, scratch), grad_x)
            r += 1
