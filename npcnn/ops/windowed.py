"""What networks of pictures compute: convolutions, pooling, normalisations; by npcnn's own ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from npcnn import config
from npcnn.backend import ops as engine
from npcnn.checks import positive_int
from npcnn.ops.dtypes import floats
from npcnn.ops.entry import Places, Scalar, formula, listed_in, op, strong
from npcnn.ops.making import ndim, shape
from npcnn.ops.pointwise import Made, log10, multiply, rsqrt, sigmoid, square, tanh, where
from npcnn.ops.reductions import max, mean, softmax, var
from npcnn.ops.shaping import einsum, one_hot, repeat, reshape, transpose
from npcnn.ops.tape import require
from npcnn.shapes import bounded_steps, transposed_size

Array = np.ndarray
Pair = tuple[int, int]


def _pair(value: Any, where: str) -> Pair:
    both = value if isinstance(value, (tuple, list)) else (value, value)
    require(len(both) in (1, 2), where, "a number or two", value, "such as 2 or (2, 1)")
    first, last = positive_int(both[0], where), positive_int(both[-1], where)
    return (1, last) if len(both) == 1 else (first, last)


def _options(where: str, x: Array, padding: str, data_format: Any, *pairs: Any) -> list[Pair]:
    """Return pairs of numbers, those of rows 1 for signals of one axis; check the others."""
    known = isinstance(padding, str) and padding in ("valid", "same")
    require(known, f"{where}(padding)", "valid or same", padding, "take one")
    last = data_format in (None, "channels_last")
    require(last, f"{where}(data_format)", "channels_last", data_format, "use transpose before it")
    fits = x.ndim in (3, 4) and all(x.shape[1:])
    require(fits, where, "(n, rows, columns, channels), or (n, steps, channels)", x, "reshape it")
    found = [_pair(pair, where) for pair in pairs]
    return [(1, pair[1]) for pair in found] if x.ndim == 3 else found


def _wide(x: Any, where: str) -> Array:
    """Return floats as npcnn's ops take them, of four axes."""
    x = floats(x)
    x = x.astype("float32") if x.dtype == "float16" else x
    return x[:, np.newaxis] if x.ndim == 3 else x


def _as_given(x: Array, back: Callable[[Array], Any], y: Array) -> Made:
    """Return a result, and its way back, with as many axes as were given, and the dtype."""
    narrow, dtype = x.ndim == 3, floats(x).dtype

    def whole(g: Array) -> Any:
        g = np.ascontiguousarray(g, y.dtype)
        found = back(g[:, np.newaxis] if narrow else g)
        return tuple(one[:, 0] if narrow and k == 0 else one for k, one in enumerate(found))

    return np.asarray(y[:, 0] if narrow else y, dtype), whole


def _kernel(kernel: Any, x: Array, narrow: bool, where: str) -> Array:
    kernel = np.asarray(kernel, x.dtype)
    kernel = kernel[np.newaxis] if narrow and kernel.ndim == 3 else kernel
    require(kernel.ndim == 4, where, "a kernel of as many axes as x", kernel, "reshape it")
    return np.ascontiguousarray(kernel)


@op(2)
def conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
    dilation_rate: Any = 1,
) -> Made:  # fmt: skip
    """Return the convolution of pictures, or signals; of groups if the kernel has fewer channels.

    inputs (N, H, W, C), kernel (KH, KW, C / groups, F), or without the axis of rows.

    >>> conv(np.arange(9.0).reshape(1, 3, 3, 1), np.ones((2, 2, 1, 1)))[0, :, :, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    x, where_, given = _wide(inputs, "ops.conv"), "ops.conv", np.asarray(kernel)
    strides_, dilation = _options(where_, inputs, padding, data_format, strides, dilation_rate)
    weights = _kernel(kernel, x, inputs.ndim == 3, where_)
    groups = x.shape[3] // weights.shape[2] if weights.shape[2] else 1
    how: Any = strides_, padding, dilation, "linear"
    own = (engine.conv2d, engine.conv2d_backward)
    if groups != 1:
        own, how = (engine.grouped_conv2d, engine.grouped_conv2d_backward), (*how, groups)
    y = own[0](x, weights, None, *how)

    def back(g: Array) -> Any:
        grad = np.zeros_like(weights)
        return own[1](g, x, y, weights, grad, None, *how), grad.reshape(given.shape)

    return _as_given(inputs, back, y)


@op(2)
def depthwise_conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
    dilation_rate: Any = 1,
) -> Made:  # fmt: skip
    """Return each channel's own convolutions: kernel (KH, KW, C, M), channel by channel.

    >>> depthwise_conv(np.ones((1, 2, 2, 3)), np.ones((2, 2, 3, 1))).shape
    (1, 1, 1, 3)
    """
    x, where_, given = _wide(inputs, "ops.depthwise_conv"), "ops.depthwise_conv", np.asarray(kernel)
    strides_, dilation = _options(where_, inputs, padding, data_format, strides, dilation_rate)
    weights = _kernel(kernel, x, inputs.ndim == 3, where_)
    weights = weights.reshape(*weights.shape[:2], 1, -1)
    how = strides_, padding, dilation, "linear", x.shape[3]
    y = engine.grouped_conv2d(x, weights, None, *how)

    def back(g: Array) -> Any:
        grad = np.zeros_like(weights)
        by_x = engine.grouped_conv2d_backward(g, x, y, weights, grad, None, *how)
        return by_x, grad.reshape(given.shape)

    return _as_given(inputs, back, y)


@formula(3)
def separable_conv(
    inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1,
    padding: str = "valid", data_format: Any = None, dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """Return each channel's own convolutions, mixed by a kernel of one pixel.

    >>> separable_conv(np.ones((1, 2, 2, 3)), np.ones((2, 2, 3, 1)), np.ones((1, 1, 3, 5))).shape
    (1, 1, 1, 5)
    """
    how = strides, padding, data_format, dilation_rate
    return conv(depthwise_conv(inputs, depthwise_kernel, *how), pointwise_kernel)


@op(2)
def conv_transpose(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
    data_format: Any = None, dilation_rate: Any = 1,
) -> Made:  # fmt: skip
    """Return what a convolution's gradient by its input is: kernel (KH, KW, F, C).

    >>> conv_transpose(np.ones((1, 2, 2, 1)), np.ones((2, 2, 1, 1)), strides=2).shape
    (1, 4, 4, 1)
    """
    x, where_, given = _wide(inputs, "ops.conv_transpose"), "ops.conv_transpose", np.asarray(kernel)
    strides_, dilation = _options(where_, inputs, padding, data_format, strides, dilation_rate)
    weights = _kernel(kernel, x, inputs.ndim == 3, where_)
    both = isinstance(output_padding, (tuple, list))
    more = tuple(output_padding) if both else (output_padding, output_padding)
    if padding == "same":  # taps beyond the image see nothing, however far they are
        dilation = bounded_steps(x.shape, strides_, dilation)[1]
    axes = [
        transposed_size(n, weights.shape[k], strides_[k], padding, more[k - 2], dilation[k])
        for k, n in enumerate(x.shape[1:3])
    ]
    size, before = zip(*axes, strict=True)
    fits = all(0 < n < 1 << 20 for n in size)
    require(fits, where_, "an output of up to 2**20 rows", size, "use smaller strides")
    y = engine.conv2d_transpose(x, weights, None, strides_, dilation, before, size, "linear")

    def back(g: Array) -> Any:
        grad = np.zeros_like(weights)
        how = strides_, dilation, before, "linear"
        by_x = engine.conv2d_transpose_backward(g, x, y, weights, grad, None, *how)
        return by_x, grad.reshape(given.shape)

    return _as_given(inputs, back, y)


def _pooled(inputs: Any, name: str, options: tuple[Any, ...]) -> Made:
    pool_size, strides, padding, data_format = options
    x, where_ = _wide(inputs, f"ops.{name}"), f"ops.{name}"
    strides = pool_size if strides is None else strides
    pool, steps = _options(where_, inputs, padding, data_format, pool_size, strides)
    if name == "max_pool":
        y = engine.max_pooling2d(x, pool, steps, padding)
        return _as_given(
            inputs, lambda g: (engine.max_pooling2d_backward(g, x, y, pool, steps, padding),), y
        )
    y = engine.average_pooling2d(x, pool, steps, padding)
    return _as_given(
        inputs, lambda g: (engine.average_pooling2d_backward(g, x, pool, steps, padding),), y
    )


@op(1)
def max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
    data_format: Any = None,
) -> Made:  # fmt: skip
    """Return the largest number of each window, channel by channel.

    >>> max_pool(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    return _pooled(inputs, "max_pool", (pool_size, strides, padding, data_format))


@op(1)
def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
    data_format: Any = None,
) -> Made:  # fmt: skip
    """Return the mean of each window, channel by channel.

    >>> average_pool(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    return _pooled(inputs, "average_pool", (pool_size, strides, padding, data_format))


# Normalisation ----------------------------------------------------------------------------------


@listed_in("windowed")
def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None,
    epsilon: Scalar = 1e-3,
) -> Any:  # fmt: skip
    """Return (x − mean) / √(variance + ε) · scale + offset, of each place on an axis its own."""
    own = [1] * ndim(x)
    own[axis] = -1
    rate = rsqrt(reshape(variance, own) + epsilon)
    rate = rate if scale is None else rate * reshape(scale, own)
    rest = -reshape(mean, own) * rate
    return multiply(x, rate) + (rest if offset is None else rest + reshape(offset, own))


def _spread(weights: Any, axis: Any, x: Any) -> Any:
    """Return weights with the axes of x, 1 in place of those that they have not."""
    axes = [a % ndim(x) for a in (axis if isinstance(axis, (list, tuple)) else [axis])]
    return reshape(weights, [n if k in axes else 1 for k, n in enumerate(shape(x))])


@listed_in("windowed")
def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Places | None = -1,
    epsilon: Scalar | None = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """Return (x − mean) / √(variance + ε) · gamma + beta, both taken along axes."""
    require(not kwargs, "ops.layer_normalization", "its arguments", list(kwargs), "leave it out")
    small = config.epsilon() if epsilon is None else epsilon
    off = x - mean(x, axis=axis, keepdims=True)
    y = off * rsqrt(var(x, axis=axis, keepdims=True) + small)
    y = y if gamma is None else y * _spread(gamma, axis, x)
    return y if beta is None else y + _spread(beta, axis, x)


@listed_in("windowed")
def rms_normalization(
    x: Any, scale: Any = None, axis: Places | None = -1, epsilon: Scalar | None = None
) -> Any:
    """Return x / √(mean x² + ε) · scale, the mean taken along axes."""
    small = config.epsilon() if epsilon is None else epsilon
    y = multiply(x, rsqrt(mean(square(x), axis=axis, keepdims=True) + small))
    return y if scale is None else y * _spread(scale, axis, x)


# Others -----------------------------------------------------------------------------------------


@listed_in("windowed")
def multi_hot(
    inputs: Any, num_classes: int | None = None, axis: int = -1, dtype: Any = None,
    sparse: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """Return a row of zeros with a one for each class number that a row has.

    >>> multi_hot([[0, 2], [1, 1]], 3).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    count = kwargs.pop("num_tokens", None) if num_classes is None else num_classes
    require(count is not None and not kwargs, "ops.multi_hot", "num_classes", kwargs, "give it")
    hot = one_hot(inputs, count, axis, dtype, sparse)
    return max(hot, axis=1 if ndim(inputs) > 1 else 0)


@formula(taken=floats)
def glu(x: Any, axis: int = -1) -> Any:
    """Return the first half along an axis times the sigmoid of the second."""
    length = x.shape[axis]
    require(length % 2 == 0, "ops.glu", "an even length", length, "name another axis")
    lead = (np.s_[:],) * (axis % x.ndim)
    half = length // 2
    return x[(*lead, np.s_[:half])] * sigmoid(x[(*lead, np.s_[half:])])


@formula(taken=floats)
def sparse_plus(x: Any) -> Any:
    """Return 0 below −1, x above 1, and (x + 1)² / 4 between."""
    return where(x <= -1, 0, where(x >= 1, x, square(x + 1) / 4))


@formula(taken=floats)
def sparse_sigmoid(x: Any) -> Any:
    """Return (x + 1) / 2, held between 0 and 1."""
    return where(x <= -1, 0, where(x >= 1, 1, (x + 1) / 2))


@op(1)
def sparsemax(x: Any, axis: int = -1) -> Made:
    """Return the nearest row of probabilities along an axis, many of them 0."""
    rows = np.ascontiguousarray(np.moveaxis(floats(x), axis, -1))
    y = engine.sparsemax(rows)

    def back(g: Array) -> Any:
        grad = engine.sparsemax_backward(np.ascontiguousarray(np.moveaxis(g, axis, -1)), y)
        return (np.moveaxis(grad, -1, axis),)

    return np.moveaxis(y, -1, axis), back


@listed_in("windowed")
def dot_product_attention(
    query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None, scale: Any = None,
    is_causal: bool = False, flash_attention: Any = None,
    attn_logits_soft_cap: Scalar | None = None,
) -> Any:  # fmt: skip
    """Return, for each query, the mean of the values by how its product with their keys is.

    All are (N, steps, heads, size); softmax(scale · query · key + bias) are the shares.
    """
    heads = shape(query)[2] // shape(key)[2]  # several of a query's heads may share one
    key, value = (one if heads == 1 else repeat(one, heads, axis=2) for one in (key, value))
    factor = 1 / float(shape(key)[3]) ** 0.5 if scale is None else scale
    logits = einsum("btnh,bsnh->bnts", query, key) * factor
    logits = logits if bias is None else logits + bias
    if attn_logits_soft_cap is not None:
        logits = tanh(logits / attn_logits_soft_cap) * attn_logits_soft_cap
    seen = None if mask is None else strong(mask).astype(bool)
    if is_causal:
        before = np.tri(shape(query)[1], shape(key)[1], dtype=bool)
        seen = before if seen is None else seen & before
    if seen is not None:
        logits = where(seen, logits, -0.7 * float(np.finfo(str(logits.dtype)).max))
    return einsum("bnts,bsnh->btnh", softmax(logits, axis=-1), value)


@formula(2)
def psnr(x1: Any, x2: Any, max_val: Scalar) -> Any:
    """Return 20 log₁₀ max_val − 10 log₁₀ mean (x1 − x2)²: how near pictures are, in decibels."""
    require(x1.shape == x2.shape, "ops.psnr", "two of one shape", f"{x1.shape}, {x2.shape}", "crop")
    return 20 * np.log10(float(max_val)) - 10 * log10(mean(square(x1 - x2)))


@formula()
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Return each pixel's channels as a block of pixels with fewer channels.

    >>> depth_to_space(np.ones((1, 2, 2, 8)), 2).shape
    (1, 4, 4, 2)
    """
    n, h, w, c = _blocks(x, block_size, data_format, "ops.depth_to_space")
    b = block_size
    require(c % (b * b) == 0, "ops.depth_to_space", f"a multiple of {b * b} channels", c, "pad x")
    parts = transpose(reshape(x, (n, h, w, b, b, c // (b * b))), (0, 1, 3, 2, 4, 5))
    return reshape(parts, (n, h * b, w * b, c // (b * b)))


@formula()
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Return each block of pixels as one with all their channels.

    >>> space_to_depth(np.ones((1, 4, 4, 2)), 2).shape
    (1, 2, 2, 8)
    """
    n, h, w, c = _blocks(x, block_size, data_format, "ops.space_to_depth")
    b = block_size
    fits = h % b == w % b == 0
    require(fits, "ops.space_to_depth", f"multiples of {b} pixels", x.shape, "crop or pad them")
    parts = transpose(reshape(x, (n, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
    return reshape(parts, (n, h // b, w // b, c * b * b))


def _blocks(x: Any, block_size: Any, data_format: Any, where_: str) -> tuple[int, ...]:
    require(x.ndim == 4, where_, "(n, rows, columns, channels)", x.shape, "reshape it")
    require(data_format == "channels_last", where_, "channels_last", data_format, "transpose x")
    positive_int(block_size, f"{where_}(block_size)")
    return x.shape
