import ast

import numpy as np
import pytest
from test_imports import FILES

from npcnn import checks
from npcnn.checks import (
    ArgumentError,
    DtypeError,
    FileError,
    FormatError,
    NpcnnError,
    NumericsError,
    StateError,
)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (ArgumentError, ValueError), (DtypeError, TypeError), (StateError, RuntimeError),
        (StateError, ValueError),
        (FileError, OSError), (FormatError, ValueError), (NumericsError, ArithmeticError),
    ],
)  # fmt: skip
def test_errors_are_also_pythons_own(error, builtin):
    assert issubclass(error, NpcnnError)
    assert issubclass(error, builtin)


def test_all_warnings_are_of_one_class():
    """Whoever wants them away, or to be errors, names one class."""
    plain = []
    for name, path in FILES.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.warn":
                kind = ast.unparse(node.args[1]) if len(node.args) > 1 else "none"
                plain += [f"{name}:{node.lineno}"] if kind.split(".")[-1] != "NpcnnWarning" else []
    assert plain == []


def test_a_message_is_one_line():
    text = checks.message("here", "one\nthing", "  another\tone ", "do so")
    assert text == "here: expected one thing, got another one; do so."


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(2)])
def test_positive_int(value):
    found = checks.positive_int(value, "here")
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", None, True, np.float32(1), [1]])
def test_not_a_positive_int(value):
    with pytest.raises(ArgumentError, match=r"^here: expected a positive integer, got "):
        checks.positive_int(value, "here")


@pytest.mark.parametrize(
    ("value", "pair"), [(2, (2, 2)), ((1, 2), (1, 2)), ([3, 4], (3, 4)), (np.int32(5), (5, 5))]
)
def test_positive_pair(value, pair):
    assert checks.positive_pair(value, "here") == pair


@pytest.mark.parametrize("value", [0, (1, 0), (1, 2, 3), (1,), "ab", None, 1.5, (True, 1), {}])
def test_not_a_positive_pair(value):
    with pytest.raises(ArgumentError, match=r"^here: expected a positive integer or a pair"):
        checks.positive_pair(value, "here")


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.25), 0.999])
def test_fraction(value):
    assert checks.fraction(value, "here") == value


@pytest.mark.parametrize("value", [1, -0.1, "0.5", None, True, float("nan")])
def test_not_a_fraction(value):
    with pytest.raises(ArgumentError, match=r"^here: expected a number from 0 up to, not"):
        checks.fraction(value, "here")


def test_one_of():
    assert checks.one_of("same", ("same", "valid"), "here") == "same"
    with pytest.raises(ArgumentError) as caught:
        checks.one_of("smae", ("same", "valid"), "here")
    assert str(caught.value) == (
        "here: expected one of same, valid, got 'smae'; perhaps 'same' was meant."
    )
    with pytest.raises(ArgumentError, match="got None; use one of these names"):
        checks.one_of(None, ("same", "valid"), "here")


def test_same_length():
    checks.same_length([1], [2], "here", ("samples", "targets"))
    with pytest.raises(ArgumentError) as caught:
        checks.same_length([1, 2], [3], "fit", ("samples", "targets"))
    assert str(caught.value) == (
        "fit: expected as many targets as samples (2), got 1; "
        "give one entry of targets for each sample."
    )
