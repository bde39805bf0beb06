"""2-D convolution, forward and backward, from packed rows and register tiles.

The output's rows are cut into blocks, as many as the shape asks for; a thread takes whole blocks.
For each it packs the input rows the block draws on into a buffer of its own (`slide.pack_rows`)
and slides all filters over them (`slide.slide_rows`). im2col is still the idea, but its rows are
shifted views into the packed buffer (`plans.py`), so no column matrix is ever written.

Backward, a block packs its rows of grad_y once, relu's mask applied on the way, and uses them
twice: against x for the kernel's gradient, and under the kernel turned round for x's own.
"""

from __future__ import annotations

import numpy as np
from numba import get_thread_id, prange

from npcnn.kernels import layout, tiles
from npcnn.kernels import plans as P
from npcnn.kernels.compile import both
from npcnn.kernels.runs import sum_lanes, zero_run
from npcnn.kernels.simd import VECTOR_BYTES
from npcnn.kernels.slide import dot_rows, pack_rows, part, slide_rows, source_rows

Pair = tuple[int, int]
Array = np.ndarray

# Multiply-adds below which one thread is done before a second has woken up.
SMALL = 400_000


def _forward(address, plan, x, w, bias, mode, y, blocks, groups, size, scratch):  # type: ignore[no-untyped-def]
    filters, out_height = y.shape[0], y.shape[1]
    for task in prange(blocks * groups):
        i0, i1 = part(out_height, task // groups, blocks)
        f0, f1 = part(filters, task % groups, groups)
        buf = scratch[get_thread_id()]
        first, last = source_rows(plan, i0, i1, x.shape[1])
        pack_rows(plan, x, x, -1, first, last, 0, 0, buf, buf, 0)
        slide_rows(
            address, plan, buf, first, x.shape[1], w, bias, mode, y, i0, i1, f0, f1, buf, size
        )


_forward_serial, _forward_parallel = both(_forward)


def conv2d(
    x: Array, kernel: Array, bias: Array | None, strides: Pair, padding: str, dilation: Pair,
    activation: str,
) -> Array:  # fmt: skip
    """Return y[n, i, j, f] = Σ x[n, i·s + u·d, j·s + v·d, c] · kernel[u, v, c, f] + bias[f].

    Args:
        x: images (N, H, W, C), float32 or float64, any strides.
        kernel: weights (KH, KW, C, F).
        bias: (F,) or None.
        strides: rows and columns from one window to the next.
        padding: 'same' or 'valid'.
        dilation: rows and columns from one tap of the kernel to the next.
        activation: 'linear', or 'relu' for max(y, 0).

    Returns:
        y (N, OH, OW, F), the batch innermost in memory.

    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> conv2d(x, np.ones((2, 2, 1, 1)), None, (1, 1), "valid", (1, 1), "linear")[0, :, :, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    call = _call(x, kernel, strides, padding, dilation)
    dtype = x.dtype
    y = np.empty(call.y_shape, dtype)
    if y.size:
        run = _forward_serial if call.small else _forward_parallel
        run(
            tiles.slide_address(dtype), call.forward, layout.batch_innermost(x),
            np.ascontiguousarray(kernel),
            layout.zeros(kernel.shape[3], dtype) if bias is None else np.ascontiguousarray(bias),
            tiles.RELU if activation == "relu" else 0, y, call.blocks, call.groups, call.x_size,
            layout.scratch(call.x_size + call.y_spare, dtype),
        )  # fmt: skip
    return layout.batch_outermost(y)


def _call(x: Array, kernel: Array, strides: Pair, padding: str, dilation: Pair) -> P.Call:
    geometry = P.Geometry(x.shape, kernel.shape, strides, padding, dilation)
    return P.prepare(geometry, SMALL, tiles.ROWS, VECTOR_BYTES, x.itemsize)


def _backward(slides, dots, forward, backward, x, g, y, masked, w, zeros, grad_x, wanted, blocks,
              pitch, x_size, g_size, scratch, totals):  # type: ignore[no-untyped-def]  # fmt: skip
    channels, height = x.shape[0], x.shape[1]
    filters, out_height = g.shape[0], g.shape[1]
    lanes = VECTOR_BYTES // x.itemsize
    for block in prange(blocks):
        i0, i1 = part(out_height, block, blocks)
        r0, r1 = part(height, block, blocks)
        buf = scratch[get_thread_id()]
        gs = buf[x_size:]
        mine = totals[block]
        zero_run(mine, 0, pitch)
        first, last = i0, i1
        if wanted:
            first, last = source_rows(backward, r0, r1, out_height)
            first, last = min(first, i0), max(last, i1)
        pack_rows(
            backward, g, y, masked, first, last, i0, i1, gs, mine, filters * lanes
        )
        x_first, x_last = source_rows(forward, i0, i1, height)
        pack_rows(forward, x, x, -1, x_first, x_last, 0, 0, buf, mine, 0)
        dot_rows(
            dots, forward, buf, x_first, height, backward, gs, first, g, i0, i1, mine,
            (filters + 1) * lanes,
        )
        if wanted:
            slide_rows(
                slides, backward, gs, first, out_height, w, zeros, 0, grad_x, r0, r1, 0, channels,
                gs, g_size,
            )


_backward_serial, _backward_parallel = both(_backward)


def _reduce(plan, totals, blocks, pitch, filters, grad_kernel, grad_bias):  # type: ignore[no-untyped-def]
    """Add up the blocks' sums, block after block, then the lanes of each."""
    lanes = VECTOR_BYTES // grad_kernel.itemsize
    sum_lanes(grad_bias, 0, totals, 0, filters, blocks, pitch)
    for k in prange(plan[P.TAPS]):
        start = (filters + 1 + k * filters) * lanes
        to = plan[plan[P.WOFF] + k]
        sum_lanes(grad_kernel, to, totals, start, filters, blocks, pitch)


_reduce_serial, _reduce_parallel = both(_reduce)


def conv2d_backward(
    grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array, grad_bias: Array | None,
    strides: Pair, padding: str, dilation: Pair, activation: str, need_grad_x: bool = True,
) -> Array | None:  # fmt: skip
    """Write the gradients by kernel and bias, and return the one by x (or None if not needed).

    With G the gradient by the output before its activation (grad_y where y > 0, for relu):
    grad_kernel[u, v, c, f] = Σ x[n, i·s + u·d, j·s + v·d, c] · G[n, i, j, f] over n, i, j;
    grad_bias = Σ G; grad_x[n, a, b, c] = Σ G[n, i, j, f] · kernel[u, v, c, f] over all i, j, u, v
    with i·s + u·d = a and j·s + v·d = b.

    Sums are cut by the shape into blocks and lanes and added in a fixed order: other roundings
    than the reference's, and the same for any number of threads.

    >>> x, grad = np.ones((1, 2, 2, 1)), np.empty((1, 1, 1, 1))
    >>> conv2d_backward(x, x, x, np.full((1, 1, 1, 1), 3.0), grad, None, (1, 1), "valid", (1, 1),
    ...                 "linear")[0, :, :, 0], grad.item()
    (array([[3., 3.],
           [3., 3.]]), 4.0)
    """
    call = _call(x, kernel, strides, padding, dilation)
    dtype, filters = x.dtype, kernel.shape[3]
    if grad_bias is None:
        grad_bias = np.empty(filters, dtype)
    if not grad_y.size:
        grad_kernel[...], grad_bias[...] = 0, 0
        return np.zeros_like(x) if need_grad_x else None
    x_block, g_block = layout.batch_innermost(x), layout.batch_innermost(grad_y)
    grad_x = np.empty(x_block.shape, dtype) if need_grad_x else x_block
    totals = layout.scratch(call.blocks * call.pitch, dtype, "totals")
    totals = totals[0, : call.blocks * call.pitch].reshape(call.blocks, call.pitch)
    run = _backward_serial if call.small else _backward_parallel
    run(
        tiles.slide_address(dtype), tiles.dot_address(dtype), call.forward, call.backward, x_block,
        g_block, layout.batch_innermost(y) if activation == "relu" else g_block,
        int(activation == "relu"), np.ascontiguousarray(kernel),
        layout.zeros(kernel.shape[2], dtype), grad_x, int(need_grad_x), call.blocks, call.pitch,
        call.x_size, call.g_size,
        layout.scratch(call.x_size + call.g_size + call.x_spare, dtype), totals,
    )  # fmt: skip
    reduce = _reduce_parallel if kernel.size > 4000 else _reduce_serial
    reduce(call.forward, totals, call.blocks, call.pitch, filters, grad_kernel, grad_bias)
    return layout.batch_outermost(grad_x) if need_grad_x else None
