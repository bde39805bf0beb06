"""Arguments are checked by what the signature says, and messages stay short."""

import numpy as np
import pytest

from npcnn.arguments import Padding, PositiveInt, Verbose, arguments_of, checked
from npcnn.checks import LONGEST, ArgumentError, DtypeError, NpcnnError, message, shown


@checked
def call(n: PositiveInt, padding: Padding = "valid", name: str | None = None, *, deep: bool = True):
    return n, padding, name, deep


def test_arguments_by_place_by_name_and_by_default():
    assert call(1) == (1, "valid", None, True)
    assert call(np.int8(2), "SAME", name="a", deep=0) == (2, "same", "a", False)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"n": 0}, r"^call\(n\): expected a positive integer, got 0; "),
        ({"n": True}, r"^call\(n\): expected a positive integer, got True; "),
        ({"n": float("nan")}, r"^call\(n\): expected a positive integer, got nan; "),
        (
            {"padding": "smae"},
            r"^call\(padding\): expected one of valid, same, got 'smae'; perhaps",
        ),
        ({"padding": None}, r"^call\(padding\): expected one of valid, same, got None; "),
        ({"name": 3}, r"^call\(name\): expected a text, got 3; "),
        ({"name": "a\0"}, r"^call\(name\): expected a text, got 'a\\x00'; "),
        ({"name": "\ud800"}, r"^call\(name\): expected a text, got '\\ud800'; "),
        ({"deep": "no"}, r"^call\(deep\): expected True or False, got 'no'; "),
        ({"deep": np.nan}, r"^call\(deep\): expected True or False, got nan; "),
    ],
)
def test_what_does_not_fit(arguments, text):
    with pytest.raises(NpcnnError, match=text):
        call(**{"n": 1, **arguments})


def test_a_class_is_named_by_its_subclass():
    class Base:
        @checked
        def __init__(self, n: PositiveInt, **more):
            self.n = n

    class Strange(Base):
        def __init__(self, own, **kwargs):
            super().__init__(**kwargs)
            self.own = own

    assert Strange(7, n=2).n == 2
    with pytest.raises(ArgumentError, match=r"^Strange\(n\): expected a positive integer, got -1"):
        Strange(7, n=-1)


def test_what_has_no_check_says_so():
    @checked
    def wrong(x: complex):
        return x

    with pytest.raises(TypeError, match="no check for"):
        wrong(1)


@pytest.mark.parametrize(("value", "level"), [(True, 1), (0, 0), (2, 2), ("auto", 1)])
def test_verbose(value, level):
    @checked
    def fit(verbose: Verbose = "auto"):
        return verbose

    assert fit(value) == level
    with pytest.raises(ArgumentError, match=r"^fit\(verbose\): expected 0, 1, 2 or 'auto', got 3"):
        fit(3)


class Point:
    def __init__(self, x, y=0):
        self.x, self.y = x, y


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (3, "expected a dict of arguments, got 3"),
        ({1: 2}, "expected a dict of arguments, got {1: 2}"),
        ({"x": 1, "z": 2}, "expected one of x, y, got 'z'"),
        ({"y": 2}, "expected x among the arguments, got {'y': 2}"),
    ],
)
def test_a_config_that_does_not_fit(config, text):
    with pytest.raises(NpcnnError, match=f"^here: {text}"):
        arguments_of(Point, config, "here")
    assert arguments_of(Point, {"x": 1}, "here") == {"x": 1}


class Odd:
    def __repr__(self):
        raise RuntimeError("no text")


LOOP = []
LOOP.append(LOOP)
ABSURD = [
    "x" * 10**6,
    b"x" * 10**6,
    10**100_000,
    -(10**5000),
    [0] * 10**6,
    dict.fromkeys(range(99), "v" * 999),
    np.zeros((99, 99)),
    np.array([object()] * 5000),
    Odd(),
    type("T" * 9999, (), {}),
    LOOP,
    "\ud800\0\n",
    [[[[[["x" * 99] * 99] * 99] * 99] * 99] * 99],
    np.zeros(1, [(f"f{k}", "i4") for k in range(999)]),
]


@pytest.mark.parametrize("value", ABSURD, ids=range(len(ABSURD)))
def test_a_message_repeats_little(value):
    text = message("f(x)", "a number", shown(value), "give one")
    assert len(text) < 400
    assert text.isprintable()


def test_no_part_of_a_message_is_long():
    assert len(message(*["word " * 9999] * 4)) < 4 * LONGEST + 40


def test_masked_arrays_are_refused():
    from npcnn.checks import as_numbers

    masked = np.ma.masked_array([1.0, 2.0], [True, False])
    with pytest.raises(DtypeError, match=r"got a masked array; fill what is masked"):
        as_numbers(masked, "fit(x)")


def test_what_memory_cannot_hold_is_one_line():
    @checked
    def make(shape):
        return np.empty(shape, "float64")

    with pytest.raises(ArgumentError, match=r"^make: expected what fits into memory, got .*; make"):
        make((2**20, 2**25))
