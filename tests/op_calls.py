"""Calls of each op on images tall enough to be cut, whatever the number of threads is."""

import hashlib

import numpy as np
from update_calls import judged, updates

from npcnn import kernels as k
from npcnn.affine import Ranges

HEIGHTS = (48, 65, 130)
FORMS = [
    (3, 3, (1, 1), "same", (1, 1), "relu"), (3, 2, (1, 1), "valid", (1, 1), "linear"),
    (5, 5, (1, 1), "same", (1, 1), "relu"), (3, 3, (2, 1), "same", (1, 1), "linear"),
    (2, 3, (1, 2), "valid", (1, 1), "relu"), (3, 3, (1, 1), "same", (2, 3), "relu"),
]  # fmt: skip
MOVES = [
    (3, 3, (1, 1), (1, 1), (1, 1)), (3, 2, (2, 1), (1, 1), (1, 0)),
    (3, 3, (1, 1), (1, 2), (0, 0)), (2, 2, (2, 2), (1, 1), (0, 1)),
]  # fmt: skip
POOLS = [((2, 2), (2, 2), "valid"), ((3, 2), (1, 2), "same")]
TURNED, COLORED = Ranges(rotation=(-1.0, 1.0)), (0.5, 1.5, -0.2, 0.2, 0.0, 0.5)


class Arrays:
    """What the ops are called with."""

    def __init__(self, dtype, height):
        self.dtype, self.height, self.rng = dtype, height, np.random.default_rng(height)
        random = self.random
        self.x, self.flat = random(6, height, 33, 3), random(90, 40 * height)
        self.many = random(2 * height, 20, 20, 1)
        self.probabilities = k.softmax(self.flat)
        self.labels = np.abs(self.flat) / np.abs(self.flat).sum(-1, keepdims=True)
        self.weights = np.abs(random(len(self.flat)))
        self.kernel, self.bias = random(self.flat.shape[1], 50), random(50)
        self.order = self.rng.integers(0, len(self.x), 50)
        self.normal = np.abs(random(4, 3))

    def random(self, *shape):
        return self.rng.standard_normal(shape).astype(self.dtype)


def convolutions(has):
    """Plain ones, forms and moves."""
    x, dtype, random = has.x, has.dtype, has.random

    def conv(rows, columns, *form):
        kernel, bias = random(rows, columns, 3, 7), random(7)
        return lambda: k.conv2d(x, kernel, bias, *form)

    def conv_back(rows, columns, *form):
        kernel = random(rows, columns, 3, 7)
        y = k.conv2d(x, kernel, None, *form)
        grad_y, grads = random(*y.shape), [np.empty_like(kernel), np.empty(7, dtype)]
        return lambda: (k.conv2d_backward(grad_y, x, y, kernel, *grads, *form), *grads)

    return {
        "conv2d": [conv(*form) for form in FORMS],
        "conv2d_backward": [conv_back(*form) for form in FORMS],
    }


def grouped_and_transposed(has):
    """Convolutions by groups, and from the output to the input."""
    x, dtype, random = has.x, has.dtype, has.random

    def grouped(back, *form):
        kernel, bias = random(*form[:2], 1, 6), random(6)
        y = k.grouped_conv2d(x, kernel, bias, *form[2:], 3)
        if not back:
            return lambda: k.grouped_conv2d(x, kernel, bias, *form[2:], 3)
        grad_y, grads = random(*y.shape), [np.empty_like(kernel), np.empty(6, dtype)]
        return lambda: (
            k.grouped_conv2d_backward(grad_y, x, y, kernel, *grads, *form[2:], 3),
            *grads,
        )

    def transpose(back, *form):
        kernel, bias = random(*form[:2], 7, 3), random(7)
        y = k.conv2d_transpose(x, kernel, bias, *form[2:], (90, 40), "relu")
        if not back:
            return lambda: k.conv2d_transpose(x, kernel, bias, *form[2:], (90, 40), "relu")
        grad_y, grads = random(*y.shape), [np.empty_like(kernel), np.empty(7, dtype)]
        return lambda: (
            k.conv2d_transpose_backward(grad_y, x, y, kernel, *grads, *form[2:], "relu"),
            *grads,
        )

    return {
        "grouped_conv2d": [grouped(False, *form) for form in FORMS],
        "grouped_conv2d_backward": [grouped(True, *form) for form in FORMS],
        "conv2d_transpose": [transpose(False, *form) for form in MOVES],
        "conv2d_transpose_backward": [transpose(True, *form) for form in MOVES],
    }


def dense_and_pools(has):
    """What is multiplied, and what is pooled."""
    x, flat, kernel, bias = has.x, has.flat, has.kernel, has.bias
    dtype, random = has.dtype, has.random

    def dense_back(activation):
        kernel = random(flat.shape[1], 50)
        y = k.dense(flat, kernel, None, activation)
        grads = [np.empty_like(kernel), np.empty(50, dtype)]
        grad_y = random(*y.shape)
        return lambda: (k.dense_backward(grad_y, flat, y, kernel, *grads, activation), *grads)

    def pool_back(*form):
        y = k.max_pooling2d(x, *form)
        grad_y = random(*y.shape)
        return lambda: k.max_pooling2d_backward(grad_y, x, y, *form)

    return {
        "dense": [lambda: k.dense(flat, kernel, bias, "relu")],
        "dense_backward": [dense_back("relu"), dense_back("linear")],
        "average_pooling2d": [lambda form=form: k.average_pooling2d(x, *form) for form in POOLS],
        "average_pooling2d_backward": [
            lambda form=form: k.average_pooling2d_backward(k.average_pooling2d(x, *form), x, *form)
            for form in POOLS
        ],
        "max_pooling2d": [lambda form=form: k.max_pooling2d(x, *form) for form in POOLS],
        "max_pooling2d_backward": [pool_back(*form) for form in POOLS],
        "global_average_pooling2d": [lambda: k.global_average_pooling2d(x)],
        "global_average_pooling2d_backward": [
            lambda: k.global_average_pooling2d_backward(x[:, 0, 0], x)
        ],
    }


def normalizations(has):
    """By batch, by sample, by given numbers."""
    x, normal = has.x, has.normal
    return {
        "batch_normalization": [
            lambda: (*k.batch_normalization(x, *normal, 0.9, 1e-3, True), normal)
        ],
        "batch_normalization_backward": [
            lambda: (
                k.batch_normalization_backward(x[::-1], x, None, *normal[:2], *normal[2:], True),
                *normal[2:],
            )
        ],
        "layer_normalization": [lambda: k.layer_normalization(x, *normal[:2], 1e-3)],
        "layer_normalization_backward": [
            lambda: (
                k.layer_normalization_backward(
                    x[::-1], x, None, *k.layer_normalization(x, None, None, 1e-3)[1:], *normal[2:]
                ),
                *normal[2:],
            )
        ],
        "group_normalization": [lambda: k.group_normalization(x, *normal[:2], 3, 1e-3)],
        "group_normalization_backward": [
            lambda: (
                k.group_normalization_backward(
                    x[::-1],
                    x,
                    None,
                    *k.group_normalization(x, None, None, 1, 1e-3)[1:],
                    *normal[2:],
                ),
                *normal[2:],
            )
        ],
        "rms_normalization": [lambda: k.rms_normalization(x, normal[0], 1e-3)],
        "rms_normalization_backward": [
            lambda: (
                k.rms_normalization_backward(
                    x[::-1], x, None, k.rms_normalization(x, None, 1e-3)[1], normal[2]
                ),
                normal[2],
            )
        ],
        "normalize": [lambda: k.normalize(x, x[:1], np.abs(x[1:2]), 1e-7, False)],
        "normalize_backward": [lambda: k.normalize_backward(x, np.abs(x[:1]), 1e-7, True)],
    }


def activations(has):
    """Curves, straight ones and softmax."""
    x, flat, probabilities = has.x, has.flat, has.probabilities
    return {
        "elu": [lambda: k.elu(x, 0.7)],
        "elu_backward": [lambda: k.elu_backward(x[::-1], x, 0.7)],
        "exponential": [lambda: k.exponential(x)],
        "gelu": [lambda: k.gelu(x)],
        "gelu_backward": [lambda: k.gelu_backward(x[::-1], x)],
        "log_softmax": [lambda: k.log_softmax(flat)],
        "log_softmax_backward": [lambda: k.log_softmax_backward(flat, probabilities)],
        "mish": [lambda: k.mish(x)],
        "mish_backward": [lambda: k.mish_backward(x[::-1], x)],
        "prelu": [lambda: k.prelu(x, x[::-1])],
        "prelu_backward": [lambda: k.prelu_backward(x[:, ::-1], x, x[::-1])],
        "relu": [lambda: k.relu(x, 0.1, 6.0, 0.0)],
        "relu_backward": [lambda: k.relu_backward(x[::-1], x, 0.1, 6.0, 0.0)],
        "sigmoid": [lambda: k.sigmoid(flat)],
        "sigmoid_backward": [lambda: k.sigmoid_backward(flat, probabilities)],
        "silu": [lambda: k.silu(x)],
        "silu_backward": [lambda: k.silu_backward(x[::-1], x)],
        "softmax": [lambda: k.softmax(flat)],
        "softmax_backward": [lambda: k.softmax_backward(flat, probabilities)],
        "softplus": [lambda: k.softplus(x)],
        "softsign": [lambda: k.softsign(x)],
        "softsign_backward": [lambda: k.softsign_backward(x[::-1], x)],
        "squareplus": [lambda: k.squareplus(x, 4.0)],
        "squareplus_backward": [lambda: k.squareplus_backward(x[::-1], x, 4.0)],
        "tanh": [lambda: k.tanh(flat)],
        "tanh_backward": [lambda: k.tanh_backward(flat, probabilities)],
    }


def moved(has):
    """Numbers that stay what they are, elsewhere."""
    x, order, dtype = has.x, has.order, has.dtype
    return {
        "assign": [lambda: (k.assign(target := np.empty(x.shape, dtype), x), target)[1:]],
        "broadcast_to": [lambda: k.broadcast_to(x[:, :1, :1], x.shape)],
        "concatenate": [lambda axis=axis: k.concatenate([x, x], axis) for axis in range(4)],
        "concatenate_backward": [lambda: k.concatenate_backward(x, (1, 2), 3)],
        "constant": [lambda: k.constant(x, (1, 2), (2,))],
        "count": [lambda: k.count(np.zeros((), np.int64))],
        "flatten": [lambda: k.flatten(x)],
        "flatten_backward": [lambda: k.flatten_backward(k.flatten(x), x.shape)],
        "gather": [lambda: k.gather(x, order, x.dtype)],
        "one_hot": [lambda: k.one_hot(order, 7, x.dtype)],
        "rescale": [lambda: k.rescale(x, 0.5, 1.0, x.dtype)],
        "transpose": [lambda: k.transpose(x, (0, 2, 3, 1))],
        "upsampling2d": [
            lambda how=how: k.upsampling2d(x, (2, 3), how) for how in ("nearest", "bilinear")
        ],
        "upsampling2d_backward": [
            lambda how=how: k.upsampling2d_backward(x[:, :48], (2, 3), how)
            for how in ("nearest", "bilinear")
        ],
        "zero_padding2d": [lambda: k.zero_padding2d(x, ((1, 0), (2, 3)))],
        "zero_padding2d_backward": [lambda: k.zero_padding2d_backward(x, ((1, 0), (2, 3)))],
    }


def merged(has):
    """Two or three arrays of one shape, and sums."""
    x, height = has.x, has.height
    return {
        "add": [lambda: k.add(x, x[::-1])],
        "subtract": [lambda: k.subtract(x, x[::-1])],
        "multiply": [lambda: k.multiply(x, x[::-1])],
        "maximum": [lambda: k.maximum(x, x[::-1])],
        "maximum_backward": [lambda: k.maximum_backward(x[:, ::-1], x, x[::-1])],
        "minimum": [lambda: k.minimum(x, x[::-1])],
        "minimum_backward": [lambda: k.minimum_backward(x[:, ::-1], x, x[::-1])],
        "batch_dot": [lambda: k.batch_dot(x[:, :, :, 0], x[:, ::-1, :, 1])],
        "sum_to": [lambda: k.sum_to(x, (6, 1, 1, 3)), lambda: k.sum_to(x, (1, height, 1, 3))],
    }


def drawn(has):
    """What is drawn by a seed, and pictures that are moved."""
    x, many = has.x, has.many
    return {
        "dropout": [lambda: k.dropout(x, 0.3, 7, x.shape)],
        "dropout_backward": [lambda: k.dropout_backward(x, 0.3, 7, x.shape)],
        "random_normal": [lambda: k.random_normal(x, 0.5, 2.0, 7)],
        "random_affine": [lambda: k.random_affine(x, 7, TURNED, (9, 9))],
        "elastic_field": [lambda: k.elastic_field(x, 7, 2.0, 5)],
        "gaussian_field": [lambda: k.gaussian_field(x, 7, (0.5, 1.0), (0.1, 1.0))],
        "erase": [lambda: k.erase(x, 7, (0.5, 1.0), (0.1, 0.5), 0.3)],
        "erase_backward": [lambda: k.erase_backward(x, 7, (0.5, 1.0), (0.1, 0.5))],
        "random_color": [lambda: k.random_color(x, 7, COLORED)],
        "random_color_backward": [lambda: k.random_color_backward(x, x[::-1], 7, COLORED)],
        "warp": [
            lambda form=form: k.warp(x, k.random_affine(x, 7, TURNED, (40, 40)), (40, 40), *form, 0)
            for form in (("bilinear", "reflect"), ("nearest", "constant"))
        ]
        + [
            lambda: k.warp(
                many,
                k.random_affine(many, 7, TURNED, (20, 20)),
                (20, 20),
                "bilinear",
                "constant",
                0,
                k.elastic_field(many, 7, 2.0, 5),
            )
        ],
        "warp_backward": [
            lambda: k.warp_backward(
                x, k.random_affine(x, 7, TURNED, (40, 40)), (40, 40), "bilinear", "constant"
            )
        ],
    }


GROUPS = (
    convolutions, grouped_and_transposed, dense_and_pools, normalizations, activations, moved,
    merged, drawn, judged, updates,
)  # fmt: skip


def calls(dtype, height):
    """Return op → calls of it, as functions without arguments, all on several tasks."""
    has = Arrays(dtype, height)
    return {name: listed for group in GROUPS for name, listed in group(has).items()}


def digests():
    """Yield a line for each call of each op: what it was, and a digest of what came out."""
    for dtype in (np.float32, np.float64):
        for height in HEIGHTS:
            for name, listed in calls(dtype, height).items():
                for number, call in enumerate(listed):
                    results = call()
                    results = results if isinstance(results, tuple) else (results,)
                    arrays = [array.tobytes() for array in results if array is not None]
                    digest = hashlib.sha256(b"".join(arrays)).hexdigest()
                    yield f"{name}[{number}] {height} {np.dtype(dtype)} {digest}"
