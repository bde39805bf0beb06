"""The slide tile of `tiles.py` once more, for two rows at a time (`winograd.py` says what for).

It lifts four source rows on the way into its multiply-adds and lowers its sums on the way out,
so that neither the lifted rows nor the products ever reach memory. Written there, they cost all
that the saved products gain: with 5 channels and filters, on one core, a pass took 270 µs where
plain rows took 215; lifted in the tile, it takes 150.

    d₀ … d₃  →  d₀ − d₂, d₁ + d₂, d₂ − d₁, d₁ − d₃     4 loads, 4 additions, and for each of
                 × w₀      × w₁     × w₂     × w₃       five filters 4 multiply-adds
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import types

from npcnn.kernels.run.compile import native_function
from npcnn.kernels.tiles import simd
from npcnn.kernels.tiles.runs import overlapping
from npcnn.kernels.tiles.simd import INT

# 4·5 sums, four lifted rows and four on their way, of 32 registers. A weight is used once: it is
# broadcast from memory as a multiply-add's operand.
FILTERS = 5


def _lifted(builder: Any, rows: list[Any]) -> list[Any]:
    d0, d1, d2, d3 = rows
    return [builder.fsub(d0, d2), builder.fadd(d1, d2), builder.fsub(d2, d1), builder.fsub(d1, d3)]


def _slide_address(builder: Any, address: Any, filters: Any, n: Any, a: Any, ia: Any, ma: Any,
                   b: Any, ib: Any, mb: Any, c: Any, ic: Any, mc: Any, d: Any, id_: Any, md: Any,
                   plan: Any, ioff: Any, iplace: Any, taps: Any, w: Any, iw: Any, bias: Any,
                   ibias: Any, relu: Any, out: Any, io: Any, second: Any, orow: Any,
                   ) -> None:  # fmt: skip
    rows = [simd.at(builder, *row) for row in ((a, ia), (b, ib), (c, ic), (d, id_))]
    values = [
        filters, n, *rows, ma, mb, mc, md, simd.at(builder, plan, ioff),
        simd.at(builder, plan, iplace), taps, simd.at(builder, w, iw),
        simd.at(builder, bias, ibias), relu, simd.at(builder, out, io), second, orow,
    ]  # fmt: skip
    simd.call(builder, address, values)


@simd.native(_slide_address)
def slide_pair_tile(address: int, filters: int, n: int, a: Any, ia: int, ma: int, b: Any, ib: int,
                    mb: int, c: Any, ic: int, mc: int, d: Any, id_: int, md: int, plan: Any,
                    ioff: int, iplace: int, taps: int, w: Any, iw: int, bias: Any, ibias: int,
                    relu: int, out: Any, io: int, second: int, orow: int) -> None:  # fmt: skip
    """Fill n elements (a vector at least) of two rows of `filters` filters.

    With Σ over the taps k, dⱼ source row j at its index + (plan[ioff+k] & its mask), lifted to lⱼ,
    and wⱼ = w[iw + plan[iplace+k]·4·filters + 4·f + j]: mⱼ = Σ wⱼ·lⱼ;
    out[io + f·orow + t] = m₀ + m₁ + m₂ + bias, out[io + second + f·orow + t] = m₁ − m₂ − m₃ + bias,
    max(·, 0) of both if relu. A mask is −1, or 0 for a row of zeros that is the same at all taps.
    With second = 0 only the first row is there.
    """
    sums = np.zeros((filters, 4, n), out.dtype)
    for k in range(taps):
        rows = []
        for source, start, mask in ((a, ia, ma), (b, ib, mb), (c, ic, mc), (d, id_, md)):
            at = start + (plan[ioff + k] & mask)
            rows.append(source[at : at + n])
        with np.errstate(invalid="ignore"):  # infinity less infinity
            lifted = (rows[0] - rows[2], rows[1] + rows[2], rows[2] - rows[1], rows[1] - rows[3])
        for f in range(filters):
            for j, row in enumerate(lifted):
                sums[f, j] += w[iw + plan[iplace + k] * 4 * filters + 4 * f + j] * row
    for f in range(filters):
        m0, m1, m2, m3 = sums[f]
        with np.errstate(invalid="ignore"):
            both = ((m1 - m2 - m3, second), (m0 + m1 + m2, 0))
        for row, offset in both:
            at = io + offset + f * orow
            out[at : at + n] = row + bias[ibias + f]
            if relu:
                out[at : at + n] = np.maximum(out[at : at + n], 0)


def _emit_slide(filters: int, builder: Any, n: Any, a: Any, b: Any, c: Any, d: Any, ma: Any,
                mb: Any, mc: Any, md: Any, off: Any, place: Any, taps: Any, w: Any, bias: Any,
                relu: Any, out: Any, second: Any, orow: Any) -> None:  # fmt: skip
    element = out.type.pointee
    count = simd.vector_type(element).count
    zero = simd.zeros(element)
    cuts = builder.icmp_signed("!=", relu, INT(0))
    biases = [
        simd.splat(builder, builder.load(simd.at(builder, bias, INT(f)))) for f in range(filters)
    ]
    with simd.counted(builder, INT(0), n, count, []) as (step, _, _none):
        t = overlapping(builder, step, n, count)
        starts = [simd.at(builder, row, t) for row in (a, b, c, d)]
        with simd.counted(builder, INT(0), taps, 1, [zero] * (4 * filters)) as (k, sums, new):
            offset = builder.load(simd.at(builder, off, k))
            at = builder.mul(builder.load(simd.at(builder, place, k)), INT(4 * filters))
            weights = simd.at(builder, w, at)
            rows = [
                simd.load(builder, simd.at(builder, start, builder.and_(offset, mask)))
                for start, mask in zip(starts, (ma, mb, mc, md), strict=True)
            ]
            lifted = _lifted(builder, rows)
            for slot, total in enumerate(sums):
                weight = builder.load(simd.at(builder, weights, INT(slot)))
                factor = simd.splat(builder, weight)
                new.append(simd.multiply_add(builder, factor, lifted[slot % 4], total))
        for f in range(filters):
            m0, m1, m2, m3 = new[4 * f : 4 * f + 4]
            upper = builder.fadd(builder.fadd(m0, m1), builder.fadd(m2, biases[f]))
            lower = builder.fadd(builder.fsub(m1, m2), builder.fsub(biases[f], m3))
            row = simd.at(builder, out, builder.mul(orow, INT(f)), t)
            # the lower row first: with second = 0 the upper one replaces it
            for vector, pointer in ((lower, simd.at(builder, row, second)), (upper, row)):
                low = builder.fcmp_ordered("<", vector, zero)  # NaN stays NaN
                cut = builder.select(low, zero, vector)
                simd.store(builder, builder.select(cuts, cut, vector), pointer)


def _all_slides(builder: Any, filters: Any, *values: Any) -> None:
    def case(f: int) -> Any:
        tile = functools.partial(_emit_slide, f)
        return lambda b: simd.separate(b, f"slide_pair_{f}", list(values), tile)

    simd.switch(builder, filters, {f: case(f) for f in range(1, FILTERS + 1)})


def _slide(filters: int, n: int, a: Any, b: Any, c: Any, d: Any, ma: int, mb: int, mc: int, md: int,
           off: Any, place: Any, taps: int, w: Any, bias: Any, relu: int, out: Any, second: int,
           orow: int) -> None:  # fmt: skip
    """Run the tile for so many filters; compiled code only (see `slide_pair_tile`)."""


simd.native(_all_slides)(_slide)


def _slide_entry(
    filters, n, a, b, c, d, ma, mb, mc, md, off, place, taps, w, bias, relu, out, second, orow
):
    _slide(
        filters, n, a, b, c, d, ma, mb, mc, md, off, place, taps, w, bias, relu, out, second, orow
    )  # fmt: skip


@functools.cache
def slide_address(dtype: np.dtype) -> int:
    """Return where the compiled tiles of a dtype are."""
    real = types.CPointer(types.float32 if dtype.itemsize == 4 else types.float64)
    whole, table = types.int64, types.CPointer(types.int64)
    signature = types.void(
        whole, whole, real, real, real, real, whole, whole, whole, whole, table, table, whole, real,
        real, whole, real, whole, whole,
    )  # fmt: skip
    return native_function(signature, _slide_entry)
