"""The two tiles of arithmetic that every convolution and matrix product here is made of.

A tile is a block of vector registers that stays put while long operands stream past it.

`slide_tile` (forward passes, gradients by x):      out[f, t] = Σₖ w[k, f] · row_k[t]

        ┌ row_k, 4 vectors of t ────────────┐       each weight is broadcast and meets
    w ─ │ a00 │ a01 │ a02 │ a03 │  filter 0   each vector of the row once: 6 + 4 loads
    w ─ │ a10 │ a11 │ a12 │ a13 │  filter 1   feed 24 multiply-adds
    ⋮

`dot_tile` (gradients by the kernel):               G[k, f] += Σₜ row_k[t] · g_f[t]

        the same block, rows of x down, rows of g across; a lane sums every 16th t, and
        `sum_lanes` adds the lanes up at the end, in an order that never changes.

row_k is a shifted view into one packed buffer: its start is looked up in a table of offsets.

Both are compiled once a dtype into functions with C's calling convention and called by address, so
that a driver which uses them does not carry (and compile) its own copy of some fifty loops.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import types

from npcnn.kernels.run.compile import native_function
from npcnn.kernels.tiles import simd
from npcnn.kernels.tiles.simd import INT

# Accumulators, one row of vectors, one broadcast weight: 6·4 + 4 + 1 of 32 registers, or
# 6·2 + 2 + 1 of 16.
ROWS = 6
VECTORS = 4 if simd.WIDE else 2
# 5·5 + 5 + 1 of 32, or 3·3 + 3 + 1 of 16. With fewer columns more rows fit.
TAPS, FILTERS = (6, 5) if simd.WIDE else (4, 3)
REGISTERS = 25 if simd.WIDE else 9
RELU, ADD = 1, 2


# The tiles that there are: few enough to compile in half a second, enough to fill rows with.
WIDTHS = (1, 2, 4) if simd.WIDE else (1, 2)
FEW_TAPS = (1, 3)


def taps_beside(filters: int) -> int:
    """Return how many taps a dot tile takes at most beside so many filters."""
    return min(TAPS, REGISTERS // filters)


def _slide_address(builder: Any, address: Any, rows: Any, vectors: Any, last: Any, w: Any, iw: Any,
                   wr: Any, buf: Any, ib: Any, plan: Any, iwoff: Any, ioff: Any, k0: Any, k1: Any,
                   mode: Any, bias: Any, ibias: Any, out: Any, io: Any, orow: Any,
                   ) -> None:  # fmt: skip
    values = [
        rows, vectors, last, simd.at(builder, w, iw), wr, simd.at(builder, buf, ib),
        simd.at(builder, plan, iwoff), simd.at(builder, plan, ioff), k0, k1, mode,
        simd.at(builder, bias, ibias), simd.at(builder, out, io), orow,
    ]  # fmt: skip
    simd.call(builder, address, values)


@simd.native(_slide_address)
def slide_tile(address: int, rows: int, vectors: int, last: int, w: Any, iw: int, wr: int,
               buf: Any, ib: int, plan: Any, iwoff: int, ioff: int, k0: int, k1: int, mode: int,
               bias: Any, ibias: int, out: Any, io: int, orow: int) -> None:  # fmt: skip
    """Compute one tile: `rows` filters by `vectors` vectors, the last of them starting at `last`.

    out[io + r·orow + t] = relu?(bias[ibias + r] + Σ w[iw + plan[iwoff+k] + r·wr] ·
    buf[ib + plan[ioff+k] + t]), k from k0 to k1. With ADD in `mode`, out itself is what is added
    to. `last` is below (vectors − 1)·lanes where a row does not end on a whole vector: its vectors
    then overlap, and compute the same numbers twice.
    """
    lanes = simd.lanes_of(out.dtype)
    starts = [v * lanes for v in range(vectors - 1)] + [last]
    results = []
    for r in range(rows):
        for t in starts:
            place = slice(io + r * orow + t, io + r * orow + t + lanes)
            total = out[place].copy() if mode & ADD else np.full(lanes, bias[ibias + r])
            for k in range(k0, k1):
                row = ib + plan[ioff + k] + t
                total += w[iw + plan[iwoff + k] + r * wr] * buf[row : row + lanes]
            results.append((place, np.maximum(total, 0) if mode & RELU else total))
    for place, total in results:
        out[place] = total


def _emit_slide(rows: int, vectors: int, builder: Any, last: Any, w: Any, wr: Any, buf: Any,
                woff: Any, off: Any, k0: Any, k1: Any, mode: Any, bias: Any, out: Any,
                orow: Any) -> None:  # fmt: skip
    element = w.type.pointee
    lanes = simd.vector_type(element).count
    starts = [INT(v * lanes) for v in range(vectors - 1)] + [last]
    w_rows = [builder.mul(wr, INT(r)) for r in range(rows)]
    places = [
        simd.at(builder, out, builder.mul(orow, INT(r)), t) for r in range(rows) for t in starts
    ]
    adds = builder.icmp_signed("!=", builder.and_(mode, INT(ADD)), INT(0))
    from_bias, from_out = builder.append_basic_block(), builder.append_basic_block()
    begin = builder.append_basic_block()
    builder.cbranch(adds, from_out, from_bias)
    builder.position_at_end(from_out)
    old = [simd.load(builder, place) for place in places]
    builder.branch(begin)
    builder.position_at_end(from_bias)
    biases = [
        simd.splat(builder, builder.load(simd.at(builder, bias, INT(r)))) for r in range(rows)
    ]
    builder.branch(begin)
    builder.position_at_end(begin)
    state = []
    for slot in range(rows * vectors):
        phi = builder.phi(old[0].type)
        phi.add_incoming(old[slot], from_out)
        phi.add_incoming(biases[slot // vectors], from_bias)
        state.append(phi)
    with simd.counted(builder, k0, k1, 1, state) as (k, totals, new):
        row = simd.at(builder, buf, builder.load(simd.at(builder, off, k)))
        weights = simd.at(builder, w, builder.load(simd.at(builder, woff, k)))
        xs = [simd.load(builder, simd.at(builder, row, t)) for t in starts]
        for r in range(rows):
            weight = simd.splat(builder, builder.load(simd.at(builder, weights, w_rows[r])))
            new += [
                simd.multiply_add(builder, weight, xs[v], totals[r * vectors + v])
                for v in range(vectors)
            ]
    zero = simd.zeros(element)
    relu = builder.icmp_signed("!=", builder.and_(mode, INT(RELU)), INT(0))
    for total, place in zip(new, places, strict=True):
        # "below zero", not "not above": NaN stays NaN
        low = builder.fcmp_ordered("<", total, zero)
        cut = builder.select(low, zero, total)
        simd.store(builder, builder.select(relu, cut, total), place)


def _dot_address(builder: Any, address: Any, taps: Any, filters: Any, n: Any, x: Any, ix: Any,
                 plan: Any, ioff: Any, g: Any, ig: Any, grow: Any, totals: Any, it: Any,
                 trow: Any) -> None:  # fmt: skip
    values = [
        taps, filters, n, simd.at(builder, x, ix), simd.at(builder, plan, ioff),
        simd.at(builder, g, ig), grow, simd.at(builder, totals, it), trow,
    ]  # fmt: skip
    simd.call(builder, address, values)


@simd.native(_dot_address)
def dot_tile(address: int, taps: int, filters: int, n: int, x: Any, ix: int, plan: Any, ioff: int,
             g: Any, ig: int, grow: int, totals: Any, it: int, trow: int) -> None:  # fmt: skip
    """Add n products to each pair of a tap and a filter, lane by lane.

    totals[it + a·trow + b·lanes + l] += Σ x[ix + plan[ioff+a] + t] · g[ig + b·grow + t], over all
    t below n with t % lanes = l. Reads, but does not use, up to a vector beyond both rows' ends.
    """
    lanes = simd.lanes_of(g.dtype)
    for a in range(taps):
        for b in range(filters):
            row, column = ix + plan[ioff + a], ig + b * grow
            products = np.zeros(-(-n // lanes) * lanes, g.dtype)
            products[:n] = x[row : row + n] * g[column : column + n]
            place = it + a * trow + b * lanes
            totals[place : place + lanes] += products.reshape(-1, lanes).sum(axis=0)


def _emit_dot(taps: int, filters: int, builder: Any, n: Any, x: Any, off: Any, g: Any, grow: Any,
              totals: Any, trow: Any) -> None:  # fmt: skip
    kind = simd.vector_type(x.type.pointee)
    xs = [simd.at(builder, x, builder.load(simd.at(builder, off, INT(a)))) for a in range(taps)]
    gs = [simd.at(builder, g, builder.mul(grow, INT(b))) for b in range(filters)]
    places = [
        simd.at(builder, totals, builder.mul(trow, INT(a)), INT(b * kind.count))
        for a in range(taps) for b in range(filters)
    ]  # fmt: skip

    def products(sums: list[Any], t: Any, mask: Any = None) -> list[Any]:
        def read(row: Any) -> Any:
            vector = simd.load(builder, simd.at(builder, row, t))
            if mask is None:
                return vector
            return builder.select(mask, vector, simd.zeros(kind.element))

        columns = [read(row) for row in gs]
        new = []
        for a in range(taps):
            vector = read(xs[a])
            for b in range(filters):
                new.append(simd.multiply_add(builder, vector, columns[b], sums[a * filters + b]))
        return new

    state = [simd.load(builder, place) for place in places]
    whole = builder.and_(n, INT(-kind.count))
    with simd.counted(builder, INT(0), whole, kind.count, state) as (t, sums, new):
        new += products(sums, t)
    with simd.counted(builder, whole, n, kind.count, new) as (t, sums, ends):
        ends += products(sums, t, simd.lanes_below(builder, builder.sub(n, t), kind))
    for total, place in zip(ends, places, strict=True):
        simd.store(builder, total, place)


def _all_slides(builder: Any, rows: Any, vectors: Any, *values: Any) -> None:
    def case(r: int, v: int) -> Any:
        emit = functools.partial(_emit_slide, r, v)
        return lambda b: simd.separate(b, f"slide_{r}_{v}", list(values), emit)

    cases = {8 * r + v: case(r, v) for r in range(1, ROWS + 1) for v in WIDTHS}
    simd.switch(builder, builder.add(builder.mul(rows, INT(8)), vectors), cases)


def _all_dots(builder: Any, taps: Any, filters: Any, *values: Any) -> None:
    def case(a: int, b: int) -> Any:
        emit = functools.partial(_emit_dot, a, b)
        return lambda builder: simd.separate(builder, f"dot_{a}_{b}", list(values), emit)

    pairs = {(a, b) for b in range(1, FILTERS + 1) for a in (*FEW_TAPS, taps_beside(b))}
    cases = {8 * a + b: case(a, b) for a, b in pairs}
    simd.switch(builder, builder.add(builder.mul(taps, INT(8)), filters), cases)


def _slide(rows: int, vectors: int, last: int, w: Any, wr: int, buf: Any, woff: Any, off: Any,
           k0: int, k1: int, mode: int, bias: Any, out: Any, orow: int) -> None:  # fmt: skip
    """Run the slide tile of that shape; compiled code only (see `slide_tile`)."""


def _dot(taps: int, filters: int, n: int, x: Any, off: Any, g: Any, grow: int, totals: Any,
         trow: int) -> None:  # fmt: skip
    """Run the dot tile of that shape; compiled code only (see `dot_tile`)."""


simd.native(_all_slides)(_slide)
simd.native(_all_dots)(_dot)


def _slide_entry(rows, vectors, last, w, wr, buf, woff, off, k0, k1, mode, bias, out, orow):
    _slide(rows, vectors, last, w, wr, buf, woff, off, k0, k1, mode, bias, out, orow)


def _dot_entry(taps, filters, n, x, off, g, grow, totals, trow):
    _dot(taps, filters, n, x, off, g, grow, totals, trow)


@functools.cache
def slide_address(dtype: np.dtype) -> int:
    """Return where the compiled slide tiles of a dtype are."""
    real = types.CPointer(types.float32 if dtype.itemsize == 4 else types.float64)
    whole, table = types.int64, types.CPointer(types.int64)
    signature = types.void(
        whole, whole, whole, real, whole, real, table, table, whole, whole, whole, real, real, whole
    )
    return native_function(signature, _slide_entry)


@functools.cache
def dot_address(dtype: np.dtype) -> int:
    """Return where the compiled dot tiles of a dtype are."""
    real = types.CPointer(types.float32 if dtype.itemsize == 4 else types.float64)
    whole, table = types.int64, types.CPointer(types.int64)
    signature = types.void(whole, whole, whole, real, table, real, whole, real, whole)
    return native_function(signature, _dot_entry)
