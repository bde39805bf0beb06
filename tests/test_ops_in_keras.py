"""npcnn.ops against keras.ops: values, shapes and dtypes, over dtypes and kinds of argument."""

import numpy as np
import pytest

import npcnn
from npcnn import ops
from npcnn.checks import ArgumentError, DtypeError
from npcnn.ops.tape import Tensor, gradients

A = np.array([[1.5, -2.0, 0.0, 3.0], [-1.0, 2.0, 2.0, -0.5]])

# (function, kinds of argument) → dtype, as Keras 3.15 gives it on PyTorch and JAX
DTYPES = [
    ("add", ("uint8", "int8"), "int16"), ("add", ("uint8", 0.5), "float32"),
    ("add", ("int64", "float16"), "float16"), ("add", ("int64", "float32"), "float32"),
    ("add", ("float16", 2.5), "float16"), ("add", ("bool", 1), "int32"),
    ("add", ("uint8", 1), "uint8"), ("true_divide", ("int32", "int32"), "float32"),
    ("floor_divide", ("bool", "bool"), "int32"), ("maximum", ("int32", 0.5), "float32"),
    ("mean", ("int32",), "float32"), ("sum", ("uint8",), "uint32"), ("sum", ("bool",), "int32"),
    ("negative", ("int8",), "int8"), ("square", ("int32",), "int32"),
    ("exp", ("int64",), "float32"),
    ("relu", ("int32",), "int32"), ("relu6", ("uint8",), "uint8"), ("floor", ("int32",), "float32"),
    ("elu", ("float16",), "float16"), ("argmax", ("float32",), "int32"),
    ("var", ("float16",), "float16"),
    ("convert_to_tensor", ([1, 2],), "int32"), ("convert_to_tensor", ([1.0],), "float32"),
    ("sigmoid", (3,), "float32"), ("where", (True, "int8", "uint8"), "int16"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kinds", "dtype"), DTYPES)
def test_dtypes_are_keras_s(name, kinds, dtype):
    given = [np.abs(A).astype(one) if isinstance(one, str) else one for one in kinds]
    assert str(getattr(ops, name)(*given).dtype) == dtype


# At ties and kinks, and where there is nothing to go back to: as PyTorch under Keras has it.
SLOPES = [
    (lambda x: ops.max(x, axis=1), [[1.0, 1.0, 0.0]], [[0.5, 0.5, 0.0]]),
    (lambda x: ops.maximum(x, 1.0), [[1.0, 2.0]], [[0.5, 1.0]]),
    (lambda x: ops.relu(x), [[0.0, -0.0]], [[0.0, 0.0]]),
    (lambda x: ops.elu(x), [[0.0, 1.0]], [[1.0, 1.0]]),
    (lambda x: ops.clip(x, 0, 1), [[0.0, 1.0, 2.0]], [[1.0, 1.0, 0.0]]),
    (lambda x: x**2, [[0.0, 3.0]], [[0.0, 6.0]]),
    (lambda x: ops.prod(x, axis=1), [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0]], [[6.0, 0, 0], [0.0, 0, 0]]),
    (lambda x: ops.norm(x, axis=1), [[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.6, 0.8]]),
    (lambda x: ops.std(x, axis=1), [[2.0, 2.0]], [[0.0, 0.0]]),
    (lambda x: ops.sqrt(ops.where(x > 0, x, 1.0)), [[0.0, 4.0]], [[0.0, 0.25]]),
    (lambda x: ops.sum([x[0, 0], 2 * x[0, 1]]), [[5.0, 7.0]], [[1.0, 2.0]]),
    (lambda x: ops.einsum("ij->i", x), [[5.0, 7.0]], [[1.0, 1.0]]),
    (lambda x: ops.logsumexp(x, axis=1), [[-np.inf, 0.0]], [[0.0, 1.0]]),
    (lambda x: ops.pad(x, ((0, 0), (1, 1)), "reflect"), [[1.0, 2.0]], [[2.0, 2.0]]),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(SLOPES)))
def test_gradients_at_kinks(k):
    function, x, slope = SLOPES[k]
    start = Tensor(np.array(x))
    end = function(start)
    np.testing.assert_allclose(gradients([(end, np.ones(end.shape))])[start], slope)


def test_what_cannot_be_computed_is_one_line():
    for wrong in (
        lambda: ops.add(np.ones(2), np.ones(3)),
        lambda: ops.sum(A, axis=7),
        lambda: ops.cast(A, "string"),
        lambda: ops.exp(None),
        lambda: ops.reshape(A, (3, 3)),
        lambda: ops.take(A, [9]),
        lambda: ops.add([[1], [1, 2]], 1),
        lambda: ops.zeros((10**9, 10**9)),
        lambda: ops.mean(A, axes=1),
        lambda: ops.where(A > 0, A),
        lambda: ops.tensordot(A, A, 10**18),
        lambda: npcnn.random.normal((2, -1)),
        lambda: npcnn.random.normal((10**9, 10**9)),
        lambda: npcnn.random.uniform((2,), dtype="text"),
        lambda: npcnn.random.randint((2,), 3, 3),
        lambda: npcnn.random.shuffle(A, axis=2),
        lambda: npcnn.random.dropout(A, 1.0),
        lambda: npcnn.random.SeedGenerator([[[]]]),
    ):
        with pytest.raises((ArgumentError, DtypeError), match=r"^[^\n]*: expected [^\n]*$"):
            wrong()


# As the docstrings of keras.ops have them.
VALUES = [
    (lambda: ops.normalize([[1, 2, 3], [4, 5, 6]])[1], [0.45584232, 0.5698029, 0.68376344]),
    (lambda: ops.gelu([-1.0, 0.0, 1.0]), [-0.15880801, 0.0, 0.841192]),
    (lambda: ops.gelu([-1.0, 0.0, 1.0], approximate=False), [-0.15865525, 0.0, 0.84134475]),
    (lambda: ops.celu([-1.0, 0.0, 1.0]), [-0.63212056, 0.0, 1.0]),
    (lambda: ops.erf([-3.0, -1.0, 0.5]), [-0.99997791, -0.84270079, 0.5204998]),
    (lambda: ops.hard_silu([-3.0, -1.0, 1.0, 3.0]), [0.0, -0.3333333, 0.6666667, 3.0]),
    (lambda: ops.squareplus([-1.0, 0.0, 1.0]), [0.618034, 1.0, 1.618034]),
    (lambda: ops.logsumexp([1.0, 2.0, 3.0]), 3.407606),
    (lambda: ops.top_k([5, 2, 7, 1, 9, 3], 3)[1], [4, 2, 0]),
    (lambda: ops.linspace(0, 1, 5, False), [0, 0.2, 0.4, 0.6, 0.8]),
    (lambda: ops.repeat([[1, 2], [3, 4]], [1, 2], axis=0), [[1, 2], [3, 4], [3, 4]]),
    (lambda: ops.tensordot(A, A), (A * A).sum()),
    (lambda: ops.binary_crossentropy([0.0, 1.0], [0.1, 0.9]), [0.10536054, 0.10536054]),
]


@pytest.mark.parametrize("k", range(len(VALUES)))
def test_values_are_keras_s(k):
    function, wanted = VALUES[k]
    np.testing.assert_allclose(function(), wanted, rtol=1e-5)
