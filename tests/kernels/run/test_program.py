"""A program plays a step's kernel calls, to the same bits, or says why it does not."""

import copy
import threading
import weakref

import numpy as np
import pytest

import npcnn
from npcnn import kernels as k
from npcnn.affine import Ranges
from npcnn.garbage import no_collection
from npcnn.kernels.run import layout, memory
from npcnn.kernels.run.program import PROOFS, Program, Programs

pytestmark = pytest.mark.usefixtures("jit")

CONV, POOL = ((1, 1), "same", (1, 1), "relu"), ((2, 2), (2, 2), "same")
EDGES = ((1, 0), (0, 2))
MOVED = (2, 1), (1, 1), (1, 0)  # strides, dilation and what is cut off before
TURNED = Ranges(
    (-1.0, 1.0), (-0.2, 0.2), ((0.8, 1.2), (0.7, 1.3)), False, ((-2.0, 2.0), (0.0, 1.0))
)
COLORED, FILLED = (0.5, 1.5, -0.2, 0.2, 0.0, 0.5), ("bilinear", "constant")
SHAPES = [(9, 8, 6, 3), (20, 16, 16, 8), (1, 5, 4, 2)]
UNTIL_PLAYED = 1 + PROOFS


def numbers(seed, *shapes, dtype="float32"):
    rng = np.random.default_rng(seed)
    return [(rng.random(shape) - 0.3).astype(dtype) for shape in shapes]


def steps(shape, dtype):
    """Return (name → (a step, the shapes of what goes in), what else the steps use)."""
    n, channels = shape[0], shape[-1]
    pooled = (n, -(-shape[1] // 2), -(-shape[2] // 2), channels)
    kernel, bias, matrix, units, one, rates, three = numbers(
        9, (3, 3, channels, channels), (channels,), (12, 5), (5,), (1,), (2,), (3,), dtype=dtype
    )
    three = np.abs(three)
    single = np.ascontiguousarray(kernel[:, :, :1])
    grads = [
        np.zeros_like(array) for array in (kernel, bias, matrix, units, bias, bias, single, bias)
    ]

    def copied(array):
        return k.rescale(array, 1.0, 0.0, array.dtype)

    def conv_back(x, y):
        return k.conv2d_backward(y, x, y, kernel, *grads[:2], *CONV), *map(copied, grads[:2])

    def dense_back(x, y):
        return k.dense_backward(y, x, y, matrix, *grads[2:4], "relu"), *map(copied, grads[2:4])

    def adamw(*flat):
        p, g, m, v = map(copied, flat)
        k.adamw(p, g, m, v, rates, 0.9, 0.99, 1e-7)
        return p, m, v

    def rmsprop(*flat):
        p, g, v, b, a = map(copied, flat)
        k.rmsprop(p, g, v, None, None, one, 0.9, 0.0, 1e-7)
        k.rmsprop(p, g, v, b, a, one, 0.9, 0.5, 1e-7)
        return p, v, b, a

    def adamax(*flat):
        p, g, v, w = map(copied, flat)
        k.adamax(p, g, v, w, one, 0.9, 0.999, 1e-7)
        return p, v, w

    def adadelta(*flat):
        p, g, v, w = map(copied, flat)
        k.adadelta(p, g, v, w, one, 0.95, 1e-7)
        return p, v, w

    def adagrad(*flat):
        p, g, v = map(copied, flat)
        k.adagrad(p, g, v, one, 1e-7)
        return p, v

    def ftrl(*flat):
        p, g, v, z = map(copied, flat)
        k.ftrl(p, g, v, z, one, -0.5, 0.1, 0.2, 0.3, 0.4)
        return p, z

    def nadam(*flat):
        p, g, v, w = map(copied, flat)
        k.nadam(p, g, v, w, three, 0.9, 0.999, 1e-7)
        return p, v, w

    def amsgrad(*flat):
        p, g, m, v, w = map(copied, flat)
        k.amsgrad(p, g, m, v, w, one, 0.9, 0.999, 1e-7)
        return p, m, v, w

    def lion(*flat):
        p, g, m = map(copied, flat)
        k.lion(p, g, m, one, 0.9, 0.99)
        return p, m

    def by_norm(g, sums):
        g, sums = copied(g), copied(sums)
        k.square_sums(g, sums, (40, 99))
        return k.clip_by_norm(g, sums, (40, 99), 0.5), k.clip_by_global_norm(g, sums, 0.5), sums

    def between(*flat):
        p, g, s = map(copied, flat)
        k.weight_decay(p, one)
        k.accumulate(s, g)
        return p, k.accumulated_mean(s, g, 2), s

    def averaged(*flat):
        p, a = map(copied, flat)
        k.moving_average(p, a, rates)
        return p, a

    def adam(*flat):
        p, g, m, v = map(copied, flat)
        k.adam(p, g, m, v, one, 0.9, 0.999, 1e-7)
        return (p,)

    def penalty(losses, w, g):
        grad = copied(g)
        return k.l1_l2(losses, w, grad, 0.1, 0.2), grad

    def limited(w):
        w = copied(w).reshape(3, 11, 3)
        k.norm_constraint(w, 0.1, 0.9, 0.7)
        return (w,)

    def cut(w):
        w = copied(w)
        k.non_negative(w)
        return (w,)

    rows, classes = [(n, 12)], [(n, 5), (n, 5), (n,)]
    table = {
        "conv2d": (lambda x: (k.conv2d(x, kernel, bias, *CONV),), [shape]),
        "no bias": (lambda x: (k.conv2d(x, kernel, None, *CONV),), [shape]),
        "conv2d_backward": (conv_back, [shape, shape]),
        "dense": (lambda x: (k.dense(x, matrix, None, "relu"),), rows),
        "dense_backward": (dense_back, [*rows, (n, 5)]),
        "max_pooling2d": (lambda x: (k.max_pooling2d(x, *POOL),), [shape]),
        "max_pooling2d_backward": (
            lambda x, g: (k.max_pooling2d_backward(g, x, k.max_pooling2d(x, *POOL), *POOL),),
            [shape, pooled],
        ),
        "grouped_conv2d": (
            lambda x: (k.grouped_conv2d(x, single, bias, *CONV, channels),), [shape],
        ),
        "grouped_conv2d_backward": (
            lambda x, y: (
                k.grouped_conv2d_backward(y, x, y, single, *grads[6:8], *CONV, channels),
                *map(copied, grads[6:8]),
            ),
            [shape, shape],
        ),
        "conv2d_transpose": (
            lambda x: (k.conv2d_transpose(x, kernel, bias, *MOVED, (9, 8), "relu"),), [shape],
        ),
        "conv2d_transpose_backward": (
            lambda x, y: (
                k.conv2d_transpose_backward(y, x, y, kernel, *grads[:2], *MOVED, "relu"),
                *map(copied, grads[:2]),
            ),
            [shape, (n, 9, 8, channels)],
        ),
        "average_pooling2d": (lambda x: (k.average_pooling2d(x, *POOL),), [shape]),
        "average_pooling2d_backward": (
            lambda x, g: (k.average_pooling2d_backward(g, x, *POOL),), [shape, pooled],
        ),
        "batch_normalization": (
            lambda x: k.batch_normalization(x, bias, bias, *grads[4:6], 0.9, 1e-3, True), [shape],
        ),
        "batch_normalization_backward": (
            lambda g, x: (
                k.batch_normalization_backward(g, x, bias, bias, bias, *grads[4:6], True),
                *map(copied, grads[4:6]),
            ),
            [shape, shape],
        ),
        "global_average_pooling2d": (lambda x: (k.global_average_pooling2d(x),), [shape]),
        "global_average_pooling2d_backward": (
            lambda g, x: (k.global_average_pooling2d_backward(g, x),), [(n, channels), shape],
        ),
        "relu": (lambda x: (k.relu(x, 0.1, 0.5, 0.0),), [shape]),
        "relu_backward": (lambda g, x: (k.relu_backward(g, x, 0.1, 0.5, 0.0),), [shape, shape]),
        "softmax": (lambda x: (k.softmax(x),), rows),
        "softmax_backward": (lambda g, y: (k.softmax_backward(g, y),), rows * 2),
        "gelu": (lambda x: (k.gelu(x),), [shape]),
        "gelu_backward": (lambda g, x: (k.gelu_backward(g, x),), [shape, shape]),
        **{
            name: (lambda x, name=name: (getattr(k, name)(x),), [shape])
            for name in ("exponential", "log_softmax", "mish", "softplus", "softsign")
        },
        **{
            name: (lambda g, x, name=name: (getattr(k, name)(g, x),), [shape, shape])
            for name in ("log_softmax_backward", "mish_backward", "softsign_backward")
        },
        "squareplus": (lambda x: (k.squareplus(x, 4.0),), [shape]),
        "squareplus_backward": (lambda g, x: (k.squareplus_backward(g, x, 4.0),), [shape, shape]),
        "elu": (lambda x: (k.elu(x, 0.7),), [shape]),
        "elu_backward": (lambda g, x: (k.elu_backward(g, x, 0.7),), [shape, shape]),
        "silu": (lambda x: (k.silu(x),), [shape]),
        "silu_backward": (lambda g, x: (k.silu_backward(g, x),), [shape, shape]),
        "tanh": (lambda x: (k.tanh(x),), [shape]),
        "tanh_backward": (lambda g, y: (k.tanh_backward(g, y),), [shape, shape]),
        "sigmoid": (lambda x: (k.sigmoid(x),), [shape]),
        "sigmoid_backward": (lambda g, y: (k.sigmoid_backward(g, y),), [shape, shape]),
        "flatten": (lambda x: (k.flatten(x),), [shape]),
        "flatten_backward": (
            lambda g: (k.flatten_backward(g, (n, 2, 3, 2)),), rows,
        ),
        "dropout": (lambda x: (k.dropout(x, 0.4, 7, x.shape),), [shape]),
        "dropout_backward": (lambda x: (k.dropout_backward(x, 0.4, 7, x.shape),), [shape]),
        "zero_padding2d": (lambda x: (k.zero_padding2d(x, EDGES),), [shape]),
        "zero_padding2d_backward": (lambda g: (k.zero_padding2d_backward(g, EDGES),), [shape]),
        "rescale": (lambda x: (k.rescale(x, 2.0, 1.0, x.dtype),), [shape]),
        "one_hot": (lambda x: (k.one_hot(x, 3, x.dtype),), [(n,)]),
        "categorical_crossentropy_from_logits": (
            k.categorical_crossentropy_from_logits, classes,
        ),
        "categorical_crossentropy": (
            lambda z, t, w: k.categorical_crossentropy(k.softmax(z), t, w), classes,
        ),
        "mean_squared_error": (k.mean_squared_error, classes),
        "add": (lambda x, z: (k.add(x, z),), [shape, shape]),
        "subtract": (lambda x, z: (k.subtract(x, z),), [shape, shape]),
        "multiply": (lambda x, z: (k.multiply(x, z),), [shape, shape]),
        "maximum": (lambda x, z: (k.maximum(x, z),), [shape, shape]),
        "maximum_backward": (k.maximum_backward, [shape] * 3),
        "minimum": (lambda x, z: (k.minimum(x, z),), [shape, shape]),
        "minimum_backward": (k.minimum_backward, [shape] * 3),
        "concatenate": (lambda *all: (k.concatenate(all, 3),), [shape, (*shape[:3], 5), shape]),
        "concatenate_backward": (
            lambda g: k.concatenate_backward(g, (1, channels - 1), 3), [shape],
        ),
        "assign": (
            lambda x: (k.assign(grads[4], k.sum_to(x, (1, 1, 1, channels)).reshape(-1)),
                       copied(grads[4]))[1:], [shape],
        ),
        "constant": (
            lambda x: (copied(k.constant(x, (1, 2, 3), (3, 1))),), [shape],
        ),
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
        "layer_normalization": (
            lambda x: k.layer_normalization(x, bias, bias, 1e-3), [shape],
        ),
        "layer_normalization_backward": (
            lambda g, x: (
                k.layer_normalization_backward(
                    g, x, bias, *k.layer_normalization(x, bias, bias, 1e-3)[1:], *grads[4:6]
                ),
                *map(copied, grads[4:6]),
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
        "batch_dot": (lambda x, z: (k.batch_dot(x, z),), [(n, 5, 7), (n, 3, 7)]),
        "group_normalization": (
            lambda x: k.group_normalization(x, bias, bias, channels, 1e-3), [shape],
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
        "prelu": (lambda x, a: (k.prelu(x, a),), [shape, shape]),
        "prelu_backward": (k.prelu_backward, [shape] * 3),
        "random_normal": (lambda x: (k.random_normal(x, 0.5, 2.0, 7, None),), [shape]),
        "broadcast_to": (
            lambda x: (k.broadcast_to(x, shape),), [(n, 1, 1, channels)],
        ),
        "sum_to": (
            lambda x: (k.sum_to(x, (n, 1, 1, channels)), k.sum_to(x, (1, 1, 1, channels))), [shape],
        ),
        "random_affine": (lambda x: (k.random_affine(x, 7, TURNED, (5, 6)),), [shape]),
        "elastic_field": (lambda x: (k.elastic_field(x, 7, 2.0, 5),), [shape]),
        "gaussian_field": (lambda x: (k.gaussian_field(x, 7, (0.5, 1.0), (0.1, 1.0)),), [shape]),
        "erase": (lambda x: (k.erase(x, 7, (0.5, 1.0), (0.1, 0.5), 0.3),), [shape]),
        "erase_backward": (lambda g: (k.erase_backward(g, 7, (0.5, 1.0), (0.1, 0.5)),), [shape]),
        "random_color": (lambda x: (k.random_color(x, 7, COLORED),), [shape]),
        "random_color_backward": (
            lambda g, x: (k.random_color_backward(g, x, 7, COLORED),), [shape] * 2,
        ),
        "warp": (
            lambda x: (k.warp(x, k.random_affine(x, 7, TURNED, (5, 6)), (5, 6), *FILLED, 0.5),),
            [shape],
        ),
        "warp_backward": (
            lambda g: (k.warp_backward(g, k.random_affine(g, 7, TURNED, (5, 6)), (5, 6), *FILLED),),
            [shape],
        ),
        "transpose": (lambda x: (k.transpose(x, (0, 3, 1, 2)),), [shape]),
        "elementwise_loss": (
            lambda z, t, w: (
                *k.elementwise_loss(z, t, w, "absolute"),
                *k.elementwise_loss(k.sigmoid(z), t, w, "binary_focal_crossentropy", (2.0, 0.3)),
            ),
            classes,
        ),
        "l1_l2": (penalty, [(n,), (99,), (99,)]),
        "l1_l2_backward": (lambda g, y: (k.l1_l2_backward(g, y, 0.1, 0.2),), [shape, shape]),
        "norm_constraint": (limited, [(99,)]),
        "non_negative": (cut, [(99,)]),
        "hinge_labels": (lambda y: (k.hinge_labels(y),), [shape]),
        "adamax": (adamax, [(99,)] * 4),
        "adadelta": (adadelta, [(99,)] * 4),
        "adagrad": (adagrad, [(99,)] * 3),
        "ftrl": (ftrl, [(99,)] * 4),
        "nadam": (nadam, [(99,)] * 4),
        "amsgrad": (amsgrad, [(99,)] * 5),
        "lion": (lion, [(99,)] * 3),
        "clip_by_value": (lambda g: (k.clip_by_value(g, 0.3),), [(99,)]),
        **dict.fromkeys(
            ("square_sums", "clip_by_norm", "clip_by_global_norm"), (by_norm, [(99,), (2,)])
        ),
        **dict.fromkeys(
            ("weight_decay", "accumulate", "accumulated_mean"), (between, [(99,)] * 3)
        ),
        "moving_average": (averaged, [(99,)] * 2),
        "adam": (adam, [(99,)] * 4),
        "adamw": (adamw, [(99,)] * 4),
        "rmsprop": (rmsprop, [(99,)] * 5),
    }  # fmt: skip
    return table, [single, kernel, bias, matrix, units, one, rates, three, *grads]


def test_all_ops_are_tried():
    """gather, sgd and count are in the test of what changes from step to step."""
    tried = {*steps(SHAPES[0], "float32")[0], "gather", "sgd", "count"} - {"no bias"}
    assert tried == set(k.__all__)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_op_is_played_to_the_same_bits(shape, dtype):
    table, known = steps(shape, dtype)
    for name, (step, shapes) in table.items():
        programs = Programs(step, state=known)
        for seed in range(UNTIL_PLAYED + 2):
            arrays = [layout.own_copy(a) for a in numbers(seed, *shapes, dtype=dtype)]
            arrays = [np.abs(a) if shapes[0] == (99,) else a for a in arrays]
            got = programs(*(a.copy(order="K") for a in arrays))
            want = step(*arrays)
            for one, other in zip(got, want, strict=True):
                np.testing.assert_array_equal(one, other, err_msg=name)
        assert programs.last.played, (name, programs.last.reason)


def test_what_changes_from_step_to_step_is_a_number_in_an_array():
    """A batch's samples, dropout's step, a learning rate."""
    data = np.arange(24, dtype=np.uint8).reshape(12, 2)
    clock, rate = np.zeros((), np.int64), np.ones(1, "float32")
    parameters = np.zeros(4, "float32")

    def step(chosen):
        x = k.dropout(k.gather(data, chosen, np.dtype("float32")), 0.5, 3, (4, 2), clock)
        flat = k.flatten_backward(k.flatten(x), x.shape)
        k.sgd(parameters, parameters, parameters, rate, 0.0, False)
        k.count(clock)
        return (flat,)

    programs = Programs(step, [parameters, clock], [data, rate])
    for number in range(8):
        chosen = np.array([number, 2, 3, 11 - number])
        rate[0], parameters[:] = number, 1
        x = k.gather(data, chosen, np.dtype("float32"))
        (got,) = programs(chosen)
        want = k.dropout(x, 0.5, 3, (4, 2), np.array(number, np.int64))
        np.testing.assert_array_equal(got, want)
        assert parameters.tolist() == [1 - number] * 4
        assert clock == number + 1
    assert programs.last.played


def relu(x):
    return k.relu(x, 0.0, None, 0.0)


CALLS = []


def counting(x):
    CALLS.append(1)
    return (relu(x),)


CLOCK = np.zeros(1)


def ticking(x):
    CLOCK[0] += 1
    return (k.rescale(x, float(CLOCK[0]), 0.0, x.dtype),)


def clipping(x):
    y = relu(x)
    y[y > 1e6] = 0  # never true: only that it is written to shows
    return (y,)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (lambda x: (relu(x * 2),), "relu was given an array that no op made"),
        (lambda x: (relu(x) * 2,), "what comes out was not made by an op"),
        (lambda x: (relu(np.array(x)),), "relu was given an array that no op made"),
        (lambda x: (k.rescale(x, float(x.max()), 0.0, x.dtype),), "number that Python reads"),
        (lambda x: (k.relu(x, 0.0, float(np.asarray(x).mean()) + 9, 0.0),), "number that Python"),
        (lambda x: (relu(x) if x[0, 0] > 0 else k.tanh(x),), "number that Python reads"),
        (ticking, "number that Python reads"),
        (clipping, "writes into an op's result"),
    ],
)
def test_what_numpy_does_is_found_and_the_step_run_as_it_is(step, reason):
    programs = Programs(step)
    for seed in range(UNTIL_PLAYED + 3):
        (x,) = numbers(seed, (6, 4))
        CLOCK[0] = seed
        (got,) = programs(x.copy())
        CLOCK[0] = seed
        np.testing.assert_array_equal(got, step(x)[0])
    assert reason in programs.last.reason
    assert str(programs).startswith("not replayed: ")
    assert "\n" not in str(programs)


def test_state_is_put_back_where_a_step_is_not_played():
    """It is run once a step, whatever is tried on the way."""
    total = np.zeros(3)

    def step(x):
        np.add(total, x[0], out=total)
        return (relu(x),)

    programs, want = Programs(step, state=[total]), np.zeros(3)
    for seed in range(6):
        (x,) = numbers(seed, (2, 3), dtype="float64")
        programs(x)
        want += x[0]
        np.testing.assert_array_equal(total, want)
    assert "other bits" in programs.last.reason


def test_what_another_thread_learns_meanwhile_is_kept(monkeypatch):
    """A step that learns nothing puts nothing back; it is proved when nobody learns."""
    weights = np.ones(4, "float32")
    programs = Programs(lambda x: (k.add(x, weights),), [weights], learns=False)
    play, learning = Program._play, True

    def played(program):
        play(program)
        if learning:
            weights[...] += 1

    monkeypatch.setattr(Program, "_play", played)
    (x,) = numbers(0, (4,))
    for _ in range(4):
        programs(x)
    assert weights.tolist() == [4] * 4
    learning = False
    for _ in range(UNTIL_PLAYED):
        np.testing.assert_array_equal(programs(x)[0], x + weights)
    assert programs.last.played


def test_the_table_of_a_step():
    (x, w), bias = numbers(0, (4, 8, 8, 2), (3, 3, 2, 5)), np.zeros(5, "float32")

    class Layer:
        name = "conv2d_7"

        def forward(self, x):
            return k.conv2d(x, w, bias, *CONV)

    layer = Layer()
    programs = Programs(lambda x: (relu(layer.forward(x)),), known=[w, bias])
    assert str(programs) == "nothing has been run yet"
    for _ in range(UNTIL_PLAYED):
        programs(x)
    lines = str(programs).splitlines()
    assert [line.split()[0] for line in lines] == ["op", "conv2d", "relu", "2"]
    assert lines[1].split()[1] == "conv2d_7"
    assert "4×8×8×2 → 4×8×8×5" in lines[1]
    flops = 2 * 4 * 8 * 8 * 5 * 3 * 3 * 2
    assert programs.last.calls[0].flops == flops
    assert lines[-1].startswith(f"2 calls, {flops / 1e9:.4f} GFLOP, ")


def test_what_comes_back_is_the_callers():
    programs = Programs(lambda x: (relu(x),))
    kept = [programs(np.full((3, 20_000), seed, "float32"))[0] for seed in range(1, 8)]
    assert [float(array.mean()) for array in kept] == [1, 2, 3, 4, 5, 6, 7]
    assert programs.last.played


def test_each_shape_has_a_program_and_the_oldest_are_dropped():
    programs = Programs(lambda x: (relu(x),))
    for rows in (*range(2, 12), 11):
        (x,) = numbers(0, (rows, 3))
        np.testing.assert_array_equal(programs(x)[0], np.maximum(x, 0))
    assert len(programs.own.programs) == 6


def test_a_second_thread_and_a_copy_have_programs_of_their_own():
    programs, found = Programs(lambda x: (relu(x),)), []
    (x,) = numbers(0, (3, 4))
    for _ in range(4):
        programs(x)
    other = threading.Thread(target=lambda: found.append((programs(x)[0], programs.last.steps)))
    other.start()
    other.join()
    np.testing.assert_array_equal(found[0][0], np.maximum(x, 0))
    assert found[0][1] == 1
    assert programs.last.played
    assert copy.deepcopy(programs) is None


def test_a_step_made_in_the_midst_of_another_disturbs_nothing():
    (x,) = numbers(0, (3, 4))
    inner = []

    def step(x):
        if not inner and programs.last.steps == UNTIL_PLAYED:
            inner.append(None)
            inner[0] = programs(x + 1)[0]
        return (relu(x),)

    programs = Programs(step)
    for _ in range(UNTIL_PLAYED + 1):
        np.testing.assert_array_equal(programs(x)[0], np.maximum(x, 0))
    np.testing.assert_array_equal(inner[0], np.maximum(x + 1, 0))


def test_an_error_in_a_step_leaves_the_next_one_sound():
    fails = []

    def step(x):
        if fails:
            raise KeyError("a layer's own")
        return (relu(x),)

    programs, (x,) = Programs(step), numbers(0, (3, 4))
    programs(x)
    fails.append(1)
    with pytest.raises(KeyError):
        programs(x)
    fails.clear()
    for _ in range(4):
        np.testing.assert_array_equal(programs(x)[0], np.maximum(x, 0))
    assert programs.last.played


def test_memory_goes_with_the_program():
    programs = Programs(lambda x: (relu(x),))
    (x,) = numbers(0, (300, 400))
    for _ in range(4):
        programs(x)
    owner = weakref.ref(next(iter(programs.last.notes.arena.blocks.values()))[0][0])
    with no_collection():  # nothing waits for it
        del programs
        assert owner() is None


def test_a_models_programs_go_with_their_runs():
    """Of many runs, the last one's program alone keeps memory, for `print(model.program)`."""
    x, y = numbers(0, (6, 8, 8, 1))[0], np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 2]]
    model = npcnn.Sequential([npcnn.layers.Flatten(), npcnn.layers.Dense(3, "softmax")])
    model.compile("sgd", "categorical_crossentropy")
    owners = []
    with no_collection():
        for _ in range(3):
            model.fit(x, y, batch_size=1, verbose=0, validation_data=(x, y))
            owners.append(weakref.ref(model.program.last))
            model.evaluate(x, y, batch_size=1, verbose=0)
            owners.append(weakref.ref(model.program.last))
            model.predict(x, batch_size=1, verbose=0)
            owners.append(weakref.ref(model.program.last))
            assert owners[-1]().played
        assert [owner() is None for owner in owners] == [True] * 8 + [False]


@pytest.mark.parametrize("times", [1, 40])
def test_a_step_that_would_keep_much_memory_is_not_played(times, monkeypatch):
    """Nor is all that memory taken to find out."""
    monkeypatch.setattr(memory, "LARGEST", 1 << 26)

    def step(x):
        kept = [relu(x) for _ in range(times)]
        return (relu(kept[-1]),)

    programs = Programs(step)
    x = np.ones((3, (1 << 23) // times), "float32")
    for _ in range(3):
        (y,) = programs(x)
        np.testing.assert_array_equal(y, x)
    assert "it would keep" in programs.last.reason
    assert programs.last.notes is None
    assert not programs.last.inputs


def test_memory_that_nobody_asks_for_any_more_is_the_next_ops():
    def step(x):
        for _ in range(12):
            x = relu(x)
        return (x,)

    programs = Programs(step)
    x = np.ones((3, 100_000), "float32")
    for _ in range(4):
        (y,) = programs(x)
        np.testing.assert_array_equal(y, x)
    assert programs.last.played
    assert sum(size > x.nbytes / 2 for size in _sizes(programs.last.notes.arena)) == 2


def _sizes(arena):
    return [owner.size for owner, _ in arena.owners()]


def test_memory_that_a_program_may_not_have_comes_from_where_it_always_does(monkeypatch):
    monkeypatch.setattr(memory, "LARGEST", 1 << 26)
    arena = memory.Arena([])
    with memory.taken_from(arena):
        arrays = [memory.empty((1 << 20,), np.dtype("float32")) for _ in range(40)]
    assert arena.full
    assert memory.LARGEST < arena.bytes <= memory.LARGEST + (1 << 22)
    assert not arena.holds(arrays[-1].ctypes.data)
