"""The page about classes of one's own is one program that runs."""

import pytest
from runs import run_program
from test_readme import blocks

PAGES = ["docs/extending.md", "docs/extending.zh-CN.md"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_the_page_runs(page, backend, tmp_path):
    program = tmp_path / "mine.py"
    program.write_text("\n".join(blocks(page, "python")), encoding="utf-8")
    run = run_program(program, cwd=tmp_path, NPCNN_BACKEND=backend)
    assert run.returncode == 0, run.stderr
    assert "the same outputs: True" in run.stdout
    assert "Non-trainable params: 4" in run.stdout
    assert "WRONG" not in run.stdout
    assert "\nnot replayed: " in run.stdout
    lines = [line for line in run.stdout.splitlines() if "loss: " in line]
    losses = [line.split("loss: ")[1].split()[0] for line in lines]
    assert float(losses[-1]) < float(losses[0])
