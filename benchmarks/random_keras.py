"""The real Keras behind pipes: a process a backend, each answering random_sides.py's questions."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from common import HERE

QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1",
    "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu",
    # Each network is compiled for a few steps alone.
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_multi_thread_eigen=false",
}  # fmt: skip


class Keras:
    """The real Keras.

    Args:
        backends: by preference. What Keras cannot do on one it is asked for on the next: PyTorch's
            convolution, for one, refuses some gradients of its own ("must be contiguous").
    """

    def __init__(self, *backends: str) -> None:
        self.backends = [name for name in backends if importlib.util.find_spec(name)]
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.failed: dict[str, str] = {}

    def _process(self, backend: str) -> subprocess.Popen[str]:
        known = self.processes.get(backend)
        if known is None or known.poll() is not None:
            self.processes[backend] = subprocess.Popen(
                [sys.executable, str(HERE / "random_sides.py")], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env={**os.environ, **QUIET, "KERAS_BACKEND": backend},
            )  # fmt: skip
        return self.processes[backend]

    def on(
        self, backend: str, described: dict[str, Any], folder: Path, whose: str,
        nudge: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Return what Keras makes of a network on a backend, or its error (Side.learn)."""
        process = self._process(backend)
        assert process.stdin is not None
        assert process.stdout is not None
        task = {"described": described, "folder": str(folder), "whose": whose, "nudge": nudge}
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        reply = json.loads(process.stdout.readline() or '{"error": "Keras has ended"}')
        if "error" in reply:
            self.failed[f"{described['seed']} on {backend}"] = reply["error"]
        return {**reply, "backend": backend}

    def __call__(self, described: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Return what Keras makes of a network, files included, on the first that can."""
        reply: dict[str, Any] = {}
        for backend in self.backends:
            reply = self.on(backend, described, folder, "theirs")
            if "error" not in reply:
                break
        return reply

    def close(self) -> None:
        """End it."""
        for process in self.processes.values():
            process.kill()
            process.communicate()
