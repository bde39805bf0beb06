"""docs/coverage.md says what is so, and is the newest."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest
from runs import ROOT

from npcnn import absent

SCRIPT = ROOT / "docs" / "make_coverage.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_coverage", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_the_newest(script):
    for path, text in script.pages().items():
        newest = path.read_text("utf-8") == text
        assert newest, f"{path.name} is stale; run: python docs/make_coverage.py"


def test_the_names_are_those_of_keras(script):
    if importlib.util.find_spec("keras") is None or importlib.util.find_spec("torch") is None:
        pytest.skip("needs keras and torch")
    source = "import json, make_coverage; print(json.dumps(make_coverage.ask_keras()))"
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True,
        cwd=ROOT / "docs", env={**os.environ, "KERAS_BACKEND": "torch"},
    )  # fmt: skip
    found, kept = json.loads(done.stdout.splitlines()[-1]), json.loads(script.KEPT.read_text())
    if found["version"] != kept["version"]:
        pytest.skip(f"the names kept are Keras {kept['version']}'s")
    assert found == kept, "run: python docs/make_coverage.py --keras"


@pytest.mark.parametrize(
    ("theirs", "verdict", "notes"),
    [
        ([["units"], ["activation", "None"]], "same", []),
        ([["units"], ["use_bias", "False"]], "partly", [("default", "use_bias", "True", "False")]),
        ([["units"], ["a", "1"], ["b"]], "partly", [("without", "`a`, `b`")]),
        ([["units"], ["name", "None"], ["autocast", "True"]], "same", []),
    ],
)
def test_arguments_are_compared(script, theirs, verdict, notes):
    assert script.compared("layers", {"Dense": theirs}) == [
        script.Entry("Dense", verdict, notes, "")
    ]


def test_one_number_stands_for_two(script):
    conv = {"Conv2D": [["filters"], ["kernel_size"], ["strides", "1"], ["padding", "'valid'"]]}
    assert script.compared("layers", conv)[0].verdict == "same"


def test_what_has_a_reason_to_be_absent_is_absent(script):
    kept = json.loads(script.KEPT.read_text())["names"]
    for module, names in kept.items():
        for entry in script.compared(module, names):
            why = absent.reason(f"npcnn.{module}", entry.name)
            assert why is None or entry.verdict == "absent", f"{module}.{entry.name}: {why}"
            assert why is None or why in absent.CHINESE
