"""What networks compute: activations by name, cross-entropies of rows."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from npcnn import config
from npcnn.ops import entry
from npcnn.ops.dtypes import floats, numbers
from npcnn.ops.entry import Scalar, listed_in, op, strong
from npcnn.ops.pointwise import (
    Made,
    absolute,
    clip,
    expm1,
    log,
    multiply,
    relu,
    softplus,
    sqrt,
    tanh,
    where,
)
from npcnn.ops.reductions import log_softmax, sum
from npcnn.ops.shaping import one_hot, squeeze
from npcnn.ops.tape import Tensor
from npcnn.symbolic import KerasTensor, operators

Array = np.ndarray


def _activation(taken: Any = floats) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function of `npcnn.ops` of a formula in others, gone back through as one.

    Of a symbolic tensor, and without options, it is the layer with a kernel.
    """

    def made(formula: Callable[..., Any]) -> Callable[..., Any]:
        of_numbers = entry.formula(taken=taken)(formula)

        @functools.wraps(formula)
        def activate(x: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(x, KerasTensor) and not args and not kwargs:
                return operators["named activation"](formula.__name__)(x)
            return of_numbers(x, *args, **kwargs)

        return listed_in("networks")(activate)

    return made


@_activation()
def elu(x: Any, alpha: Scalar = 1.0) -> Any:
    """Return x above 0, alpha · (eˣ − 1) below.

    >>> elu([-1.0, 2.0]).round(4)
    array([-0.6321,  2.    ], dtype=float32)
    """
    return where(x > 0, x, alpha * expm1(where(x > 0, 0, x)))


@_activation()
def selu(x: Any) -> Any:
    """Return elu of 1.673…, times 1.0507…: Klambauer et al., arXiv 1706.02515.

    >>> selu([-1.0, 2.0]).round(4)
    array([-1.1113,  2.1014], dtype=float32)
    """
    return 1.0507009873554805 * where(x > 0, x, 1.6732632423543772 * expm1(where(x > 0, 0, x)))


@_activation()
def celu(x: Any, alpha: Scalar = 1.0) -> Any:
    """Return x above 0, alpha · (e^(x / alpha) − 1) below.

    >>> celu([-1.0, 2.0]).round(4)
    array([-0.6321,  2.    ], dtype=float32)
    """
    return where(x > 0, x, alpha * expm1(where(x > 0, 0, x) / alpha))


@_activation()
def gelu(x: Any, approximate: bool = True) -> Any:
    """Return x times the normal distribution's share below it, by a tanh or exactly.

    >>> gelu([-1.0, 2.0]).round(4)
    array([-0.1588,  1.9546], dtype=float32)
    """
    if approximate:
        return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


@_activation()
def leaky_relu(x: Any, negative_slope: Scalar = 0.2) -> Any:
    """Return x above 0, negative_slope · x below.

    >>> leaky_relu([-1.0, 2.0]).round(4)
    array([-0.2,  2. ], dtype=float32)
    """
    return where(x > 0, x, negative_slope * x)


@_activation(numbers)
def relu6(x: Any) -> Any:
    """Return x held between 0 and 6.

    >>> relu6([-1.0, 9.0]).tolist()
    [0.0, 6.0]
    """
    return where(x >= 6, 6, relu(x))


@_activation()
def softsign(x: Any) -> Any:
    """Return x / (1 + |x|).

    >>> softsign([-1.0, 3.0]).tolist()
    [-0.5, 0.75]
    """
    return x / (1 + absolute(x))


@_activation()
def log_sigmoid(x: Any) -> Any:
    """Return ln sigmoid(x).

    >>> log_sigmoid([0.0]).round(4)
    array([-0.6931], dtype=float32)
    """
    return -softplus(-x)


@_activation()
def hard_sigmoid(x: Any) -> Any:
    """Return x / 6 + 1/2, held between 0 and 1.

    >>> hard_sigmoid([-4.0, 0.0]).tolist()
    [0.0, 0.5]
    """
    return relu6(x + 3) / 6


@_activation()
def hard_silu(x: Any) -> Any:
    """Return x · hard_sigmoid(x).

    >>> hard_silu([0.0, 4.0]).tolist()
    [0.0, 4.0]
    """
    return x * relu6(x + 3) / 6


@_activation(numbers)
def hard_tanh(x: Any) -> Any:
    """Return x held between −1 and 1.

    >>> hard_tanh([-3.0, 0.5]).tolist()
    [-1.0, 0.5]
    """
    return where(x >= 1, 1, where(x <= -1, -1, x))


@_activation()
def mish(x: Any) -> Any:
    """Return x · tanh(softplus(x)).

    >>> mish([0.0, 2.0]).round(4)
    array([0.   , 1.944], dtype=float32)
    """
    return x * tanh(softplus(x))


@_activation()
def squareplus(x: Any, b: int = 4) -> Any:
    """Return (x + √(x² + b)) / 2.

    >>> squareplus([0.0]).tolist()
    [1.0]
    """
    return 0.5 * (x + sqrt(x * x + b))


@_activation()
def soft_shrink(x: Any, threshold: Scalar = 0.5) -> Any:
    """Return x moved towards 0 by a threshold, and 0 within it.

    >>> soft_shrink([-1.0, 0.25]).tolist()
    [-0.5, 0.0]
    """
    return relu(x - threshold) - relu(-x - threshold)


@_activation()
def hard_shrink(x: Any, threshold: Scalar = 0.5) -> Any:
    """Return x, and 0 within a threshold of 0.

    >>> hard_shrink([-1.0, 0.25]).tolist()
    [-1.0, 0.0]
    """
    return where(absolute(x) > threshold, x, 0)


@_activation()
def tanh_shrink(x: Any) -> Any:
    """Return x − tanh x.

    >>> tanh_shrink([2.0]).round(4)
    array([1.036], dtype=float32)
    """
    return x - tanh(x)


@_activation()
def threshold(x: Any, threshold: Scalar, default_value: Scalar) -> Any:
    """Return x above a threshold, another number elsewhere.

    >>> threshold([-1.0, 2.0], 1.0, 0.5).tolist()
    [0.5, 2.0]
    """
    return where(x > threshold, x, default_value)


@op(1)
def erf(x: Any) -> Made:
    """Return the error function, 2/√π ∫₀ˣ e^(−t²) dt.

    >>> erf([0.0, 1.0]).round(4)
    array([0.    , 0.8427], dtype=float32)
    """
    x = floats(x)
    y = np.asarray(np.frompyfunc(math.erf, 1, 1)(x), x.dtype)
    return y, lambda g: (g * 2 / math.sqrt(math.pi) * np.exp(-x * x),)


hard_swish = hard_silu


def _likelihoods(output: Any, from_logits: bool, axis: int) -> Any:
    """Return the logarithms of probabilities."""
    if from_logits:
        return log_softmax(output, axis=axis)
    small = config.epsilon()
    return log(clip(output / sum(output, axis=axis, keepdims=True), small, 1 - small))


def _numbers(x: Any) -> Any:
    """Return numbers with a shape: lists as arrays."""
    return x if isinstance(x, (Tensor, KerasTensor)) else strong(x)


@listed_in("networks")
def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return −Σ target · ln output for each row.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).round(4)
    array([0.6931], dtype=float32)
    """
    logs = _likelihoods(_numbers(output), from_logits, axis)
    return -sum(multiply(target, logs), axis=axis)


@listed_in("networks")
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return −ln of the output for each row's class.

    >>> sparse_categorical_crossentropy([1], [[0.5, 0.5]]).round(4)
    array([0.6931], dtype=float32)
    """
    labels, output = _numbers(target), _numbers(output)
    if labels.ndim == output.ndim:
        labels = squeeze(labels, axis=axis)
    hot = one_hot(labels, output.shape[axis], axis=axis)
    return categorical_crossentropy(hot, output, from_logits, axis)


@op(2)
def _crossentropy(target: Any, logits: Any) -> Made:
    """Return −t · ln s − (1 − t) · ln(1 − s) for s = sigmoid(logits)."""
    y = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))
    s = 1 / (1 + np.exp(-logits))
    return y, lambda g: (-g * logits, g * (s - target))


@listed_in("networks")
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Return −t · ln p − (1 − t) · ln(1 − p), element by element.

    >>> binary_crossentropy([[1.0]], [[0.5]]).round(4)
    array([[0.6931]], dtype=float32)
    """
    target, output = _numbers(target), _numbers(output)
    if from_logits:
        return _crossentropy(target, output)
    p = clip(output, config.epsilon(), 1 - config.epsilon())
    target = multiply(target, 1.0)
    return -(target * log(p) + (1 - target) * log(1 - p))
