"""The page about augmentation is a program that runs, block after block."""

from runs import run_program
from test_readme import blocks


def test_the_page_runs(tmp_path):
    program = tmp_path / "mine.py"
    source = "\n".join(blocks("docs/augmentation.md", "python"))
    for long, short in (("(600", "(100"), ("(300", "(50"), ("=100", "=9"), ("=16", "=2")):
        assert long in source
        source = source.replace(long, short)  # the same, in less time
    program.write_text(source, encoding="utf-8")
    run = run_program(program, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "expected calibration error" in run.stdout
    pictures = {path.stem for path in tmp_path.glob("*.png")}
    assert pictures == {"augmented", "rates", "calibration", "mistakes", "never"}
