"""Loops, branches and factors of npcnn.ops; what Keras answers is in test_ops_beside_keras.py."""

import numpy as np
import pytest

from npcnn import layers, ops
from npcnn.checks import ArgumentError, NpcnnError
from npcnn.ops.tape import Tensor, gradients

X = np.arange(6.0).reshape(3, 2)

# (what a function makes of X, what it is to be, its gradient's sum by rows)
LOOPS = [
    (lambda x: ops.map(lambda row: row * row[0], x), X * X[:, :1], [[1, 0], [7, 2], [13, 4]]),
    (
        lambda x: ops.vectorized_map(lambda rows: rows[0] - rows[1], (x, 2 * x)),
        -X, -np.ones((3, 2)),
    ),
    (
        lambda x: ops.scan(lambda c, row: (c + row, c), np.zeros(2), x)[1],
        np.cumsum(X, axis=0) - X, [[2, 2], [1, 1], [0, 0]],
    ),
    (
        lambda x: ops.scan(lambda c, row: (c * row, None), np.ones(2), x, reverse=True)[0],
        X.prod(axis=0), [[8, 15], [0, 5], [0, 3]],
    ),
    (lambda x: ops.associative_scan(ops.add, x), np.cumsum(X, axis=0), [[3, 3], [2, 2], [1, 1]]),
    (lambda x: ops.fori_loop(1, 3, lambda k, y: y * k + x, x), X * 5, np.full((3, 2), 5)),
    (
        lambda x: ops.while_loop(lambda y: ops.sum(y) < 60, lambda y: y * 2, x),
        X * 4, np.full((3, 2), 4),
    ),
    (lambda x: ops.while_loop(lambda y, k: True, lambda y, k: [y + 1, k + 1], [x, 0], 3)[0],
     X + 3, np.ones((3, 2))),
    (lambda x: ops.cond(ops.sum(x) > 3, lambda: x * 2, lambda: x), X * 2, np.full((3, 2), 2)),
    (lambda x: ops.switch(7, [ops.exp, ops.square], x), X**2, 2 * X),
    (lambda x: ops.custom_gradient(lambda x: (x**2, lambda x, upstream: upstream * x + 1))(x),
     X**2, X + 1),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(LOOPS)))
def test_loops_and_branches_are_gone_back_through(k):
    function, want, slope = LOOPS[k]
    np.testing.assert_allclose(function(X), want)
    start = Tensor(X)
    end = function(start)
    np.testing.assert_allclose(gradients([(end, np.ones(end.shape))])[start], slope)


def test_factors_make_the_matrix_again():
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    q, r = ops.qr(x)
    np.testing.assert_allclose(q @ r, x)
    u, s, v = ops.linalg.svd(x, full_matrices=False)
    np.testing.assert_allclose(u * s[:, None] @ v, x)
    square = x.swapaxes(1, 2) @ x
    values, vectors = ops.eigh(square)
    np.testing.assert_allclose(vectors * values[:, None] @ vectors.swapaxes(1, 2), square)
    values, vectors = ops.eig(square)
    np.testing.assert_allclose(square @ vectors, vectors * values[:, None], atol=1e-12)
    np.testing.assert_allclose(ops.sum(ops.sparsemax(x), axis=-1), np.ones((2, 4)))


def test_functions_of_numbers_become_those_of_arrays():
    clipped = ops.vectorize(lambda a, b: a if a < b else b)
    np.testing.assert_array_equal(clipped(X, 2.5), np.minimum(X, 2.5))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ops.cond(layers.Input((2,)), lambda: 1, lambda: 2),
        lambda: ops.scan(lambda c, x: (c, x), 0),
        lambda: ops.map(lambda x: x, []),
        lambda: ops.while_loop(lambda x: x, lambda x: x, X),
        lambda: ops.conv(np.ones((1, 5, 5, 2)), np.ones((3, 3, 3, 1))),
        lambda: ops.conv(np.ones((1, 5, 5, 2)), np.ones((3, 3, 2, 1)), data_format="nchw"),
        lambda: ops.max_pool(X, 2),
        lambda: ops.solve(np.zeros((2, 2)), np.ones(2)),
        lambda: ops.quantile(X, 1.5),
        lambda: ops.slice(X, [2, 1], [2, 1]),
        lambda: ops.scatter([[9]], [1.0], (3,)),
        lambda: ops.segment_sum(X, [0, 1]),
        lambda: ops.image.resize(X, (3, 3)),
        lambda: ops.image.resize(X[None, ..., None], (10**9, 10**9)),
        lambda: ops.image.crop_images(X[..., None], 1, 1),
        lambda: ops.image.affine_transform(X[..., None], np.ones(8)),
        lambda: ops.bincount([-1, 2]),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_one_line(wrong):
    with pytest.raises(NpcnnError, match=r"^[^\n]*: expected [^\n]*$"):
        wrong()


def test_names_that_are_not_there_are_told():
    with pytest.raises(AttributeError, match="perhaps 'resize' was meant"):
        ops.image.resise  # noqa: B018
    with pytest.raises(ArgumentError, match=r"ops\.tri\(N\): expected an integer"):
        ops.tri("a")
