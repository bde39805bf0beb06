"""A row of one filter's output in one loop over its vectors (`depthwise.py` says what for)."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn.kernels.tiles import simd
from npcnn.kernels.tiles.runs import Quad, overlapping
from npcnn.kernels.tiles.simd import INT

VECTORS = (8, 4)  # sums of one filter: enough that no multiply-add waits for the one before


def _emit_run(builder: Any, out: Any, w: Any, buf: Any, bias: Any, plan: Any, places: Any,
              taps: Any, relu: Any) -> None:  # fmt: skip
    (io, iw, ib, ibias), (woff, off, taps, n) = places, taps
    out, w, buf = simd.at(builder, out, io), simd.at(builder, w, iw), simd.at(builder, buf, ib)
    arguments = [
        out, w, buf, simd.at(builder, bias, ibias), simd.at(builder, plan, woff),
        simd.at(builder, plan, off), taps, n, relu,
    ]  # fmt: skip
    simd.separate(builder, "depthwise_run", arguments, _emit_loops)


def _emit_loops(builder: Any, out: Any, w: Any, buf: Any, bias: Any, woff: Any, off: Any,
                taps: Any, n: Any, relu: Any) -> None:  # fmt: skip
    kind = simd.vector_type(out.type.pointee)
    count, zero = kind.count, simd.zeros(kind.element)
    first = simd.splat(builder, builder.load(bias))
    cuts = simd.splat_mask(builder, builder.icmp_signed("!=", relu, INT(0)), count)

    def tile(t: Any, vectors: int) -> None:
        starts = [builder.add(t, INT(v * count)) for v in range(vectors)]
        with simd.counted(builder, INT(0), taps, 1, [first] * vectors) as (k, totals, new):
            row = simd.at(builder, buf, builder.load(simd.at(builder, off, k)))
            place = simd.at(builder, w, builder.load(simd.at(builder, woff, k)))
            weight = simd.splat(builder, builder.load(place))
            for start, total in zip(starts, totals, strict=True):
                vector = simd.load(builder, simd.at(builder, row, start))
                new.append(simd.multiply_add(builder, weight, vector, total))
        for start, total in zip(starts, new, strict=True):
            low = builder.and_(cuts, builder.fcmp_ordered("<", total, zero))  # NaN stays NaN
            simd.store(builder, builder.select(low, zero, total), simd.at(builder, out, start))

    done = INT(0)
    for vectors in VECTORS:
        whole = builder.and_(n, INT(-vectors * count))
        with simd.counted(builder, done, whole, vectors * count, []) as (t, _, _none):
            tile(t, vectors)
        done = whole
    with simd.counted(builder, done, n, count, []) as (t, _, _none):
        tile(overlapping(builder, t, n, count), 1)


@simd.native(_emit_run)
def run_tile(out: Any, w: Any, buf: Any, bias: Any, plan: Any, places: Quad, taps: Quad, relu: int
             ) -> None:  # fmt: skip
    """Fill n elements, a vector at least: out[io + t] = relu?(bias + Σ w_k · row_k[t]).

    `places` is (io, iw, ib, where the bias is), `taps` (woff, off, how many, n); over the taps k,
    w_k = w[iw + plan[woff + k]] and row_k = buf[ib + plan[off + k]:].
    """
    (io, iw, ib, ibias), (woff, off, count, n) = places, taps
    total = np.full(n, bias[ibias])
    for k in range(count):
        row = ib + plan[off + k]
        total += w[iw + plan[woff + k]] * buf[row : row + n]
    out[io : io + n] = np.where(total < 0, 0, total) if relu else total
