"""The example notebooks, run in a small form in a copy of the repository's folders."""

import re
import shutil

import nbformat
import notebooks
import pytest
from runs import EXAMPLES, ROOT

from npcnn.kernels.run.notice import LINE

SMALL = {
    "run": {"IMAGES": "120", "EPOCHS": "2"},
    "study": {"IMAGES": "120", "EPOCHS": "2", "DIGIT": "3"},
    "benchmark": {"SAMPLES": "120", "REPEATS": "1", "THREADS": "1", "ENTRANTS": '["npcnn"]'},
}


def small(name):
    """Return a notebook with other values in its cell of parameters."""
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    for parameter, value in SMALL[name].items():
        cell.source, count = re.subn(
            rf"(?m)^{parameter} = .*$", f"{parameter} = {value}", cell.source
        )
        assert count == 1, f"{name}.ipynb has no {parameter}"
    return notebook


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    copy = tmp_path_factory.mktemp("clone")
    for part in ("examples", "benchmarks"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("out", "results"))
    return copy / "examples"


@pytest.mark.parametrize("name", SMALL)
def test_the_notebook_runs_and_shows_what_it_says(name, folder, small_mnist):
    made = notebooks.executed(small(name), folder, NPCNN_DATA=str(small_mnist))
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    for cell in code:
        # a first start says that it compiles
        assert notebooks.printed(cell, "stderr").replace(f"{LINE}\n", "") == ""
        last = cell.source.splitlines()[-1]
        if last.startswith("plots.") or last == "figure":
            assert notebooks.png(cell).shape[1] >= 820
        elif last in ("model", "history", "trace", "run") or last.startswith("trace."):
            shown = notebooks.shown(cell)
            assert "<t" in shown.get("text/html", "") or "check" in last
            assert " at 0x" not in shown["text/plain"]
    pictures = sum("image/png" in notebooks.shown(cell) for cell in code)
    assert pictures == {"run": 4, "study": 8, "benchmark": 1}[name]
    if name == "run":
        assert "True" in notebooks.shown(code[-1])["text/plain"]  # what was saved predicts alike
        assert (folder / "out" / "digits.keras").is_file()


@pytest.mark.parametrize("name", SMALL)
def test_the_notebook_is_kept_without_outputs(name):
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
