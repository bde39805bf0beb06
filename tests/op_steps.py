"""A step of each op, as a program is to play it: what it calls, and what shapes go in."""

import numpy as np
from update_steps import between, copied, judged, optimizers

from npcnn import kernels as k
from npcnn.affine import Ranges

CONV, POOL = ((1, 1), "same", (1, 1), "relu"), ((2, 2), (2, 2), "same")
EDGES = ((1, 0), (0, 2))
MOVED = (2, 1), (1, 1), (1, 0)  # strides, dilation and what is cut off before
TURNED = Ranges(
    (-1.0, 1.0), (-0.2, 0.2), ((0.8, 1.2), (0.7, 1.3)), False, ((-2.0, 2.0), (0.0, 1.0))
)
COLORED, FILLED = (0.5, 1.5, -0.2, 0.2, 0.0, 0.5), ("bilinear", "constant")


def numbers(seed, *shapes, dtype="float32"):
    rng = np.random.default_rng(seed)
    return [(rng.random(shape) - 0.3).astype(dtype) for shape in shapes]


class Arrays:
    """What steps have beside what goes in: shapes, weights, gradients, rates."""

    def __init__(self, shape, dtype):
        self.shape, self.n, self.channels = shape, shape[0], shape[-1]
        self.pooled = (self.n, -(-shape[1] // 2), -(-shape[2] // 2), self.channels)
        self.rows, self.classes = [(self.n, 12)], [(self.n, 5), (self.n, 5), (self.n,)]
        kernel, bias, matrix, units, self.one, self.two, three = numbers(
            9, (3, 3, self.channels, self.channels), (self.channels,), (12, 5), (5,), (1,), (2,),
            (3,), dtype=dtype,
        )  # fmt: skip
        self.three = np.abs(three)
        self.kernel, self.bias, self.matrix, self.units = kernel, bias, matrix, units
        self.single = np.ascontiguousarray(kernel[:, :, :1])
        like = (kernel, bias, matrix, units, bias, bias, self.single, bias)
        self.grads = [np.zeros_like(array) for array in like]

    def known(self):
        """Return the arrays that a program is told of."""
        weights = [self.single, self.kernel, self.bias, self.matrix, self.units]
        return [*weights, self.one, self.two, self.three, *self.grads]


def convolutions(has):
    """Plain, grouped and transposed ones."""
    shape, n, channels = has.shape, has.n, has.channels
    kernel, single, bias, grads = has.kernel, has.single, has.bias, has.grads

    def conv_back(x, y):
        return k.conv2d_backward(y, x, y, kernel, *grads[:2], *CONV), *map(copied, grads[:2])

    return {
        "conv2d": (lambda x: (k.conv2d(x, kernel, bias, *CONV),), [shape]),
        "no bias": (lambda x: (k.conv2d(x, kernel, None, *CONV),), [shape]),
        "conv2d_backward": (conv_back, [shape, shape]),
        "grouped_conv2d": (
            lambda x: (k.grouped_conv2d(x, single, bias, *CONV, channels),),
            [shape],
        ),
        "grouped_conv2d_backward": (
            lambda x, y: (
                k.grouped_conv2d_backward(y, x, y, single, *grads[6:8], *CONV, channels),
                *map(copied, grads[6:8]),
            ),
            [shape, shape],
        ),
        "conv2d_transpose": (
            lambda x: (k.conv2d_transpose(x, kernel, bias, *MOVED, (9, 8), "relu"),),
            [shape],
        ),
        "conv2d_transpose_backward": (
            lambda x, y: (
                k.conv2d_transpose_backward(y, x, y, kernel, *grads[:2], *MOVED, "relu"),
                *map(copied, grads[:2]),
            ),
            [shape, (n, 9, 8, channels)],
        ),
    }


def dense_and_pools(has):
    """What is multiplied, and what is pooled."""
    shape, n, channels, pooled = has.shape, has.n, has.channels, has.pooled
    rows, matrix, grads = has.rows, has.matrix, has.grads

    def dense_back(x, y):
        return k.dense_backward(y, x, y, matrix, *grads[2:4], "relu"), *map(copied, grads[2:4])

    return {
        "dense": (lambda x: (k.dense(x, matrix, None, "relu"),), rows),
        "dense_backward": (dense_back, [*rows, (n, 5)]),
        "max_pooling2d": (lambda x: (k.max_pooling2d(x, *POOL),), [shape]),
        "max_pooling2d_backward": (
            lambda x, g: (k.max_pooling2d_backward(g, x, k.max_pooling2d(x, *POOL), *POOL),),
            [shape, pooled],
        ),
        "average_pooling2d": (lambda x: (k.average_pooling2d(x, *POOL),), [shape]),
        "average_pooling2d_backward": (
            lambda x, g: (k.average_pooling2d_backward(g, x, *POOL),),
            [shape, pooled],
        ),
        "global_average_pooling2d": (lambda x: (k.global_average_pooling2d(x),), [shape]),
        "global_average_pooling2d_backward": (
            lambda g, x: (k.global_average_pooling2d_backward(g, x),),
            [(n, channels), shape],
        ),
    }


def normalizations(has):
    """By batch, by sample, by given numbers."""
    shape, channels, bias, grads = has.shape, has.channels, has.bias, has.grads
    return {
        "batch_normalization": (
            lambda x: k.batch_normalization(x, bias, bias, *grads[4:6], 0.9, 1e-3, True),
            [shape],
        ),
        "batch_normalization_backward": (
            lambda g, x: (
                k.batch_normalization_backward(g, x, bias, bias, bias, *grads[4:6], True),
                *map(copied, grads[4:6]),
            ),
            [shape, shape],
        ),
        "layer_normalization": (lambda x: k.layer_normalization(x, bias, bias, 1e-3), [shape]),
        "layer_normalization_backward": (
            lambda g, x: (
                k.layer_normalization_backward(
                    g, x, bias, *k.layer_normalization(x, bias, bias, 1e-3)[1:], *grads[4:6]
                ),
                *map(copied, grads[4:6]),
            ),
            [shape, shape],
        ),
        "group_normalization": (
            lambda x: k.group_normalization(x, bias, bias, channels, 1e-3),
            [shape],
        ),
        "group_normalization_backward": (
            lambda g, x: (
                k.group_normalization_backward(
                    g, x, bias, *k.group_normalization(x, None, None, 1, 1e-3)[1:], *grads[4:6]
                ),
                *map(copied, grads[4:6]),
            ),
            [shape, shape],
        ),
        "rms_normalization": (lambda x: k.rms_normalization(x, bias, 1e-3), [shape]),
        "rms_normalization_backward": (
            lambda g, x: (
                k.rms_normalization_backward(
                    g, x, bias, k.rms_normalization(x, bias, 1e-3)[1], grads[4]
                ),
                copied(grads[4]),
            ),
            [shape, shape],
        ),
        "normalize": (
            lambda x, m, v: (k.normalize(x, m, k.multiply(v, v), 1e-7, False),),
            [shape, (1, *shape[1:]), (1, *shape[1:])],
        ),
        "normalize_backward": (
            lambda g, v: (k.normalize_backward(g, k.multiply(v, v), 1e-7, True),),
            [shape, (1, *shape[1:])],
        ),
    }


def activations(has):
    """Curves, straight ones and softmax."""
    shape, rows = has.shape, has.rows
    curves = ("gelu", "log_softmax", "mish", "sigmoid", "silu", "softsign", "tanh")
    return {
        "relu": (lambda x: (k.relu(x, 0.1, 0.5, 0.0),), [shape]),
        "relu_backward": (lambda g, x: (k.relu_backward(g, x, 0.1, 0.5, 0.0),), [shape, shape]),
        "prelu": (lambda x, a: (k.prelu(x, a),), [shape, shape]),
        "prelu_backward": (k.prelu_backward, [shape] * 3),
        "softmax": (lambda x: (k.softmax(x),), rows),
        "softmax_backward": (lambda g, y: (k.softmax_backward(g, y),), rows * 2),
        **{
            name: (lambda x, name=name: (getattr(k, name)(x),), [shape])
            for name in (*curves, "exponential", "softplus")
        },
        **{
            name: (lambda g, x, name=name: (getattr(k, name)(g, x),), [shape, shape])
            for name in [f"{curve}_backward" for curve in curves]
        },
        "squareplus": (lambda x: (k.squareplus(x, 4.0),), [shape]),
        "squareplus_backward": (lambda g, x: (k.squareplus_backward(g, x, 4.0),), [shape, shape]),
        "elu": (lambda x: (k.elu(x, 0.7),), [shape]),
        "elu_backward": (lambda g, x: (k.elu_backward(g, x, 0.7),), [shape, shape]),
    }


def moved(has):
    """Numbers that stay what they are, elsewhere."""
    shape, n, channels, rows, grads = has.shape, has.n, has.channels, has.rows, has.grads
    return {
        "flatten": (lambda x: (k.flatten(x),), [shape]),
        "flatten_backward": (lambda g: (k.flatten_backward(g, (n, 2, 3, 2)),), rows),
        "zero_padding2d": (lambda x: (k.zero_padding2d(x, EDGES),), [shape]),
        "zero_padding2d_backward": (lambda g: (k.zero_padding2d_backward(g, EDGES),), [shape]),
        "upsampling2d": (
            lambda x: tuple(k.upsampling2d(x, (1, 2), how) for how in ("nearest", "bilinear")),
            [shape],
        ),
        "upsampling2d_backward": (
            lambda g: tuple(
                k.upsampling2d_backward(g, (1, 2), how) for how in ("nearest", "bilinear")
            ),
            [(n, shape[1], 6, channels)],
        ),
        "concatenate": (lambda *xs: (k.concatenate(xs, 3),), [shape, (*shape[:3], 5), shape]),
        "concatenate_backward": (
            lambda g: k.concatenate_backward(g, (1, channels - 1), 3),
            [shape],
        ),
        "assign": (
            lambda x: (
                k.assign(grads[4], k.sum_to(x, (1, 1, 1, channels)).reshape(-1)),
                copied(grads[4]),
            )[1:],
            [shape],
        ),
        "constant": (lambda x: (copied(k.constant(x, (1, 2, 3), (3, 1))),), [shape]),
        "broadcast_to": (lambda x: (k.broadcast_to(x, shape),), [(n, 1, 1, channels)]),
        "transpose": (lambda x: (k.transpose(x, (0, 3, 1, 2)),), [shape]),
        "rescale": (lambda x: (k.rescale(x, 2.0, 1.0, x.dtype),), [shape]),
        "one_hot": (lambda x: (k.one_hot(x, 3, x.dtype),), [(n,)]),
    }


def merged(has):
    """Two or three arrays of one shape, and sums."""
    shape, n, channels = has.shape, has.n, has.channels
    return {
        **{
            name: (lambda x, z, name=name: (getattr(k, name)(x, z),), [shape] * 2)
            for name in ("add", "subtract", "multiply", "maximum", "minimum")
        },
        "maximum_backward": (k.maximum_backward, [shape] * 3),
        "minimum_backward": (k.minimum_backward, [shape] * 3),
        "batch_dot": (lambda x, z: (k.batch_dot(x, z),), [(n, 5, 7), (n, 3, 7)]),
        "sum_to": (
            lambda x: (k.sum_to(x, (n, 1, 1, channels)), k.sum_to(x, (1, 1, 1, channels))),
            [shape],
        ),
    }


def drawn(has):
    """What is drawn by a seed, and pictures that are moved."""
    shape = has.shape
    return {
        "dropout": (lambda x: (k.dropout(x, 0.4, 7, x.shape),), [shape]),
        "dropout_backward": (lambda x: (k.dropout_backward(x, 0.4, 7, x.shape),), [shape]),
        "random_normal": (lambda x: (k.random_normal(x, 0.5, 2.0, 7, None),), [shape]),
        "random_affine": (lambda x: (k.random_affine(x, 7, TURNED, (5, 6)),), [shape]),
        "elastic_field": (lambda x: (k.elastic_field(x, 7, 2.0, 5),), [shape]),
        "gaussian_field": (lambda x: (k.gaussian_field(x, 7, (0.5, 1.0), (0.1, 1.0)),), [shape]),
        "erase": (lambda x: (k.erase(x, 7, (0.5, 1.0), (0.1, 0.5), 0.3),), [shape]),
        "erase_backward": (lambda g: (k.erase_backward(g, 7, (0.5, 1.0), (0.1, 0.5)),), [shape]),
        "random_color": (lambda x: (k.random_color(x, 7, COLORED),), [shape]),
        "random_color_backward": (
            lambda g, x: (k.random_color_backward(g, x, 7, COLORED),),
            [shape] * 2,
        ),
        "warp": (
            lambda x: (k.warp(x, k.random_affine(x, 7, TURNED, (5, 6)), (5, 6), *FILLED, 0.5),),
            [shape],
        ),
        "warp_backward": (
            lambda g: (k.warp_backward(g, k.random_affine(g, 7, TURNED, (5, 6)), (5, 6), *FILLED),),
            [shape],
        ),
    }


GROUPS = (
    convolutions, dense_and_pools, normalizations, activations, moved, merged, drawn, judged,
    optimizers, between,
)  # fmt: skip


def steps(shape, dtype):
    """Return (name → (a step, the shapes of what goes in), what else the steps use)."""
    has = Arrays(shape, dtype)
    return {name: step for group in GROUPS for name, step in group(has).items()}, has.known()
