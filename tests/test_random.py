import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npcnn import random, set_random_seed
from npcnn.checks import ArgumentError


@given(st.integers(1, 300), st.integers(0, 2**64 - 1), st.integers(0, 1000))
def test_shuffled_is_a_permutation(n, seed, epoch):
    order = random.shuffled(n, seed=seed, epoch=epoch)
    np.testing.assert_array_equal(np.sort(order), np.arange(n))
    np.testing.assert_array_equal(random.shuffled(n, seed=seed, epoch=epoch), order)


def test_shuffled_depends_on_seed_and_epoch_alone():
    orders = {
        random.shuffled(50, seed=seed, epoch=epoch).tobytes()
        for seed in range(4)
        for epoch in range(4)
    }
    assert len(orders) == 16
    set_random_seed(99)
    np.random.default_rng(0).random()
    assert random.shuffled(50, seed=0, epoch=0).tobytes() in orders


@given(*(st.integers(0, 2**64 - 1) for _ in range(2)))
def test_dropout_keys_are_64_bits(seed, layer):
    key = random.dropout_key(seed=seed, layer=layer)
    assert 0 <= key < 2**64
    assert key == random.dropout_key(seed=seed, layer=layer)


def test_dropout_keys_differ():
    keys = {
        random.dropout_key(seed=seed, layer=layer) for seed in range(100) for layer in range(100)
    }
    assert len(keys) == 10_000


def test_a_seed_is_drawn_if_none_is_set(run_python):
    source = "from npcnn import random; print(random.current_seed(), random.current_seed())"
    first, second = run_python(source).split()
    assert first == second
    assert run_python(source).split()[0] != first


def test_the_generator_of_weights_starts_anew():
    set_random_seed(3)
    first = random.weights_generator().random(5)
    set_random_seed(3)
    np.testing.assert_array_equal(random.weights_generator().random(5), first)
    assert random.current_seed() == 3


@pytest.mark.parametrize("seed", [0, 2**64 - 1, np.int32(5), np.uint64(7)])
def test_good_seeds(seed):
    set_random_seed(seed)
    assert random.current_seed() == int(seed)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "1", None, True])
def test_bad_seeds(seed):
    with pytest.raises(ArgumentError, match=r"set_random_seed\(seed\): expected a whole number"):
        set_random_seed(seed)
    assert random.current_seed() == 1234
