"""What the READMEs show is run as it stands."""

import re

import pytest
from runs import ROOT, run_program, write_small_mnist

READMES = ["README.md", "README.zh-CN.md"]
COMMANDS = [
    "python -m pip install -e . && python examples/train_mnist.py",
    'python -m pip install -e ".[test]" && python -m pytest',
]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text(name), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def small_mnist(tmp_path_factory):
    return write_small_mnist(tmp_path_factory.mktemp("idx"))


@pytest.mark.parametrize("name", READMES)
def test_every_python_block_runs(name, tmp_path, small_mnist):
    printed = []
    for number, source in enumerate(blocks(name, "python")):
        program = tmp_path / f"block_{number}.py"
        program.write_text(source, encoding="utf-8")
        run = run_program(program, cwd=tmp_path, NPCNN_DATA=str(small_mnist))
        assert run.returncode == 0, run.stderr
        printed.append(run.stdout)
    use, folder, error, _, inside = printed
    assert "Epoch 3/3" in use
    assert {"digits.h5", "accuracy.png", "confusion.png"} <= {p.name for p in tmp_path.iterdir()}
    assert folder.startswith("(20, 28, 28) uint8")
    assert [error] == blocks(name, "text")
    assert {"digits.keras", "run.keras"} <= {p.name for p in tmp_path.iterdir()}
    assert inside.startswith("(3, 3, 1, 5)")
    assert "entries are right, within 1e-09" in inside


@pytest.mark.parametrize("name", READMES)
def test_the_main_block_is_about_thirty_lines(name):
    assert 20 <= len([line for line in blocks(name, "python")[0].splitlines() if line]) <= 32


@pytest.mark.parametrize("name", READMES)
def test_the_two_commands_stand_word_for_word(name):
    assert [c for c in COMMANDS if f"\n```\n{c}\n```\n" in text(name)] == COMMANDS


@pytest.mark.parametrize("name", READMES)
def test_the_benchmarks_have_their_place(name):
    assert text(name).count("<!-- benchmarks -->") == 2
