"""The page about functional models is a program that prints what the page says."""

import pytest
from runs import run_program
from test_readme import blocks


@pytest.mark.parametrize("page", ["docs/functional.md", "docs/functional.zh-CN.md"])
def test_the_page_runs(page, tmp_path):
    (source,), (wanted,) = blocks(page, "python"), blocks(page, "text")
    program = tmp_path / "mine.py"
    program.write_text(source, encoding="utf-8")
    run = run_program(program, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout == wanted
    assert (tmp_path / "model.png").stat().st_size > 1000
