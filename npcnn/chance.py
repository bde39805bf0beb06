"""Keras's `random`: arrays drawn at random, for what a program writes itself."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Any

import numpy as np

from npcnn import config
from npcnn.arguments import Fraction, Numbers, PositiveInt, checked
from npcnn.checks import (
    LARGEST,
    ArgumentError,
    DtypeError,
    as_numbers,
    is_number,
    is_whole,
    message,
    non_negative,
    number,
    shown,
)
from npcnn.symbolic import live

Array = np.ndarray


def _seed(value: Any, where: str) -> Any:
    """Return a seed: None, a whole number or what gives one."""
    if value is None or isinstance(value, SeedGenerator):
        return value
    if not is_whole(value) or not 0 <= value <= LARGEST:
        expected = "a whole number from 0 on, or a SeedGenerator"
        raise ArgumentError(message(where, expected, shown(value), "give one, such as 0"))
    return int(value)


def _shape(value: Any, where: str) -> tuple[int, ...]:
    """Return a shape; of one number, an array in a row."""
    sizes = value if isinstance(value, (list, tuple)) else (value,)
    if len(sizes) > 32 or not all(is_whole(n) and 0 <= n <= LARGEST for n in sizes):
        fix = "give whole numbers, such as (2, 3)"
        raise ArgumentError(message(where, "a shape", shown(value), fix))
    if math.prod(map(int, sizes)) > 1 << 50:  # beyond what NumPy can count in bytes
        raise ArgumentError(message(where, "fewer numbers", shown(value), "draw less at a time"))
    return tuple(int(n) for n in sizes)


def _parameter(value: Any, where: str) -> Array:
    """Return a distribution's parameter: a number, or several."""
    single = is_number(value)
    found = as_numbers([value] if single else value, where)
    return np.asarray(found[0]) if single else found


def _noise_shape(value: Any, where: str) -> tuple[int, ...] | None:
    return None if value is None else _shape(value, where)


def _dtype(value: Any, where: str) -> np.dtype:
    """Return a dtype of numbers; `config.floatx()` for None."""
    try:
        given = value if isinstance(value, (str, type, np.dtype)) else object
        found = np.dtype(config.floatx() if value is None else given)
    except Exception:  # whatever an object says when it is asked for its dtype
        found = np.dtype(object)
    if found.kind not in "fiu":
        fix = "name one, such as 'float32'"
        raise DtypeError(message(where, "a dtype of numbers", shown(value), fix))
    return found


Seed = Annotated[Any, _seed]
# float32 has these numbers
Place = Annotated[float, partial(number, most=1e30)]
Width = Annotated[float, partial(non_negative, most=1e30)]
Sizes = Annotated[Any, _shape]
Kind = Annotated[Any, _dtype]
Parameter = Annotated[Any, _parameter]


class SeedGenerator:
    """Gives another seed at each `next()`: the same ones for the same first seed.

    Args:
        seed: the first; None draws one by the seed of all weights (`set_random_seed`).
        name: what it is called.
        kwargs: taken for Keras's sake.

    >>> SeedGenerator(3).next() == SeedGenerator(3).next()
    True
    """

    @checked
    def __init__(self, seed: Seed = None, name: Any = None, **kwargs: Any) -> None:
        self.seed, self.name = _number(seed), name
        self.count = 0

    def next(self, ordered: bool = True) -> int:
        """Return the next seed: a function of the first and of how many there were."""
        return int(self.generator().integers(1 << 62))

    def generator(self) -> np.random.Generator:
        """Return what draws by the next seed."""
        _require_numbers()
        self.count += 1
        return np.random.default_rng((self.seed, self.count - 1))

    def get_state(self) -> Array:
        """Return the seed and how many came of it, as Keras keeps them: 32 bits each."""
        return np.array([self.seed & _WORD, self.count & _WORD], np.uint32)

    def set_state(self, state: Any) -> None:
        """Go on from what `get_state` returned."""
        seed, self.count = map(int, state)
        self.seed = self.seed if self.seed & _WORD == seed else seed


_WORD = (1 << 32) - 1


def _number(seed: Any) -> int:
    """Return a seed's number; one drawn by the seed of all weights for None."""
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        from npcnn.random import weights_generator

        return int(weights_generator().integers(1 << 62))
    return int(seed)


def _generator(seed: Any) -> np.random.Generator:
    _require_numbers()
    if isinstance(seed, SeedGenerator):
        return seed.generator()
    return np.random.default_rng(_number(seed))


def _require_numbers() -> None:
    """Raise DtypeError where a `call` is only followed: what it drew would be drawn once."""
    if live.get() is not None and live.get().symbolic:
        fix = "it is drawn anew in each step"
        raise DtypeError(message("random", "numbers to draw for", "a symbolic tensor", fix))


@checked
def normal(
    shape: Sizes, mean: Place = 0.0, stddev: Width = 1.0, dtype: Kind = None,
    seed: Seed = None,
) -> Array:  # fmt: skip
    """Return draws from a normal distribution.

    Args:
        shape: of the array; a number for one in a row.
        mean: of the distribution.
        stddev: its standard deviation.
        dtype: of the array; None is `config.floatx()`.
        seed: a number for the same draws each time, a `SeedGenerator` for other ones at each call;
            None draws from the seed of all weights (`set_random_seed`).

    Raises:
        ArgumentError, DtypeError: an argument does not fit.

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    return np.asarray(_generator(seed).normal(mean, stddev, shape), dtype)


@checked
def truncated_normal(
    shape: Sizes, mean: Place = 0.0, stddev: Width = 1.0, dtype: Kind = None,
    seed: Seed = None,
) -> Array:  # fmt: skip
    """Return such draws that lie within two standard deviations.

    The arguments are those of `normal`.

    >>> bool(abs(truncated_normal((100,), seed=0)).max() <= 2)
    True
    """
    generator = _generator(seed)
    found = np.asarray(generator.normal(size=shape))
    while (far := np.abs(found) > 2).any():
        found = np.where(far, generator.normal(size=shape), found)
    return np.asarray(mean + stddev * found, dtype)


@checked
def uniform(
    shape: Sizes, minval: Place = 0.0, maxval: Place = 1.0, dtype: Kind = None, seed: Seed = None
) -> Array:
    """Return draws from between two numbers.

    The other arguments are those of `normal`.

    >>> uniform((2,), seed=0).shape
    (2,)
    """
    numbers = np.asarray(_generator(seed).random(shape))
    return np.asarray(minval * (1 - numbers) + maxval * numbers, dtype)


@checked
def randint(
    shape: Sizes, minval: int, maxval: int, dtype: Kind = "int32", seed: Seed = None
) -> Array:
    """Return whole numbers from minval to before maxval.

    The other arguments are those of `normal`. ArgumentError unless maxval is the larger one.

    >>> bool((randint((100,), 0, 3, seed=0) < 3).all())
    True
    """
    if not minval < maxval:
        got, fix = f"{minval} and {maxval}", "give the smaller one first"
        raise ArgumentError(message("randint()", "minval below maxval", got, fix))
    return np.asarray(_generator(seed).integers(minval, maxval, shape), dtype)


def _broadcast(values: tuple[Any, ...], shape: tuple[int, ...], where: str) -> None:
    """Raise ArgumentError unless numbers spread over a shape."""
    try:
        fits = np.broadcast_shapes(*(one.shape for one in values), shape) == shape
    except ValueError:
        fits = False
    if not fits:
        got = ", ".join(str(one.shape) for one in values)
        raise ArgumentError(message(where, f"numbers that spread over {shape}", got, "reshape it"))


def _within(values: Array, least: float, most: float, where: str) -> None:
    if not ((values >= least) & (values <= most)).all():
        expected, fix = f"numbers from {least:g} to {most:g}", "give such numbers"
        raise ArgumentError(message(where, expected, shown(values), fix))


@checked
def gamma(shape: Sizes, alpha: Parameter, dtype: Kind = None, seed: Seed = None) -> Array:
    """Return draws from a gamma distribution of this shape parameter, and scale 1.

    `alpha` is a number, or an array that spreads over `shape`; so are the parameters below. The
    other arguments are those of `normal`.

    >>> gamma((2, 3), 0.5, seed=1).shape
    (2, 3)
    """
    _broadcast((alpha,), shape, "gamma(alpha)")
    _within(alpha, 0, 1e30, "gamma(alpha)")
    return np.asarray(_generator(seed).gamma(alpha, size=shape), dtype)


@checked
def beta(
    shape: Sizes, alpha: Parameter, beta: Parameter, dtype: Kind = None, seed: Seed = None
) -> Array:
    """Return draws from a beta distribution: from 0 to 1, alpha / (alpha + beta) in the mean.

    >>> beta((2,), 2.0, 3.0, seed=0).shape
    (2,)
    """
    _broadcast((alpha, beta), shape, "beta(alpha, beta)")
    for name, values in (("alpha", alpha), ("beta", beta)):
        _within(values, 1e-30, 1e30, f"beta({name})")
    return np.asarray(_generator(seed).beta(alpha, beta, shape), dtype)


@checked
def binomial(
    shape: Sizes, counts: Parameter, probabilities: Parameter, dtype: Kind = None, seed: Seed = None
) -> Array:
    """Return how many of so many trials went well that do so with these probabilities.

    >>> binomial((3,), 4, 0.5, seed=0).shape
    (3,)
    """
    _broadcast((counts, probabilities), shape, "binomial(counts, probabilities)")
    _within(counts, 0, 1e15, "binomial(counts)")
    _within(probabilities, 0, 1, "binomial(probabilities)")
    found = _generator(seed).binomial(counts.astype("int64"), probabilities, shape)
    return np.asarray(found, dtype)


@checked
def categorical(
    logits: Numbers, num_samples: PositiveInt, dtype: Kind = "int32", seed: Seed = None
) -> Array:
    """Return class numbers (n, num_samples), drawn by the softmax of each row of logits.

    >>> categorical(np.array([[0.0, 99.0]]), 3, seed=0).tolist()
    [[1, 1, 1]]
    """
    if logits.ndim != 2 or not logits.shape[1]:
        fix, got = "give a row each", str(logits.shape)
        raise ArgumentError(message("categorical(logits)", "logits (n, classes)", got, fix))
    places = _generator(seed).random(_shape((len(logits), num_samples), "categorical(num_samples)"))
    shares = np.exp(logits - logits.max(axis=1, keepdims=True)).cumsum(axis=1, dtype="float64")
    for row, ends in zip(places, shares / shares[:, -1:], strict=True):
        row[:] = np.searchsorted(ends[:-1], row, side="right")
    return places.astype(dtype)


@checked
def shuffle(x: Numbers, axis: int = 0, seed: Seed = None) -> Array:
    """Return a copy in another order along an axis.

    >>> sorted(shuffle(np.arange(3), seed=0).tolist())
    [0, 1, 2]
    """
    if not -x.ndim <= axis < x.ndim:
        got = f"axis {axis} of an array {x.shape}"
        raise ArgumentError(message("shuffle(axis)", "an axis of x", got, "0 is the first"))
    return _generator(seed).permutation(x, axis=axis)


@checked
def dropout(
    inputs: Any, rate: Fraction, noise_shape: Annotated[Any, _noise_shape] = None, seed: Seed = None
) -> Any:
    """Return inputs with some set to 0, and the others made larger for it.

    Args:
        inputs: an array, or a tensor in a `call`.
        rate: the share that is set to 0.
        noise_shape: of what is drawn, 1 for an axis that is dropped whole; None is the inputs'.
        seed: as for `normal`.

    >>> dropout(np.ones((1, 4)), 0.0)
    array([[1., 1., 1., 1.]])
    """
    if not hasattr(inputs, "sources"):  # no Tensor of npcnn.ops
        inputs = as_numbers(inputs, "dropout(inputs)")
        inputs = inputs if inputs.dtype.kind == "f" else inputs.astype(config.floatx())
    shape = tuple(inputs.shape)
    noise = shape if noise_shape is None else noise_shape
    pairs = zip(noise[::-1], shape[::-1], strict=False)
    if len(noise) > len(shape) or not all(one in (1, size) for one, size in pairs):
        fix = "1 where an axis is dropped whole"
        raise ArgumentError(message("dropout(noise_shape)", f"one for {shape}", str(noise), fix))
    kept = _generator(seed).random(noise) >= rate
    return inputs * (kept / (1 - rate)).astype(str(inputs.dtype))
