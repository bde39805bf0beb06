"""No test hangs on luck or haste: random numbers have seeds, and who waits has patience."""

import ast
import re

import pytest
from runs import ROOT

FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/*.py"))
PATIENT = 120  # seconds: less may pass on a busy machine before another program has begun


def calls(source):
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


def lucky(source):
    """Return the calls that draw random numbers without a seed.

    NumPy's shared generator is seeded, too, once a file calls `np.random.seed`: a file that is
    about programs which draw from it.
    """
    found = []
    seeded = any(ast.unparse(c.func) == "np.random.seed" and c.args for c in calls(source))
    for call in calls(source):
        name = ast.unparse(call.func)
        unseeded = name.endswith("default_rng") and not (call.args or call.keywords)
        shared = re.fullmatch(r"np\.random\.(?!default_rng|Generator)\w+", name) and not seeded
        if unseeded or shared:
            found.append(f"line {call.lineno}: {name}")
    return found


def hasty(source):
    """Return the calls that give up after a short time."""
    found = []
    for call in calls(source):
        for keyword in call.keywords:
            seconds = getattr(keyword.value, "value", None)
            if keyword.arg == "timeout" and seconds is not None and seconds < PATIENT:
                found.append(f"line {call.lineno}: timeout={seconds}")
    return found


@pytest.mark.parametrize("name", FILES)
def test_no_luck_and_no_haste(name):
    source = (ROOT / name).read_text("utf-8")
    assert lucky(source) == []
    assert hasty(source) == []


def test_luck_and_haste_are_seen():
    assert lucky("x = np.random.default_rng().random()") == ["line 1: np.random.default_rng"]
    assert lucky("np.random.rand(3)") == ["line 1: np.random.rand"]
    assert lucky("np.random.seed()") == ["line 1: np.random.seed"]
    assert lucky("np.random.seed(0); np.random.rand(3)") == []
    assert lucky("rng = np.random.default_rng(3)") == []
    assert hasty("process.communicate(timeout=5)") == ["line 1: timeout=5"]
    assert hasty("process.communicate(timeout=PATIENCE)") == []
