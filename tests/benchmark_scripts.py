"""Scripts of benchmarks/ that tests run for a small count."""

import functools
import importlib.util
import sys
from pathlib import Path


@functools.cache
def load(name):
    """Return benchmarks/<name>.py as a module."""
    folder = Path(__file__).resolve().parent.parent / "benchmarks"
    if str(folder) not in sys.path:  # scripts share files there
        sys.path.append(str(folder))
    path = folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
