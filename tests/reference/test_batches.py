import numpy as np
import pytest
from arrays import unchanged

DTYPES = [
    "uint8", "int8", "uint16", "int32", "int64", "uint64", "bool",
    "float16", "float32", "float64", "longdouble", ">i2", ">f4",
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(6,), (6, 3), (6, 4, 3), (6, 5, 4, 2)])
def test_gather_takes_and_converts(ops, rng, dtype, shape):
    data = rng.integers(0, 100, shape).astype(dtype)
    indices = np.array([5, 0, 3, 3])
    for wanted in ("float32", "float64"):
        with unchanged(data, indices):
            batch = ops.gather(data, indices, np.dtype(wanted))
        assert batch.dtype == wanted
        np.testing.assert_array_equal(batch, np.stack([data[i] for i in indices]).astype(wanted))


def test_gather_gives_an_array_of_its_own(ops):
    data = np.zeros((3, 2), "float32")
    batch = ops.gather(data, np.arange(3), np.dtype("float32"))
    batch[...] = 1
    assert (data == 0).all()


def test_gather_from_strided_data(ops):
    data = np.arange(48, dtype="uint8").reshape(6, 2, 4)[::-1, :, ::2]
    batch = ops.gather(data, np.array([1, 4]), np.dtype("float32"))
    np.testing.assert_array_equal(batch, data[[1, 4]].astype("float32"))
