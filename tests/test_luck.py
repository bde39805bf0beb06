"""No test hangs on luck or haste: random numbers have seeds, and who waits has patience."""

import ast
import re

import pytest
from runs import ROOT

FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/*.py"))
DRAWS = "random|randint|randrange|choice|choices|shuffle|sample|uniform|gauss"  # Python's own
WAITS = "join|wait|communicate|timeout|set_script_timeout"
PATIENT = 120  # seconds: less may pass on a busy machine before another program has begun


def calls(source):
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


def lucky(source):
    """Return the calls that draw random numbers without a seed.

    NumPy's shared generator is seeded, too, once a file calls `np.random.seed`: a file that is
    about programs which draw from it.
    """
    found = []
    seeded, started = (
        any(ast.unparse(c.func) == name and c.args for c in calls(source))
        for name in ("np.random.seed", "random.seed")
    )
    for call in calls(source):
        name = ast.unparse(call.func)
        unseeded = name.endswith("default_rng") and not (call.args or call.keywords)
        unseeded = unseeded or (name == "random.Random" and not call.args)
        shared = re.fullmatch(r"np\.random\.(?!default_rng|Generator)\w+", name) and not seeded
        own = re.fullmatch(rf"random\.({DRAWS})", name) and not started
        if unseeded or shared or own:
            found.append(f"line {call.lineno}: {name}")
    return found


def hasty(source):
    """Return the calls that give up after a short time."""
    found = []
    for call in calls(source):
        waits = re.search(rf"\.({WAITS})$", ast.unparse(call.func))
        given = [k.value for k in call.keywords if k.arg == "timeout"]
        for value in [*given, *(call.args if waits else [])]:
            seconds = getattr(value, "value", None)
            if type(seconds) in (int, float) and seconds < PATIENT:
                found.append(f"line {call.lineno}: timeout={seconds}")
    for node in ast.walk(ast.parse(source)):  # what a busy machine makes longer than it is
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Lt, ast.LtE)):
            limit, took = getattr(node.comparators[0], "value", None), ast.unparse(node.left)
            # the process's time is also that of threads that compile kernels
            clock = re.search(r"time\.(monotonic|perf_counter|time|process_time)\(\) -", took)
            if clock and isinstance(limit, (int, float)) and limit < PATIENT:
                found.append(f"line {node.lineno}: {took} < {limit}")
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
    found = hasty("assert time.monotonic() - start < 3")
    assert found == ["line 1: time.monotonic() - start < 3"]
    assert hasty("assert time.process_time() - start < 3")
    assert hasty("assert time.thread_time() - start < 3") == []
    assert hasty("thread.join(10)") == ["line 1: timeout=10"]
    assert lucky("random.random()") == ["line 1: random.random"]
    assert lucky("random.seed(0); random.random(); random.Random(5).random()") == []


def test_what_tests_share_registers_nothing():
    """pytest runs such a file once more, and the later of two classes of one name counts."""
    asked = r"^ *(?:from|import) (test_\w+)"
    shared = {f for path in FILES for f in re.findall(asked, (ROOT / path).read_text(), re.M)}
    known = {ROOT.joinpath(path).stem: ROOT / path for path in FILES}
    found = [f for f in sorted(shared) if "register_keras_serializable" in known[f].read_text()]
    assert "test_readme" in shared
    assert found == []
