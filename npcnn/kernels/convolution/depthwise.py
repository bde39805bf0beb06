"""A channel that is a group of its own: one filter at a time, along whole rows.

There is nothing to share between filters, so that each multiply-add loads a vector. What counts is
that nothing else is done: a channel's rows are packed once, a row of the output is one loop over
its vectors (`run_tile`), and all taps of a row are added to a kernel's sums at once.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from npcnn.kernels.convolution import calls, plans
from npcnn.kernels.convolution.slide import dot_rows, pack_rows, part, rows_inside, source_rows
from npcnn.kernels.run.body import Body
from npcnn.kernels.run.compile import ZERO, helper
from npcnn.kernels.tiles.depthwise_tiles import run_tile
from npcnn.kernels.tiles.runs import copy_run, zero_run


@helper
def fill_row(ints, p, buf, places, w, bias, how, out):
    """Fill row i of channel f of out (F, OH, OW, N), places being (i, f, where in buf row 0 is).

    `how` is the mode, and scratch memory for what cannot be written in place.
    """
    (i, f, at), (mode, scratch) = places, how
    start, low, high = rows_inside(ints, p, i)
    batch, spare = ints[p + plans.BATCH], ints[calls.SPARE_AT]
    lanes, segments = ints[p + plans.LANES], ints[p + plans.SEGMENTS]
    line = ints[p + plans.OUT_WIDTH] * batch
    io, ib = (f * ints[p + plans.OUT_HEIGHT] + i) * line, at + start * ints[p + plans.ROW_PITCH]
    for segment in range(segments):
        about = p + ints[p + plans.SEGMENT_TABLE] + segment * plans.SEGMENT
        per_tap, every, columns = (
            ints[about + plans.PER_TAP], ints[about + plans.EVERY], ints[about + plans.COUNT],
        )  # fmt: skip
        table = (i % ints[p + plans.ROW_PHASES] * segments + segment) * ints[p + plans.TAPS]
        table += p + low * per_tap
        taps = (
            ints[p + plans.WOFF] + table, ints[p + plans.OFF] + table, (high - low) * per_tap,
            max(columns * batch, lanes),
        )  # fmt: skip
        direct = every == 1 and columns * batch >= lanes
        to, place = out, io + ints[about + plans.START] * batch
        row = ib + ints[about + plans.BASE]
        if not direct:
            to, place = scratch, spare
        run_tile(to, w, buf, bias, ints, (place, f * ints[p + plans.W_STEP], row, f), taps, mode)
        for q in range(0 if direct else columns):
            cell = io + (ints[about + plans.START] + q * every) * batch
            copy_run(out, cell, scratch, spare + q * batch, batch)


@helper
def pack_until(ints, p, source, at, done, last, scratch):
    """Pack a channel's rows from `done` up to `last`, row 0 at scratch[at:]; return the later."""
    if last <= done:
        return done
    at += done * ints[p + plans.ROW_PITCH]
    pack_rows(ints, p, source, source, ZERO, done, last, ZERO, ZERO, scratch, at, scratch, ZERO)
    return last


@Body
def _forward(task, ints, scratch, x, w, bias, y):
    """Fill a block of rows of a channel's filters."""
    p = ints[calls.FORWARD]
    i0, i1 = part(ints[p + plans.OUT_HEIGHT], task, ints[calls.BLOCKS])
    packed, _ = source_rows(ints, p, i0, i1)
    rows, at = x, ZERO
    if ints[calls.PACKED]:
        rows, at = scratch, -packed * ints[p + plans.ROW_PITCH]
    for i in range(i0, i1):
        _, last = source_rows(ints, p, i, i + 1)
        if ints[calls.PACKED]:
            packed = pack_until(ints, p, x, at, packed, last, scratch)
        for f in range(ints[p + plans.OUT_CHANNELS]):
            fill_row(ints, p, rows, (i, f, at), w, bias, (ints[calls.MODE], scratch), y)


@Body
def _backward(task, ints, scratch, x, g, y, w, zeros, grad_x, totals):
    """Fill a block of rows of grad_x, and the block's own sums for the other gradients.

    What is packed is used while it is in the cache: a row of grad_y comes, is added to the sums
    with the rows of x it meets, and then rows of grad_x that need no further one.
    """
    p, q, blocks = ints[calls.FORWARD], ints[calls.BACKWARD], ints[calls.BLOCKS]
    i0, i1 = part(ints[p + plans.OUT_HEIGHT], task, blocks)
    r, r1 = part(ints[p + plans.HEIGHT], task, blocks)
    first, last, start = i0, i1, task * ints[calls.PITCH]
    if ints[calls.WANTED]:
        above, below = source_rows(ints, q, r, r1)
        first, last = min(first, above), max(last, below)
    else:
        r1 = r
    x_from, _ = source_rows(ints, p, i0, i1)
    packed, at = x_from, ints[calls.GRAD_AT] - first * ints[q + plans.ROW_PITCH]
    sums = start + (ints[p + plans.OUT_CHANNELS] + 1) * ints[p + plans.LANES]
    zero_run(totals, start, ints[calls.PITCH])
    for i in range(first, last):
        pack_rows(
            ints, q, g, y, ints[calls.MODE], i, i + 1, i0, i1, scratch,
            at + i * ints[q + plans.ROW_PITCH], totals, start,
        )  # fmt: skip
        if i0 <= i < i1:
            _, below = source_rows(ints, p, i, i + 1)
            packed = pack_until(
                ints, p, x, -x_from * ints[p + plans.ROW_PITCH], packed, below, scratch
            )
            dot_rows(
                ints, p, scratch, x_from, q, scratch, ints[calls.GRAD_AT], first, i, i + 1, totals,
                sums,
            )  # fmt: skip
        while r < r1 and (i + 1 == last or source_rows(ints, q, r, r + 1)[1] <= i + 1):
            fill_row(ints, q, scratch, (r, ZERO, at), w, zeros, (ZERO, scratch), grad_x)
            r += 1
