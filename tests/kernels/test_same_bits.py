"""Every op gives the same bits on any number of threads, on images tall enough to be cut.

Each number of threads has a process of its own: how a shape is cut is remembered within one.
"""

import hashlib

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("jit")

HEIGHTS = (48, 65, 130)


def cases(dtype, height):
    """Return op → calls of it, as functions without arguments, all on several tasks."""
    from npcnn import kernels as k
    from npcnn.affine import Ranges

    rng = np.random.default_rng(height)

    def random(*shape):
        return rng.standard_normal(shape).astype(dtype)

    x, flat = random(6, height, 33, 3), random(90, 40 * height)
    many = random(2 * height, 20, 20, 1)
    probabilities = k.softmax(flat)
    labels = np.abs(flat) / np.abs(flat).sum(-1, keepdims=True)
    weights = np.abs(random(len(flat)))
    forms = [
        (3, 3, (1, 1), "same", (1, 1), "relu"), (3, 2, (1, 1), "valid", (1, 1), "linear"),
        (5, 5, (1, 1), "same", (1, 1), "relu"), (3, 3, (2, 1), "same", (1, 1), "linear"),
        (2, 3, (1, 2), "valid", (1, 1), "relu"), (3, 3, (1, 1), "same", (2, 3), "relu"),
    ]  # fmt: skip

    moves = [
        (3, 3, (1, 1), (1, 1), (1, 1)), (3, 2, (2, 1), (1, 1), (1, 0)),
        (3, 3, (1, 1), (1, 2), (0, 0)), (2, 2, (2, 2), (1, 1), (0, 1)),
    ]  # fmt: skip

    def conv(rows, columns, *form):
        kernel, bias = random(rows, columns, 3, 7), random(7)
        return lambda: k.conv2d(x, kernel, bias, *form)

    def conv_back(rows, columns, *form):
        kernel = random(rows, columns, 3, 7)
        y = k.conv2d(x, kernel, None, *form)
        grad_y, grads = random(*y.shape), [np.empty_like(kernel), np.empty(7, dtype)]
        return lambda: (k.conv2d_backward(grad_y, x, y, kernel, *grads, *form), *grads)

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

    def update(op, slots, *options):
        arrays = [np.abs(random(40_000)) for _ in range(2 + slots)]
        return lambda: (op(*arrays, *options), *arrays)

    def added(op, *rest):
        arrays = [random(40_000), random(40_000)]
        return lambda: (op(*arrays, *rest), *arrays)

    long, sums, stops = random(90_001), np.zeros(3, dtype), (7, 40_000, 90_001)
    k.square_sums(long, sums, stops)
    pools = [((2, 2), (2, 2), "valid"), ((3, 2), (1, 2), "same")]
    kernel, bias = random(flat.shape[1], 50), random(50)
    order = rng.integers(0, len(x), 50)
    normal = np.abs(random(4, 3))
    moved, colored = Ranges(rotation=(-1.0, 1.0)), (0.5, 1.5, -0.2, 0.2, 0.0, 0.5)
    return {
        "add": [lambda: k.add(x, x[::-1])],
        "subtract": [lambda: k.subtract(x, x[::-1])],
        "multiply": [lambda: k.multiply(x, x[::-1])],
        "maximum": [lambda: k.maximum(x, x[::-1])],
        "maximum_backward": [lambda: k.maximum_backward(x[:, ::-1], x, x[::-1])],
        "minimum": [lambda: k.minimum(x, x[::-1])],
        "minimum_backward": [lambda: k.minimum_backward(x[:, ::-1], x, x[::-1])],
        "concatenate": [lambda axis=axis: k.concatenate([x, x], axis) for axis in range(4)],
        "concatenate_backward": [lambda: k.concatenate_backward(x, (1, 2), 3)],
        "assign": [lambda: (k.assign(target := np.empty(x.shape, dtype), x), target)[1:]],
        "constant": [lambda: k.constant(x, (1, 2), (2,))],
        "upsampling2d": [
            lambda how=how: k.upsampling2d(x, (2, 3), how) for how in ("nearest", "bilinear")
        ],
        "upsampling2d_backward": [
            lambda how=how: k.upsampling2d_backward(x[:, :48], (2, 3), how)
            for how in ("nearest", "bilinear")
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
        "normalize": [lambda: k.normalize(x, x[:1], np.abs(x[1:2]), 1e-7, False)],
        "normalize_backward": [lambda: k.normalize_backward(x, np.abs(x[:1]), 1e-7, True)],
        "batch_dot": [lambda: k.batch_dot(x[:, :, :, 0], x[:, ::-1, :, 1])],
        "group_normalization": [lambda: k.group_normalization(x, *normal[:2], 3, 1e-3)],
        "group_normalization_backward": [
            lambda: (
                k.group_normalization_backward(
                    x[::-1], x, None, *k.group_normalization(x, None, None, 1, 1e-3)[1:],
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
        "prelu": [lambda: k.prelu(x, x[::-1])],
        "prelu_backward": [lambda: k.prelu_backward(x[:, ::-1], x, x[::-1])],
        "random_normal": [lambda: k.random_normal(x, 0.5, 2.0, 7)],
        "broadcast_to": [lambda: k.broadcast_to(x[:, :1, :1], x.shape)],
        "sum_to": [lambda: k.sum_to(x, (6, 1, 1, 3)), lambda: k.sum_to(x, (1, height, 1, 3))],
        "transpose": [lambda: k.transpose(x, (0, 2, 3, 1))],
        "adamax": [update(k.adamax, 2, np.array([0.1], dtype), 0.9, 0.999, 1e-7)],
        "adadelta": [update(k.adadelta, 2, np.array([0.1], dtype), 0.95, 1e-7)],
        "adagrad": [update(k.adagrad, 1, np.array([0.1], dtype), 1e-7)],
        "ftrl": [update(k.ftrl, 2, np.array([0.1], dtype), -0.5, 0.1, 0.2, 0.3, 0.4)],
        "nadam": [update(k.nadam, 2, np.array([0.1, 0.2, 1.5], dtype), 0.9, 0.999, 1e-7)],
        "accumulate": [added(k.accumulate)],
        "accumulated_mean": [added(k.accumulated_mean, 3)],
        "amsgrad": [update(k.amsgrad, 3, np.array([0.1], dtype), 0.9, 0.999, 1e-7)],
        "clip_by_global_norm": [lambda: k.clip_by_global_norm(long, sums, 0.5)],
        "clip_by_norm": [lambda: k.clip_by_norm(long, sums, stops, 0.5)],
        "clip_by_value": [lambda: k.clip_by_value(long, 0.5)],
        "lion": [update(k.lion, 1, np.array([0.1], dtype), 0.9, 0.99)],
        "moving_average": [added(k.moving_average, np.array([0.9, 1], dtype))],
        "square_sums": [lambda: (k.square_sums(long, sums, stops), sums)],
        "weight_decay": [lambda: (k.weight_decay(long, sums[:1] * 1e-3), long)],
        "adam": [update(k.adam, 2, 0.1, 0.9, 0.999, 1e-7)],
        "adamw": [
            update(k.adamw, 2, np.array([0.1, 0.01], dtype), 0.9, 0.999, 1e-7)
        ],
        "average_pooling2d": [lambda form=form: k.average_pooling2d(x, *form) for form in pools],
        "average_pooling2d_backward": [
            lambda form=form: k.average_pooling2d_backward(k.average_pooling2d(x, *form), x, *form)
            for form in pools
        ],
        "batch_normalization": [
            lambda: (*k.batch_normalization(x, *normal, 0.9, 1e-3, True), normal)
        ],
        "batch_normalization_backward": [
            lambda: (
                k.batch_normalization_backward(x[::-1], x, None, *normal[:2], *normal[2:], True),
                *normal[2:],
            )
        ],
        "count": [lambda: k.count(np.zeros((), np.int64))],
        "elementwise_loss": [
            lambda form=form: k.elementwise_loss(flat, probabilities, weights, *form)
            for form in (("absolute",), ("huber", (0.5,)), ("binary_crossentropy_from_logits",))
        ],
        "l1_l2": [
            lambda: (k.l1_l2(weights, x.ravel(), (g := np.ones(x.size, dtype)), 0.1, 0.2), g)
        ],
        "l1_l2_backward": [lambda: k.l1_l2_backward(x[::-1], x, 0.1, 0.2)],
        "norm_constraint": [
            lambda: (w := x.reshape(6, height, -1).copy(), k.norm_constraint(w, 0.0, 0.5, 0.9))[0]
        ],
        "non_negative": [lambda: (w := x.ravel().copy(), k.non_negative(w))[0]],
        "hinge_labels": [lambda: k.hinge_labels(x)],
        "mean_squared_error": [lambda: k.mean_squared_error(flat, probabilities, weights)],
        "one_hot": [lambda: k.one_hot(order, 7, x.dtype)],
        "rescale": [lambda: k.rescale(x, 0.5, 1.0, x.dtype)],
        "sgd": [update(k.sgd, 1, 0.1, momentum, momentum > 0) for momentum in (0.0, 0.9)],
        "categorical_crossentropy": [
            lambda: k.categorical_crossentropy(labels, probabilities, weights)
        ],
        "categorical_crossentropy_from_logits": [
            lambda: k.categorical_crossentropy_from_logits(labels, flat, weights)
        ],
        "conv2d": [conv(*form) for form in forms],
        "conv2d_backward": [conv_back(*form) for form in forms],
        "grouped_conv2d": [grouped(False, *form) for form in forms],
        "grouped_conv2d_backward": [grouped(True, *form) for form in forms],
        "conv2d_transpose": [transpose(False, *form) for form in moves],
        "conv2d_transpose_backward": [transpose(True, *form) for form in moves],
        "dense": [lambda: k.dense(flat, kernel, bias, "relu")],
        "dense_backward": [dense_back("relu"), dense_back("linear")],
        "dropout": [lambda: k.dropout(x, 0.3, 7, x.shape)],
        "dropout_backward": [lambda: k.dropout_backward(x, 0.3, 7, x.shape)],
        "exponential": [lambda: k.exponential(x)],
        "log_softmax": [lambda: k.log_softmax(flat)],
        "log_softmax_backward": [lambda: k.log_softmax_backward(flat, probabilities)],
        "mish": [lambda: k.mish(x)],
        "mish_backward": [lambda: k.mish_backward(x[::-1], x)],
        "softplus": [lambda: k.softplus(x)],
        "softsign": [lambda: k.softsign(x)],
        "softsign_backward": [lambda: k.softsign_backward(x[::-1], x)],
        "squareplus": [lambda: k.squareplus(x, 4.0)],
        "squareplus_backward": [lambda: k.squareplus_backward(x[::-1], x, 4.0)],
        "elu": [lambda: k.elu(x, 0.7)],
        "elu_backward": [lambda: k.elu_backward(x[::-1], x, 0.7)],
        "flatten": [lambda: k.flatten(x)],
        "flatten_backward": [lambda: k.flatten_backward(k.flatten(x), x.shape)],
        "gather": [lambda: k.gather(x, order, x.dtype)],
        "gelu": [lambda: k.gelu(x)],
        "gelu_backward": [lambda: k.gelu_backward(x[::-1], x)],
        "global_average_pooling2d": [lambda: k.global_average_pooling2d(x)],
        "global_average_pooling2d_backward": [
            lambda: k.global_average_pooling2d_backward(x[:, 0, 0], x)
        ],
        "max_pooling2d": [lambda form=form: k.max_pooling2d(x, *form) for form in pools],
        "max_pooling2d_backward": [pool_back(*form) for form in pools],
        "random_affine": [lambda: k.random_affine(x, 7, moved, (9, 9))],
        "elastic_field": [lambda: k.elastic_field(x, 7, 2.0, 5)],
        "gaussian_field": [lambda: k.gaussian_field(x, 7, (0.5, 1.0), (0.1, 1.0))],
        "erase": [lambda: k.erase(x, 7, (0.5, 1.0), (0.1, 0.5), 0.3)],
        "erase_backward": [lambda: k.erase_backward(x, 7, (0.5, 1.0), (0.1, 0.5))],
        "random_color": [lambda: k.random_color(x, 7, colored)],
        "random_color_backward": [lambda: k.random_color_backward(x, x[::-1], 7, colored)],
        "warp": [
            lambda form=form: k.warp(x, k.random_affine(x, 7, moved, (40, 40)), (40, 40), *form, 0)
            for form in (("bilinear", "reflect"), ("nearest", "constant"))
        ] + [
            lambda: k.warp(
                many, k.random_affine(many, 7, moved, (20, 20)), (20, 20), "bilinear", "constant",
                0, k.elastic_field(many, 7, 2.0, 5),
            )
        ],
        "warp_backward": [
            lambda: k.warp_backward(
                x, k.random_affine(x, 7, moved, (40, 40)), (40, 40), "bilinear", "constant"
            )
        ],
        "rmsprop": [
            update(k.rmsprop, 3, np.array([0.1], dtype), 0.9, 0.5, 1e-7)
        ],
        "relu": [lambda: k.relu(x, 0.1, 6.0, 0.0)],
        "relu_backward": [lambda: k.relu_backward(x[::-1], x, 0.1, 6.0, 0.0)],
        "sigmoid": [lambda: k.sigmoid(flat)],
        "sigmoid_backward": [lambda: k.sigmoid_backward(flat, probabilities)],
        "silu": [lambda: k.silu(x)],
        "silu_backward": [lambda: k.silu_backward(x[::-1], x)],
        "softmax": [lambda: k.softmax(flat)],
        "softmax_backward": [lambda: k.softmax_backward(flat, probabilities)],
        "tanh": [lambda: k.tanh(flat)],
        "tanh_backward": [lambda: k.tanh_backward(flat, probabilities)],
        "zero_padding2d": [lambda: k.zero_padding2d(x, ((1, 0), (2, 3)))],
        "zero_padding2d_backward": [lambda: k.zero_padding2d_backward(x, ((1, 0), (2, 3)))],
    }  # fmt: skip


def digests():
    """Yield a line for each call of each op: what it was, and a digest of what came out."""
    for dtype in (np.float32, np.float64):
        for height in HEIGHTS:
            for name, calls in cases(dtype, height).items():
                for number, call in enumerate(calls):
                    results = call()
                    results = results if isinstance(results, tuple) else (results,)
                    arrays = [array.tobytes() for array in results if array is not None]
                    digest = hashlib.sha256(b"".join(arrays)).hexdigest()
                    yield f"{name}[{number}] {height} {np.dtype(dtype)} {digest}"


def test_each_op_has_its_cases():
    from npcnn import kernels

    assert set(cases(np.float32, 48)) == set(kernels.__all__)


def test_the_same_bits_on_one_two_and_three_threads(run_python):
    source = (
        "import sys; sys.path.insert(0, 'tests/kernels')\n"
        "import npcnn, test_same_bits\n"
        "npcnn.set_num_threads({})\n"
        "print(*test_same_bits.digests(), sep='\\n')\n"
    )
    lines = [run_python(source.format(threads)).splitlines() for threads in (1, 2, 3)]
    assert len(lines[0]) > 100
    assert lines[0] == lines[1] == lines[2]
