"""Sums over runs of numbers, as means and variances need them: in registers, a chunk at a time."""

from __future__ import annotations

from typing import Any

from npcnn.kernels.tiles import simd
from npcnn.kernels.tiles.runs import Triple, halves
from npcnn.kernels.tiles.simd import INT

# Vectors added to at once: one addition need not wait for the one before.
BESIDE = 4


def _emit_moments(
    builder: Any, to: Any, g: Any, x: Any, places: Any, center: Any, own: Any
) -> None:
    j, k, n = places
    g, x = simd.at(builder, g, j), simd.at(builder, x, k)
    kind = simd.vector_type(x.type.pointee)
    centers, owns = simd.splat(builder, center), builder.icmp_signed("!=", own, INT(0))

    def added(sums: list[Any], at: Any, wide: bool) -> list[Any]:
        read = simd.load if wide else lambda b, place: b.load(place)
        less = builder.fsub(read(builder, simd.at(builder, x, at)), centers if wide else center)
        mask = simd.splat_mask(builder, owns, kind.count) if wide else owns
        factor = builder.select(mask, less, read(builder, simd.at(builder, g, at)))
        product = builder.fmul(factor, less)
        return [builder.fadd(sums[0], product), builder.fadd(sums[1], factor)]

    step = BESIDE * kind.count
    state = [simd.zeros(kind.element)] * (2 * BESIDE)
    whole, vectors = builder.and_(n, INT(-step)), builder.and_(n, INT(-kind.count))
    with simd.counted(builder, INT(0), whole, step, state) as (t, sums, new):
        for b in range(BESIDE):
            at = builder.add(t, INT(b * kind.count))
            new += added(sums[2 * b : 2 * b + 2], at, True)
    products, ones = new[0], new[1]
    for b in range(1, BESIDE):
        products, ones = builder.fadd(products, new[2 * b]), builder.fadd(ones, new[2 * b + 1])
    with simd.counted(builder, whole, vectors, kind.count, [products, ones]) as (t, sums, new):
        new += added(sums, t, True)
    state = [halves(builder, vector) for vector in new]
    with simd.counted(builder, vectors, n, 1, state) as (t, sums, ends):
        ends += added(sums, t, False)
    for place, total in enumerate(ends):
        builder.store(total, simd.at(builder, to, INT(place)))


@simd.native(_emit_moments)
def moments(to: Any, g: Any, x: Any, places: Triple, center: float, own: int) -> None:
    """Write to[0] = Σ g·(x − center) and to[1] = Σ g, over n elements of g[j:] and x[k:].

    `places` is (j, k, n). With own = 1, x − center is in g's place: Σ (x − center)² and
    Σ (x − center).
    """
    j, k, n = places
    less = x[k : k + n] - center
    factor = less if own else g[j : j + n]
    to[0], to[1] = (factor * less).sum(), factor.sum()
