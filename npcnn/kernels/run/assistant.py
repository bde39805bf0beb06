"""A second process that compiles one half of what a first step needs, where a core is free for it.

The first time a kernel is not found on disk while a model's step begins, a process is started and
told what the model is. It makes the step with nothing computed, which shows what has to be
compiled, and compiles that from the last body back, into the files of `cache.py`. This process
goes on from the first body forward, so they meet in the middle:

    this process:  start │ body 1 │ body 2 │ body 3 │ wait for 4 │ read 5 … 8
    the other:           │ start  │ body 8 │ body 7 …     body 4 │

Who is about to compile a body claims it, by a file in a folder of this one occasion; the other does
not compile it too. Nothing depends on the other process: if it ends, or a body takes it too long,
this one compiles for itself. It ends with the first step at the latest, or with this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from npcnn.threads import get_num_threads

# Seconds to wait for a body before compiling it here all the same.
PATIENCE = 20.0
LOOK = 0.004

_PROGRAM = """
import json, sys
task = json.loads(sys.stdin.readline())
sys.path[:] = task["path"]
from npcnn.kernels.run import assistant
from npcnn.rehearsal import make_step
assistant.work(task, make_step)
"""

_about: Callable[[], dict[str, Any]] | None = None
_hired: subprocess.Popen[str] | None = None
_claims: Path | None = None


def describe(about: Callable[[], dict[str, Any]] | None) -> None:
    """Say whose step begins: a function that returns its model as JSON, and whether it learns."""
    global _about
    dismiss()
    _about = about


def share(place: Path) -> None:
    """Return when the body whose file that is should be compiled, or read, here.

    That is at once, unless the other process is at work on it.
    """
    global _about
    if place.exists():
        return
    if _about is not None:
        about, _about = _about, None
        _hire(about)
    if _claims is not None and not _claim(_claims, place):
        _wait(place)


def _claim(claims: Path, place: Path) -> bool:
    """Return whether the body is this process's to compile."""
    try:
        os.close(os.open(claims / place.name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    except OSError:  # somebody removed the folder
        return True
    return True


def _wait(place: Path) -> None:
    process, limit = _hired, time.monotonic() + PATIENCE
    while process is not None and process.poll() is None:
        if place.exists():
            return
        if time.monotonic() > limit:
            break
        time.sleep(LOOK)
    if not place.exists():
        dismiss()


def _hire(about: Callable[[], dict[str, Any]]) -> None:
    """Start the other process, if there is a core for it and a Python that can be started."""
    global _hired, _claims
    python = Path(sys.executable or "").stem.lower().startswith("python")
    if get_num_threads() < 2 or not python or getattr(sys, "frozen", False):
        return
    try:
        task = about()
    except Exception:  # a layer of somebody's that cannot be described
        return
    if not task["model"]:
        return
    try:
        _claims = Path(tempfile.mkdtemp(prefix="npcnn-"))
        folders = [os.path.abspath(os.fsdecode(folder)) for folder in sys.path]
        line = json.dumps({**task, "path": folders, "claims": str(_claims)})
        _hired = subprocess.Popen(
            [sys.executable, "-I", *_bytecode_options(), "-c", _PROGRAM], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
        assert _hired.stdin is not None
        _hired.stdin.write(line + "\n")
        _hired.stdin.flush()
    except OSError:  # no more processes to be had, or it ended at once
        dismiss()


def _bytecode_options() -> list[str]:
    """Return what makes the other process keep bytecode where this one does."""
    options = ["-B"] if sys.dont_write_bytecode else []
    if sys.pycache_prefix:
        options += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return options


def dismiss() -> None:
    """End the other process, if there is one."""
    global _about, _hired, _claims
    process, claims = _hired, _claims
    _about = _hired = _claims = None
    if process is not None:
        process.kill()
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        process.wait()
    if claims is not None:
        shutil.rmtree(claims, ignore_errors=True)


def _forget() -> None:
    """Begin anew in a forked process, which has hired nobody."""
    global _about, _hired, _claims
    _about = _hired = _claims = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


# What the other process does -----------------------------------------------------------------


def work(task: dict[str, Any], make_step: Callable[[dict[str, Any]], None]) -> None:
    """Compile what a step of the model needs and nobody has claimed, the last body first; end."""
    code = 1
    try:
        threading.Thread(target=_end_with_the_other, args=(task["claims"],), daemon=True).start()
        _compile(task, make_step)
        code = 0
    finally:
        os._exit(code)  # the thread holds on to the pipe, which a usual end would wait for


def _compile(task: dict[str, Any], make_step: Callable[[dict[str, Any]], None]) -> None:
    from npcnn.kernels.run import compile as compiling

    planned: list[tuple[Any, Callable]] = []
    compiling.planned = planned
    make_step(task)
    compiling.planned = None
    for signature, function in reversed(planned):
        compiled = compiling.native(signature, function)
        place = compiling.place_of(compiled)
        if place is not None and not place.exists() and _claim(Path(task["claims"]), place):
            compiled.compile()


def _end_with_the_other(claims: str) -> None:
    """Wait until the process that started this one closes its pipe, as it does when it ends."""
    sys.stdin.read()
    shutil.rmtree(claims, ignore_errors=True)
    os._exit(1)
