"""What `derivatives` says of functions and layers of all sorts, right ones and wrong ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npcnn import Sequential, layers, trace
from npcnn.gradient_check import check_layer
from npcnn.gradients.derivatives import Function, NotAnalyticError, of_layer
from npcnn.gradients.verdict import examine
from npcnn.initializers import RandomUniform


def function_of(f, *arrays, size=1.0):
    """Return a function of arrays whose outputs all weigh 1."""
    upstream = np.ones(np.shape(f(list(arrays))))
    return Function(f, list(arrays), upstream, lambda arrays: [], [size] * len(arrays))


def test_a_complex_step_loses_nothing():
    x = np.array([1e-8, 1.0, 1e8])
    f = function_of(lambda arrays: np.exp(np.sin(arrays[0])), x)
    for k in range(3):
        want = math.cos(x[k]) * math.exp(math.sin(x[k]))
        assert f.at(0, (k,)) == pytest.approx(want, rel=1e-15)


def test_differences_and_their_doubt():
    x = np.array([0.3, -2.0])
    slope = function_of(lambda arrays: np.sin(arrays[0]), x).slope(0, np.ones(2))
    assert abs(slope.value - np.cos(x).sum()) <= 1e-11
    assert slope.doubt <= 1e-8
    kink = function_of(lambda arrays: np.abs(arrays[0]), np.zeros(2)).slope(0, np.ones(2))
    assert kink.doubt > 1
    assert (kink.left, kink.right) == (-2.0, 2.0)


@pytest.mark.parametrize(
    "f", [np.abs, lambda x: x.astype("float64"), lambda x: x.real * 2, lambda x: np.arctan2(x, 1)]
)
def test_an_imaginary_part_that_is_lost_is_noticed(f):
    held = function_of(lambda arrays: f(arrays[0]), np.array([0.5, -1.0]))
    with pytest.raises(NotAnalyticError):
        held.exact(0, np.ones(2))


@given(st.integers(1, 400), st.integers(0, 2**32 - 1), st.floats(-6, 0))
def test_the_wrong_entry_is_found_and_its_right_value(size, seed, exponent):
    rng = np.random.default_rng(seed)
    x, weights = rng.normal(size=size), rng.normal(size=size)
    f = function_of(lambda arrays: weights * np.sin(arrays[0]), x)
    gradient = weights * np.cos(x)
    assert examine(f, 0, gradient, 1e-9, 3, rng).error <= 1e-12
    place = rng.integers(size)
    right = gradient[place]
    gradient[place] += 10.0**exponent * np.abs(gradient).max()
    found = examine(f, 0, gradient, 1e-9, 3, rng)
    assert found.error == pytest.approx(10.0**exponent, rel=1.0)
    assert [entry.place for entry in found.wrong] == [(place,)]
    assert found.wrong[0].derivative == pytest.approx(right, rel=1e-12, abs=1e-300)
    assert not found.more


def test_more_wrong_entries_than_are_looked_for(rng):
    x = rng.normal(size=(5, 6))
    f = function_of(lambda arrays: np.sin(arrays[0]), x)
    found = examine(f, 0, -np.cos(x), 1e-9, 3, rng)
    assert len(found.wrong) == 3
    assert found.more
    two = np.cos(x)
    two[1, 2], two[3, 3] = 0, 7
    found = examine(f, 0, two, 1e-9, 3, rng)
    assert {entry.place for entry in found.wrong} == {(1, 2), (3, 3)}
    assert not found.more


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite(rng, bad):
    x = rng.normal(size=4)
    gradient = np.cos(x)
    gradient[2] = bad
    found = examine(function_of(lambda arrays: np.sin(arrays[0]), x), 0, gradient, 1e-9, 3, rng)
    assert math.isnan(found.error)
    assert found.wrong[0].derivative == pytest.approx(math.cos(x[2]))
    endless = function_of(lambda arrays: arrays[0] * bad, x)
    assert examine(endless, 0, np.ones(4), 1e-9, 3, rng).unknown == "the derivative is not finite"


# A stranger's layers: right code is never called wrong, wrong code is ---------------------------


class Stranger(layers.Layer):
    """Element by element; `slope` times the right gradient is what its backward gives."""

    slope = 1.0

    def forward(self, x, training=False, step=0, keep=True):
        self._saved = (x,)
        return self.f(x)

    def backward(self, grad_y, need_grad_x=True):
        return grad_y * self.d(self.saved()[0]) * self.slope


class Abs(Stranger):
    f = staticmethod(np.abs)
    d = staticmethod(np.sign)


class Softsign(Stranger):
    """Takes complex numbers, and gives a wrong imaginary part without a word."""

    f = staticmethod(lambda x: x / (1 + np.abs(x)))
    d = staticmethod(lambda x: 1 / (1 + np.abs(x)) ** 2)


class Cast(Stranger):
    f = staticmethod(lambda x: x.astype("float64") ** 3 if x.dtype == complex else x**3)
    d = staticmethod(lambda x: 3 * x * x)


class Buffered(Stranger):
    @staticmethod
    def f(x):
        y = np.empty(x.shape, "float32" if x.dtype == "float32" else "float64")
        y[...] = x * x
        return y

    d = staticmethod(lambda x: 2 * x)


class ByPython(Stranger):
    """Compares complex numbers as Python does: not at all."""

    f = staticmethod(
        lambda x: np.array([max(0.0, v.item()) ** 2 for v in x.flat], x.dtype).reshape(x.shape)
    )
    d = staticmethod(lambda x: 2 * np.maximum(x, 0))


class Erf(Stranger):
    f = staticmethod(lambda x: np.array([math.erf(v) for v in x.flat], x.dtype).reshape(x.shape))
    d = staticmethod(lambda x: (2 / math.sqrt(math.pi) * np.exp(-x * x)).astype(x.dtype))


class FromZeroOn(Stranger):
    """A leaky ReLU that counts 0 among the positive."""

    f = staticmethod(lambda x: np.where(x >= 0, x, x * x.dtype.type(0.1)))
    d = staticmethod(lambda x: np.where(x >= 0, x.dtype.type(1), x.dtype.type(0.1)))


class Maximum(Stranger):
    f = staticmethod(lambda x: np.maximum(x, 0))
    d = staticmethod(lambda x: (x > 0).astype(x.dtype))


class Signed(Stranger):
    f = staticmethod(lambda x: np.sign(x) * x * x)
    d = staticmethod(lambda x: 2 * np.abs(x))


class Hard(Stranger):
    f = staticmethod(lambda x: np.clip(x, -0.5, 0.5))
    d = staticmethod(lambda x: (np.abs(x) < 0.5).astype(x.dtype))


class UnitNorm(layers.Layer):
    def forward(self, x, training=False, step=0, keep=True):
        norm = np.linalg.norm(x, axis=-1, keepdims=True)
        self._saved = x / norm, norm
        return x / norm

    def backward(self, grad_y, need_grad_x=True):
        y, norm = self.saved()
        return (grad_y - y * (grad_y * y).sum(axis=-1, keepdims=True)) / norm


class Prelu(layers.Layer):
    parameter_names = ("alpha",)

    def create_parameters(self, input_shape):
        self.add_parameter("alpha", input_shape[1:], RandomUniform(0.1, 0.3))

    def forward(self, x, training=False, step=0, keep=True):
        self._saved = (x,)
        return (x + np.abs(x)) / 2 + self.alpha * (x - np.abs(x)) / 2

    def backward(self, grad_y, need_grad_x=True):
        (x,) = self.saved()
        self.grad_alpha[...] = (grad_y * np.minimum(x, 0)).sum(axis=0)
        return grad_y * np.where(x > 0, x.dtype.type(1), self.alpha)


STRANGERS = [
    Abs, Softsign, Cast, Buffered, ByPython, Erf, FromZeroOn, Maximum, Signed, Hard, UnitNorm,
    Prelu,
]  # fmt: skip
INPUTS = {
    "random": lambda rng: rng.normal(size=(3, 20)),
    "zeros among them": lambda rng: rng.integers(-2, 3, (3, 20)) / 2,
    "plain paper": lambda rng: np.where(
        rng.uniform(size=(3, 20)) < 0.8, 0.0, rng.normal(size=(3, 20))
    ),
    "all zero but one": lambda rng: np.eye(3, 20),
    "raw pixels": lambda rng: rng.integers(1, 256, (3, 20)) * 1.0,
}


def in_a_model(layer, x, training=False):
    model = Sequential(
        [layers.Input(x.shape[1:]), layer, layers.Dense(3, activation="softmax")], dtype="float64"
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return trace(model, x, np.arange(len(x)) % 3, training=training).check()


@pytest.mark.parametrize("kind", STRANGERS)
@pytest.mark.parametrize("inputs", INPUTS)
def test_right_code_of_a_stranger(kind, inputs):
    for seed in range(4):
        x = INPUTS[inputs](np.random.default_rng(seed))
        check = in_a_model(kind(name="theirs"), x)
        assert check.passed, check
        flat = kind is Erf and inputs == "raw pixels"  # its slope there is next to nothing
        assert all(row.checked or flat for row in check.rows if row.layer == "theirs"), check
        assert check.largest <= 1e-6


@pytest.mark.parametrize("kind", STRANGERS)
def test_right_code_of_a_stranger_by_itself(kind):
    table = check_layer(kind(), (3, 20))
    assert table.passed, table
    assert not table.unchecked
    suits = kind in (FromZeroOn, Maximum, Hard)  # away from the bends
    assert table.rows[0].exact == suits
    assert ("by differences" in str(table)) == (not suits)


@pytest.mark.parametrize("kind", [k for k in STRANGERS if issubclass(k, Stranger)])
@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("slope", [-1.0, 0.5, 1.001])
def test_wrong_code_of_a_stranger(kind, inputs, slope):
    layer = kind(name="theirs")
    layer.slope = slope
    x = INPUTS[inputs](np.random.default_rng(2))
    if np.abs(kind.d(x)).max() < 1e-11:  # no gradient at all, so nothing wrong with it
        assert in_a_model(layer, x).passed
        return
    check = in_a_model(layer, x)
    assert {row.layer for row in check.failed} == {"theirs"}, check
    layer = kind()
    layer.slope = slope
    assert [row.array for row in check_layer(layer, (3, 20)).failed] == ["input"]


def test_a_layer_that_gives_another_output_at_each_call():
    rng = np.random.default_rng(0)

    class Noisy(Stranger):
        f = staticmethod(lambda x: x * rng.uniform(0.5, 1.5, x.shape))
        d = staticmethod(np.ones_like)

    row = next(r for r in in_a_model(Noisy(), np.eye(3, 5)).rows if r.layer == "noisy")
    assert row.passed
    assert row.notes == "cannot be told: another output at each call"


def test_single_precision_within_is_not_called_wrong():
    class Coarse(Stranger):
        f = staticmethod(lambda x: (x.real.astype("float32") * np.float32(1.7)).astype("float64"))
        d = staticmethod(lambda x: np.full_like(x, 1.7))

    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(3, 20))
        assert in_a_model(Coarse(), x).passed


def test_what_a_layer_keeps_is_left_alone():
    class Counting(Stranger):
        f = staticmethod(np.sinh)
        d = staticmethod(np.cosh)

        def forward(self, x, training=False, step=0, keep=True):
            self.calls += 1  # in place
            return super().forward(x, training, step, keep)

    layer = Counting()
    layer.build((None, 4), "float64")
    layer.calls = np.zeros(1)
    function = of_layer(layer, np.ones((2, 4)), np.ones((2, 4)))
    for _ in range(3):
        function.exact(0, np.ones((2, 4)))
    assert layer.calls == 0
