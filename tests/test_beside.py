"""A file beside the program that hides a library is named, whether it is needed now or later."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from runs import environment

import npcnn
from npcnn import beside

PACKAGE = Path(npcnn.__file__).parent


def printed(folder, program, *options):
    """Run a program in a folder; return its exit status and the last line of its errors."""
    (folder / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, *options, "program.py"], cwd=folder, env=environment(),
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    return done.returncode, [line for line in done.stderr.splitlines() if line[:1].strip()]


@pytest.mark.parametrize(
    "name", ["numpy", "random", "inspect", "typing", "enum", "types", "operator", "collections"]
)
def test_what_is_needed_at_once_and_hidden_is_an_error_of_one_line(tmp_path, name):
    path = tmp_path / f"{name}.py"
    path.write_text("x = 1\n")
    status, lines = printed(tmp_path, "import npcnn")
    whose = "numpy" if name == "numpy" else f"Python's own {name}"
    text = (
        f"import npcnn: expected {whose}, got {path}, which hides it; give that file another name"
    )
    assert (status, lines[-1]) == (1, f"ImportError: {text}")


@pytest.mark.parametrize("name", ["tqdm", "numba", "h5py", "zipfile"])
def test_what_is_needed_later_and_hidden_is_a_warning(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("x = 1\n")
    status, lines = printed(tmp_path, "import npcnn\nprint(npcnn.Sequential)")
    assert status == 0
    assert len(lines) == 1
    assert f"got {tmp_path / name}.py, which hides it" in lines[0]


def test_the_program_itself_may_be_that_file(tmp_path):
    (tmp_path / "numpy.py").write_text("import npcnn\nnpcnn.Sequential\n")
    status, lines = printed(tmp_path, "import numpy")
    assert status == 1
    assert lines[-1].startswith(f"ImportError: import npcnn: expected numpy, got {tmp_path}")


def test_files_that_hide_nothing_are_passed_over(tmp_path):
    for name in ("layers", "test", "code", "time", "abc", "zipfile_"):
        (tmp_path / f"{name}.py").write_text("x = 1\n")
    (tmp_path / "json.py").mkdir()
    (tmp_path / "tqdm").mkdir()
    assert printed(tmp_path, "import npcnn", "-W", "error") == (0, [])


def test_another_reason_to_fail_is_left_as_it_is(tmp_path):
    (tmp_path / "json.py").write_text("x = 1\n")
    program = (
        "import sys, json\nsys.path.remove(sys.path[0])\nsys.modules['numpy'] = None\nimport npcnn"
    )
    status, lines = printed(tmp_path, program)
    assert status == 1
    assert lines[-1].startswith("ModuleNotFoundError: import of numpy halted")


def test_the_lists_hold_all_that_npcnn_imports():
    names = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.split(".")[0])
    others = names - sys.stdlib_module_names - {"npcnn"}
    # At choice; a file; for type checkers alone.
    apart = {"starlette", "uvicorn", "threadpoolctl", "typing_extensions"}
    assert others - set(beside.LIBRARIES) == apart
    assert set(beside.LIBRARIES) <= others
    assert set(beside.LATER) <= names
    program = "import sys, npcnn; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    loaded = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    # What the interpreter itself holds no file can hide.
    late = names & sys.stdlib_module_names - {*loaded.stdout.split(), *sys.builtin_module_names}
    assert late - set(beside.LATER) == set()
