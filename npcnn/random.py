"""Randomness that can be repeated: one seed, and streams that are functions of it.

Initial weights come from one generator in the order in which layers are built. What changes from
step to step has no generator at all: the order of samples is a function of (seed, epoch), a
dropout mask one of (seed, layer, call, step, sample), so any epoch or step can be done again alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import numpy as np

from npcnn.arguments import checked
from npcnn.chance import (
    SeedGenerator,
    beta,
    binomial,
    categorical,
    dropout,
    gamma,
    normal,
    randint,
    shuffle,
    truncated_normal,
    uniform,
)
from npcnn.checks import ArgumentError, is_whole, message, shown

__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint",
    "set_random_seed", "shuffle", "truncated_normal", "uniform",
]  # fmt: skip

_seed: int | None = None
_generator: np.random.Generator | None = None

_MASK = (1 << 64) - 1

# A step's clock is one int64: its number, and from this bit on the place of the first sample.
FIRST = 40


def check_seed(seed: Any, where: str) -> int:
    """Return the seed as an int, or raise ArgumentError."""
    if not is_whole(seed) or not 0 <= seed <= _MASK:
        expected = "a whole number from 0 to 2**64 - 1"
        raise ArgumentError(message(where, expected, shown(seed), "give one, such as 0"))
    return int(seed)


Seed = Annotated[int, check_seed]


@checked
def set_random_seed(seed: Seed) -> None:
    """Fix initial weights, the order of samples and dropout from here on.

    Args:
        seed: a whole number from 0 to 2⁶⁴ − 1.

    >>> set_random_seed(1)
    >>> shuffled(5, seed=current_seed(), epoch=0).tolist() == shuffled(5, seed=1, epoch=0).tolist()
    True
    """
    global _seed, _generator
    _seed = seed
    _generator = np.random.default_rng(_seed)


def current_seed() -> int:
    """Return the seed in use; one is drawn from the system the first time if none was set."""
    if _seed is None:
        set_random_seed(secrets.randbits(32))
    assert _seed is not None
    return _seed


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Set the seed inside the with-block; what was set before, and how far it had come, is kept.

    >>> with seeded(3):
    ...     current_seed()
    3
    """
    global _seed, _generator
    before = _seed, _generator
    set_random_seed(seed)
    try:
        yield
    finally:
        _seed, _generator = before


def weights_generator() -> np.random.Generator:
    """Return the generator that initial weights are drawn from."""
    current_seed()
    assert _generator is not None
    return _generator


def shuffled(n: int, *, seed: int, epoch: int) -> np.ndarray:
    """Return the order in which an epoch visits n samples: a permutation given by (seed, epoch).

    >>> sorted(shuffled(4, seed=3, epoch=0).tolist())
    [0, 1, 2, 3]
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(1, epoch))
    return np.random.Generator(np.random.PCG64(sequence)).permutation(n)


def dropout_key(*, seed: int, layer: int) -> int:
    """Return the 64 bits that decide one dropout layer's masks; `ops.dropout` adds the step.

    >>> dropout_key(seed=0, layer=1) != dropout_key(seed=1, layer=0)
    True
    """
    key = 0
    for part in (seed, layer):
        key = _mix((key + part + 0x9E3779B97F4A7C15) & _MASK)
    return key


def clock(step: int, first: int) -> np.ndarray:
    """Return what tells random ops the step, and which sample of the batch is their first.

    A part of a batch thus draws what it draws within the whole one.

    Args:
        step: its number, below 2⁴⁰.
        first: the sample's place, below 2²³.

    >>> clock(3, 0), clock(0, 1) == [1 << FIRST]
    (array([3]), array([ True]))
    """
    if first >> (63 - FIRST):
        fix = "take smaller batches"
        raise ArgumentError(message("batch_size", f"below {1 << (63 - FIRST)}", str(first), fix))
    return np.array([step | first << FIRST], np.int64)


def moment(count: list[int]) -> np.ndarray:
    """Return what a call outside training draws by, in a step's place: another at each call.

    Args:
        count: of the calls there were, one more afterwards.

    >>> count = [0]
    >>> int(moment(count)), int(moment(count))
    (0, 1)
    """
    count[0] += 1
    return np.array(count[0] - 1, np.int64)


def augmentation_key(*, seed: int, epoch: int) -> np.ndarray:
    """Return what decides how an epoch's samples are changed: int64 (1,), an input of its steps.

    >>> augmentation_key(seed=0, epoch=1) == augmentation_key(seed=0, epoch=2)
    array([False])
    """
    key = dropout_key(seed=_mix(seed ^ 0x5851F42D4C957F2D), layer=epoch)
    return np.array([key], np.uint64).view(np.int64)


def _mix(h: int) -> int:
    """Scatter 64 bits: the finaliser of SplitMix64, as in reference/dropout.py."""
    h = ((h ^ (h >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) & _MASK
    return h ^ (h >> 31)
