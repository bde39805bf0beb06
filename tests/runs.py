"""What tests of examples and documents share: small data, and programs run as users run them."""

import os
import subprocess
import sys
from pathlib import Path

from npcnn.datasets import draw_digits, write_idx

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
PATIENCE = 500  # seconds: on the busiest machine, only what hangs takes longer


def write_small_mnist(folder, train=120, test=40):
    """Write drawn digits as the four IDX files that MNIST is published as; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count, seed in (("train", train, 1), ("t10k", test, 2)):
        images, labels = draw_digits(count, seed=seed)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)
    return folder


def environment(**extra):
    """Return the environment of a program under test: no display, one thread, plain NumPy ops."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    own = {key: value for key, value in os.environ.items() if key not in ("NPCNN_DATA", "DISPLAY")}
    return own | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONIOENCODING": "utf-8",
        "NPCNN_BACKEND": "numpy",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        **extra,
    }


def command(*arguments):
    """Return the command line of a Python program whose warnings are errors."""
    return [sys.executable, "-W", "error", *map(str, arguments)]


def prepared(preparation, program, *arguments):
    """Return the command line of a program before which some source is run, in its process.

    So a test decides what time or luck would: the seed, the step at which a signal comes.
    """
    source = (
        f"{preparation}\n"
        "import os, runpy, sys\n"
        "del sys.argv[0]\n"
        "sys.path[0] = os.path.dirname(sys.argv[0])\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    return command("-c", source, program, *arguments)


def finish(command_line, cwd, **extra):
    """Run a command to its end; return its exit code, standard output and error."""
    return subprocess.run(
        command_line, cwd=cwd, env=environment(**extra), capture_output=True,
        text=True, encoding="utf-8", timeout=PATIENCE, check=False,
    )  # fmt: skip


def run_program(*arguments, cwd, **extra):
    """Run a Python program to its end; return its exit code, standard output and error."""
    return finish(command(*arguments), cwd, **extra)
