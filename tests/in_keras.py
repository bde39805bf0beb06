"""Asking the real Keras for numbers, many at once: see keras_numbers.py."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

needs_keras = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("keras", "torch"))), reason="needs keras and torch"
)


def ask(folder, tasks):
    """Return name → (name → array), for name → (task, name → array)."""
    arrays = {f"{name}|{key}": a for name, (_, own) in tasks.items() for key, a in own.items()}
    np.savez(folder / "arrays.npz", **arrays)
    (folder / "tasks.json").write_text(json.dumps({k: t for k, (t, _) in tasks.items()}), "utf-8")
    script = Path(__file__).with_name("keras_numbers.py")
    environment = {**os.environ, "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    environment["CUDA_VISIBLE_DEVICES"] = ""
    result = subprocess.run(
        [sys.executable, str(script), str(folder)],
        env=environment, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    found = {name: {} for name in tasks}
    for key, value in np.load(folder / "results.npz").items():
        name, _, part = key.partition("|")
        found[name][part] = value
    return found
