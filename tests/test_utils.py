import numpy as np
import pytest

from npcnn import utils
from npcnn.checks import ArgumentError, DtypeError
from npcnn.utils import to_categorical


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool"])
def test_one_hot_rows(dtype):
    rows = to_categorical(np.array([1, 0, 1], dtype))
    assert rows.dtype == "float64"
    np.testing.assert_array_equal(rows, [[0, 1], [1, 0], [0, 1]])


def test_num_classes_and_shapes():
    assert to_categorical([0, 1], 10).shape == (2, 10)
    assert to_categorical([[0], [1]], 10).shape == (2, 10)
    assert to_categorical(np.zeros((2, 3), int), 4).shape == (2, 3, 4)


def test_the_way_back():
    labels = np.random.default_rng(0).integers(0, 10, 50)
    np.testing.assert_array_equal(to_categorical(labels, 10).argmax(axis=1), labels)


def test_errors():
    with pytest.raises(ArgumentError, match="expected labels from 0 to 9, got 10; give a larger"):
        to_categorical([3, 10], 10)
    with pytest.raises(ArgumentError, match="expected labels from 0 to 1, got -1"):
        to_categorical([1, -1])
    with pytest.raises(DtypeError, match="expected integer labels, got dtype float64"):
        to_categorical([0.5])
    with pytest.raises(DtypeError, match="expected an array of numbers"):
        to_categorical(["1"])
    with pytest.raises(ArgumentError, match=r"to_categorical\(num_classes\): expected a positive"):
        to_categorical([0], 0)


def test_set_random_seed_is_there_under_keras_name():
    from npcnn import random

    utils.set_random_seed(77)
    assert random.current_seed() == 77
