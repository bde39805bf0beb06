"""What an op's options must be beside its arrays, and what an op costs: for its line in OPS.

A rule says in a few words what does not fit together, or returns None. The costs are in floating
point operations, a multiply-add counting as two.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npcnn.checks import is_number, is_whole
from npcnn.shapes import output_size

Array = np.ndarray


def windows(x: Array, window: Any, strides: Any, padding: str, dilation: Any) -> list[int]:
    """Return how many windows there are along rows and columns; ValueError if these are none."""
    steps = [*window, *strides, *dilation]
    if padding not in ("same", "valid") or not all(is_whole(n) and n >= 1 for n in steps):
        raise ValueError("windows of whole numbers from 1 on")
    sizes = zip(x.shape[1:3], window, strides, dilation, strict=True)
    return [output_size(size, w, s, padding, d) for size, w, s, d in sizes]


def conv_rule(x: Array, kernel: Array, bias: Any, strides: Any, padding: str, dilation: Any,
               activation: str) -> str | None:  # fmt: skip
    """Say so where the op has no such activation; raise unless the rest makes windows."""
    windows(x, kernel.shape[:2], strides, padding, dilation)
    return _fused(activation)


def conv_backward_rule(grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array,
                        grad_bias: Any, strides: Any, padding: str, dilation: Any,
                        activation: str, need_grad_x: bool = True) -> str | None:  # fmt: skip
    """Say so unless grad_y has a place for each window of x."""
    sizes = windows(x, kernel.shape[:2], strides, padding, dilation)
    fits = list(grad_y.shape[1:3]) == sizes
    return _fused(activation) if fits else f"grad_y {grad_y.shape} for x {x.shape}"


def _fused(activation: str) -> str | None:
    fits = activation in ("linear", "relu")
    return None if fits else f"activation {activation!r} instead of 'linear' or 'relu'"


def dense_rule(x: Array, kernel: Array, bias: Any, activation: str) -> str | None:
    """Say so where the op has no such activation."""
    return _fused(activation)


def dense_backward_rule(grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array,
                         grad_bias: Any, activation: str, *rest: Any) -> str | None:  # fmt: skip
    """Say so where the op has no such activation."""
    return _fused(activation)


def grouped_rule(x: Array, kernel: Array, bias: Any, strides: Any, padding: str, dilation: Any,
                 activation: str, groups: int) -> str | None:  # fmt: skip
    """Say so unless the groups are x's channels, and the filters can be cut into as many."""
    windows(x, kernel.shape[:2], strides, padding, dilation)
    fits = is_whole(groups) and groups >= 1
    fits = fits and x.shape[3] == groups * kernel.shape[2] and kernel.shape[3] % groups == 0
    return None if fits else f"groups {groups} for x {x.shape}, kernel {kernel.shape}"


def grouped_backward_rule(grad_y: Array, x: Array, y: Array, kernel: Array, grad_kernel: Array,
                          grad_bias: Any, strides: Any, padding: str, dilation: Any,
                          activation: str, groups: int, need_grad_x: bool = True,
                          ) -> str | None:  # fmt: skip
    """Ask the same, and a place of grad_y for each window of x."""
    options = strides, padding, dilation, activation
    wrong = conv_backward_rule(grad_y, x, y, kernel, grad_kernel, grad_bias, *options)
    return wrong or grouped_rule(x, kernel, None, *options, groups)


def conv_transpose_rule(x: Array, kernel: Array, bias: Any, strides: Any, dilation: Any,
                        before: Any, size: Any, activation: str) -> str | None:  # fmt: skip
    """Say so unless these are four pairs of whole numbers, none too small."""
    given = (*strides, *dilation, *before, *size)
    fits = len(given) == 8 and all(map(is_whole, given))
    fits = fits and min(*strides, *dilation) >= 1 and min(*before, *size) >= 0
    return None if fits else f"strides, dilation, before, size {given}"


def conv_transpose_backward_rule(grad_y: Array, x: Array, y: Array, kernel: Array,
                                 grad_kernel: Array, grad_bias: Any, strides: Any, dilation: Any,
                                 before: Any, activation: str, need_grad_x: bool = True,
                                 ) -> str | None:  # fmt: skip
    """Ask the same."""
    return conv_transpose_rule(x, kernel, None, strides, dilation, before, grad_y.shape[1:3], "")


def pool_rule(x: Array, pool_size: Any, strides: Any, padding: str) -> str | None:
    """Raise unless these make windows."""
    windows(x, pool_size, strides, padding, (1, 1))
    return None


def pool_backward_rule(grad_y: Array, x: Array, y: Array, pool_size: Any, strides: Any,
                        padding: str) -> str | None:  # fmt: skip
    """Say so unless grad_y has a place for each window of x."""
    sizes = windows(x, pool_size, strides, padding, (1, 1))
    return None if list(grad_y.shape[1:3]) == sizes else f"grad_y {grad_y.shape} for x {x.shape}"


def mean_backward_rule(grad_y: Array, x: Array, pool_size: Any, strides: Any,
                        padding: str) -> str | None:  # fmt: skip
    """Say so unless grad_y has a place for each window of x."""
    return pool_backward_rule(grad_y, x, x, pool_size, strides, padding)


def noise_rule(x: Array, rate: float, key: Any, noise_shape: Any, step: Any = None) -> str | None:
    """Say so unless noise_shape has the axes of x, or 1 in their place, and rate is below 1."""
    if not (is_number(rate) and 0 <= rate < 1 and is_whole(key)):
        return f"rate {rate}, key {key}"
    each = (x.shape[0] if m is None and k == 0 else m for k, m in enumerate(noise_shape))
    axes = zip(each, x.shape, strict=False)
    fits = len(noise_shape) == x.ndim and all(m in (1, size) for m, size in axes)
    return None if fits else f"noise_shape {tuple(noise_shape)} for x {x.shape}"


def fold_rule(grad_y: Array, x_shape: Any) -> str | None:
    """Say so unless grad_y has the numbers of x, in a row."""
    size = 1
    for length in x_shape[1:]:
        size *= length
    fits = len(x_shape) > 0 and grad_y.shape == (x_shape[0], size)
    return None if fits else f"grad_y {grad_y.shape} for x_shape {tuple(x_shape)}"


def edge_rule(x: Array, padding: Any) -> str | None:
    """Say so unless these are two pairs of whole numbers, none below zero."""
    sides = [side for pair in padding for side in pair]
    fits = [len(pair) for pair in padding] == [2, 2] and all(side >= 0 for side in sides)
    fits = fits and all(map(is_whole, sides))
    return None if fits else f"padding {padding}"


def edge_backward_rule(grad_y: Array, padding: Any) -> str | None:
    """Say so where the edges are larger than what has them."""
    rest = [n - sum(pair) for n, pair in zip(grad_y.shape[1:3], padding, strict=True)]
    return edge_rule(grad_y, padding) if min(rest) >= 0 else f"padding {padding}"


def broadcast_rule(x: Array, shape: Any) -> str | None:
    """Whether x can be repeated to this shape."""
    fits = len(shape) == x.ndim and all(
        is_whole(size) and size >= 0 and length in (1, size)
        for length, size in zip(x.shape, shape, strict=True)
    )
    return None if fits else f"shape {tuple(shape)} for x {x.shape}"


def sum_rule(x: Array, shape: Any) -> str | None:
    """Whether x can be summed to this shape."""
    fits = len(shape) == x.ndim and all(
        is_whole(size) and size in (1, length) for length, size in zip(x.shape, shape, strict=True)
    )
    return None if fits else f"shape {tuple(shape)} for x {x.shape}"


def transpose_rule(x: Array, axes: Any) -> str | None:
    """Whether each axis is there once."""
    fits = sorted(axes) == list(range(x.ndim)) and all(map(is_whole, axes))
    return None if fits else f"axes {axes} for x {x.shape}"


def join_rule(arrays: Any, axis: int) -> str | None:
    """Whether arrays are alike but for their lengths along an axis."""
    shapes = [array.shape for array in arrays]
    whole = is_whole(axis) and 0 <= axis < len(shapes[0])
    fits = whole and len({(len(s), *s[:axis], *s[axis + 1 :]) for s in shapes}) == 1
    return None if fits else f"axis {axis} for arrays {shapes}"


def split_rule(grad_y: Array, sizes: Any, axis: int) -> str | None:
    """Whether sizes make up the gradient's length along an axis."""
    whole = is_whole(axis) and 0 <= axis < grad_y.ndim
    whole = whole and all(is_whole(size) and size >= 0 for size in sizes)
    fits = whole and len(sizes) > 0 and sum(sizes) == grad_y.shape[axis]
    return None if fits else f"sizes {sizes} along axis {axis} of {grad_y.shape}"


def constant_rule(like: Array, numbers: Any, shape: Any) -> str | None:
    """Say so unless these are numbers, as many as the shape has."""
    fits = all(isinstance(n, (int, float)) for n in numbers)
    fits = fits and all(is_whole(size) and size >= 0 for size in shape)
    fits = fits and len(numbers) == math.prod(shape)
    return None if fits else f"{len(numbers)} numbers for shape {tuple(shape)}"


def upsampling_rule(x: Array, size: Any, interpolation: str) -> str | None:
    """Say so unless size is two positive whole numbers, and interpolation is known."""
    fits = len(size) == 2 and all(is_whole(factor) and factor >= 1 for factor in size)
    fits = fits and interpolation in ("nearest", "bilinear")
    return None if fits else f"size {size}, interpolation {interpolation!r}"


def upsampling_backward_rule(grad_y: Array, size: Any, interpolation: str) -> str | None:
    """Say so unless rows and columns are multiples of size, too."""
    found = upsampling_rule(grad_y, size, interpolation)
    whole = found is None and grad_y.shape[1] % size[0] == grad_y.shape[2] % size[1] == 0
    return found or (None if whole else f"size {size} for grad_y {grad_y.shape}")


def normal_rule(like: Array, mean: float, stddev: float, key: int, step: Any = None) -> str | None:
    """Say so unless key is of 64 bits, and step one number of 64 bits."""
    fits = is_whole(key) and 0 <= int(key) < 1 << 64
    one = step is None or (isinstance(step, np.ndarray) and step.size == 1)
    fits = fits and one and (step is None or step.dtype == np.int64)
    return None if fits else f"key {key}, step {step}"


def epsilon_rule(x: Array, gamma: Any, beta: Any, epsilon: float) -> str | None:
    """Say so unless epsilon is a number of 0 or more."""
    fits = is_number(epsilon) and epsilon >= 0
    return None if fits else f"epsilon {epsilon}"


def group_rule(x: Array, gamma: Any, beta: Any, groups: int, epsilon: float) -> str | None:
    """Say so unless the channels can be cut into so many groups."""
    fits = isinstance(groups, int) and groups >= 1 and x.shape[-1] % groups == 0
    wrong = None if fits else f"groups {groups} for x {x.shape}"
    return wrong or epsilon_rule(x, gamma, beta, epsilon)


def group_backward_rule(grad_y: Array, x: Array, gamma: Any, center: Array, *rest: Any
                        ) -> str | None:  # fmt: skip
    """Say so unless they can be cut into as many as there are centers."""
    return group_rule(x, gamma, None, center.shape[1], 0.0)


def rms_rule(x: Array, gamma: Any, epsilon: float) -> str | None:
    """Say so unless epsilon is a number of 0 or more."""
    return epsilon_rule(x, gamma, None, epsilon)


def normalize_rule(
    x: Array, mean: Array, variance: Array, epsilon: float, invert: bool
) -> str | None:
    """Say so unless epsilon is a number of 0 or more, and invert is a flag."""
    return normalize_backward_rule(x, variance, epsilon, invert)


def normalize_backward_rule(
    grad_y: Array, variance: Array, epsilon: float, invert: bool
) -> str | None:
    """Say the same."""
    wrong = epsilon_rule(grad_y, None, None, epsilon)
    return wrong or (None if isinstance(invert, bool) else f"invert {invert}")


def conv_flops(x: Array, kernel: Array, bias: Any, strides: Any, padding: str, dilation: Any,
                activation: str) -> int:  # fmt: skip
    """Return two for each output and each weight it meets."""
    rows, columns = windows(x, kernel.shape[:2], strides, padding, dilation)
    return 2 * len(x) * rows * columns * kernel.size


def conv_backward_flops(grad_y: Array, x: Array, y: Array, kernel: Array, *rest: Any,
                         need_grad_x: bool = True) -> int:  # fmt: skip
    """Return as many for the kernel, and as many again for x."""
    wanted = rest[6] if len(rest) > 6 else need_grad_x
    return (4 if wanted else 2) * grad_y.size // kernel.shape[3] * kernel.size


def grouped_flops(x: Array, kernel: Array, bias: Any, strides: Any, padding: str, dilation: Any,
                  activation: str, groups: int) -> int:  # fmt: skip
    """Return the same: a group's kernel has its own channels only."""
    return conv_flops(x, kernel, bias, strides, padding, dilation, activation)


def conv_transpose_flops(x: Array, kernel: Array, *rest: Any) -> int:
    """Return two for each input and each weight it meets."""
    return 2 * x.size // x.shape[3] * kernel.size


def conv_transpose_backward_flops(grad_y: Array, x: Array, y: Array, kernel: Array, *rest: Any,
                                  need_grad_x: bool = True) -> int:  # fmt: skip
    """Return as many for the kernel, and as many again for x."""
    wanted = rest[6] if len(rest) > 6 else need_grad_x
    return (2 if wanted else 1) * conv_transpose_flops(x, kernel)


def dense_flops(x: Array, kernel: Array, *rest: Any) -> int:
    """Return two for each weight and row."""
    return 2 * x.size * kernel.shape[1]


def dense_backward_flops(grad_y: Array, x: Array, y: Array, kernel: Array, *rest: Any,
                          need_grad_x: bool = True) -> int:  # fmt: skip
    """Return as many for the kernel, and as many again for x."""
    wanted = rest[3] if len(rest) > 3 else need_grad_x
    return (4 if wanted else 2) * x.size * kernel.shape[1]


# What f a loss that looks at each number alone may be; kernels number them in this order.
LOSS_FORMULAS = (
    "absolute", "percentage", "logarithmic", "huber", "log_cosh", "hinge", "squared_hinge",
    "poisson", "kl_divergence", "binary_crossentropy", "binary_crossentropy_from_logits",
    "binary_focal_crossentropy",
)  # fmt: skip


def row_rule(outputs: Array, *rest: Any) -> str | None:
    """Say so where a row has no outputs: there is no mean of none."""
    return None if outputs.shape[-1] else f"outputs {outputs.shape}, none in a row"


def loss_rule(outputs: Array, targets: Array, weights: Array, formula: str, options: Any = (),
              average: bool = True) -> str | None:  # fmt: skip
    """Say so unless there is such a formula, with as many numbers, and there are outputs."""
    wanted = {"huber": 1, "binary_focal_crossentropy": 2}.get(formula, 0)
    fits = formula in LOSS_FORMULAS and len(options) == wanted
    return row_rule(outputs) if fits else f"formula {formula!r} with {len(options)} options"


def stops_rule(gradients: Array, sums: Array, stops: Any, limit: float = 0.0) -> str | None:
    """Say so unless stops rise to the end of the gradients, one a sum."""
    fits = len(stops) == len(sums) and list(stops) == sorted(stops)
    fits = fits and all(map(is_whole, stops))
    fits = fits and min(stops, default=0) >= 0 and max(stops, default=0) == len(gradients)
    return None if fits else f"stops {stops} for {len(gradients)} gradients, {len(sums)} sums"
