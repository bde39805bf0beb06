"""Rows lifted on their way into working memory, for kernels' gradients (`lifted.py`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from npcnn.kernels.tiles import simd
from npcnn.kernels.tiles.runs import overlapping
from npcnn.kernels.tiles.simd import INT


def _emit_lift(builder: Any, to: Any, it: Any, step: Any, n: Any, a: Any, ia: Any, b: Any, ib: Any,
               c: Any, ic: Any, d: Any, id_: Any) -> None:  # fmt: skip
    to = simd.at(builder, to, it)
    rows = [simd.at(builder, *row) for row in ((a, ia), (b, ib), (c, ic), (d, id_))]
    count = simd.vector_type(to.type.pointee).count
    with simd.counted(builder, INT(0), n, count, []) as (start, _, _none):
        t = overlapping(builder, start, n, count)
        d0, d1, d2, d3 = (simd.load(builder, simd.at(builder, row, t)) for row in rows)
        lifted = (
            builder.fsub(d0, d2), builder.fadd(d1, d2), builder.fsub(d2, d1), builder.fsub(d1, d3)
        )  # fmt: skip
        for j, vector in enumerate(lifted):
            simd.store(builder, vector, simd.at(builder, to, builder.mul(step, INT(j)), t))


@simd.native(_emit_lift)
def lift_run(to: Any, it: int, step: int, n: int, a: Any, ia: int, b: Any, ib: int, c: Any, ic: int,
             d: Any, id_: int) -> None:  # fmt: skip
    """Write four rows lifted, to[it:] and three more `step` apart: n elements, a vector at least.

    They are d₀ − d₂, d₁ + d₂, d₂ − d₁ and d₁ − d₃, with d₀ = a[ia:], … d₃ = d[id_:].
    """
    d0, d1, d2, d3 = a[ia : ia + n], b[ib : ib + n], c[ic : ic + n], d[id_ : id_ + n]
    with np.errstate(invalid="ignore"):  # infinity less infinity
        lifted = (d0 - d2, d1 + d2, d2 - d1, d1 - d3)
    for j, row in enumerate(lifted):
        to[it + j * step : it + j * step + n] = row


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Return a square of vectors turned round: halves, then quarters … change places."""
    count = len(rows)
    size = count // 2
    while size:
        first, second = [], []
        for lane in range(count):
            first.append(count + lane - size if lane & size else lane)
            second.append(count + lane if lane & size else lane + size)
        masks = [
            ir.Constant(ir.VectorType(ir.IntType(32), count), lanes) for lanes in (first, second)
        ]
        for i in range(count):
            if not i & size:
                pair = rows[i], rows[i + size]
                rows[i], rows[i + size] = (builder.shuffle_vector(*pair, mask) for mask in masks)
        size //= 2
    return rows


def _emit_turn(builder: Any, to: Any, it: Any, step: Any, pitch: Any, g: Any, upper: Any,
               apart: Any, lower: Any, apart_lower: Any, filters: Any, n: Any) -> None:  # fmt: skip
    to = simd.at(builder, to, it)
    kind = simd.vector_type(to.type.pointee)
    count, zero = kind.count, simd.zeros(kind.element)

    def square(start: Any, row: Any, t: Any, first: Any) -> list[Any]:
        corner, rows = simd.at(builder, g, start, t), []
        for k in range(count):
            f = builder.add(first, INT(k))
            there = builder.icmp_signed("<", f, filters)
            place = simd.at(builder, corner, builder.select(there, builder.mul(f, row), INT(0)))
            mask = simd.splat_mask(builder, there, count)
            rows.append(builder.select(mask, simd.load(builder, place), zero))
        return _turned(builder, rows)

    with (
        simd.counted(builder, INT(0), pitch, count, []) as (first, _, _none),
        simd.counted(builder, INT(0), n, count, []) as (start, _, _none),
    ):
        t = overlapping(builder, start, n, count)
        corner = simd.at(builder, to, builder.mul(t, pitch), first)
        places = [simd.at(builder, corner, builder.mul(pitch, INT(k))) for k in range(count)]
        for place, vector in zip(places, square(upper, apart, t, first), strict=True):
            simd.store(builder, vector, place)
        below = square(lower, apart_lower, t, first)
        for place, vector in zip(places, below, strict=True):
            above = simd.load(builder, place)
            lifted = builder.fadd(above, vector), builder.fsub(above, vector), vector
            for j, each in enumerate(lifted):
                simd.store(builder, each, simd.at(builder, place, builder.mul(step, INT(j + 1))))


@simd.native(_emit_turn)
def turn_run(to: Any, it: int, step: int, pitch: int, g: Any, upper: int, apart: int, lower: int,
             apart_lower: int, filters: int, n: int) -> None:  # fmt: skip
    """Write n cells, a vector of them at least, of two rows and their sum and difference.

    Cell t of filter f of the upper row u = g[upper + f·apart + t], and of the lower one l likewise,
    go to to[it + t·pitch + f], and `step` further on each: u, u + l, u − l, l. Up to the pitch, a
    whole number of vectors, come zeros.
    """
    u, low = np.zeros((2, n, pitch), to.dtype)
    for f in range(filters):
        u[:, f] = g[upper + f * apart : upper + f * apart + n]
        low[:, f] = g[lower + f * apart_lower : lower + f * apart_lower + n]
    with np.errstate(invalid="ignore"):
        lifted = (u, u + low, u - low, low)
    for j, cells in enumerate(lifted):
        to[it + j * step : it + j * step + n * pitch] = cells.reshape(-1)
