"""How many threads compute, and who may use them.

The kernels run on threads of their own (`kernels/run/crew.py`). BLAS has threads of its own; two
pools that both spin while they wait for the other's cores make a step many times slower, so
training holds BLAS to one.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from npcnn import blas
from npcnn.arguments import PositiveInt, checked
from npcnn.checks import ArgumentError, message

# The most threads there can be.
MOST = 64

_wanted: int | None = None


def available_cores() -> int:
    """Return how many cores this process may use: by affinity, and by control groups' quotas.

    >>> available_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _granted(Path("/proc/self"))
    return cores if quota is None else max(1, min(cores, int(quota)))


def _granted(process: Path) -> float | None:
    """Return the cores' worth of time that control groups grant, or None without a limit.

    A group has what the tightest of its own limit and those of the groups around it leaves it.
    """
    quotas = [quota for group in _groups(process) if (quota := _quota(group)) is not None]
    return min(quotas, default=None)


def _groups(process: Path) -> Iterator[Path]:
    """Yield the folders of the control groups that a process is in, each after those within it.

    Source: `man 7 cgroups`, `man 5 proc`. "cpu" may be a hierarchy of version 1, or the one of
    version 2 governs it; both may be mounted anywhere, and from any of their groups on.
    """
    try:
        lines = (process / "cgroup").read_text().splitlines()
        mounts = (process / "mountinfo").read_text().splitlines()
    except OSError:
        return
    own = {}
    for line in lines:
        _, controllers, group = line.split(":", 2)
        own.update(dict.fromkeys(controllers.split(","), group))  # version 2 names none: ""
    for fields in map(str.split, mounts):
        kind, options = fields[fields.index("-") + 1], fields[-1].split(",")
        controller = {"cgroup2": "", "cgroup": "cpu"}.get(kind)
        if controller is None or controller not in ["", *options] or controller not in own:
            continue
        root, top = PurePosixPath(fields[3]), Path(fields[4].replace("\\040", " "))
        path = PurePosixPath(own[controller])
        inside = path.relative_to(root) if path.is_relative_to(root) else PurePosixPath()
        if ".." not in inside.parts:  # a group outside what this process may see
            yield from (top / place for place in (inside, *inside.parents))


def _quota(group: Path) -> float | None:
    """Return the cores' worth of time one control group grants, or None without a limit."""
    try:
        if (group / "cpu.max").exists():  # version 2: "quota period" or "max period"
            quota, period = (group / "cpu.max").read_text().split()[:2]
        else:
            quota = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        return float(quota) / float(period) if quota != "max" and float(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def get_num_threads() -> int:
    """Return how many threads the kernels use.

    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    """
    return _wanted if _wanted is not None else min(_cores(), MOST)


@functools.cache
def _cores() -> int:
    return available_cores()


@checked
def set_num_threads(number: PositiveInt) -> None:
    """Let the kernels use so many threads. Results are the same bits for any number.

    The default is the number of cores this process may use. Raises ArgumentError for anything but
    a positive integer up to 64.

    >>> set_num_threads(1)
    """
    global _wanted
    if number > MOST:
        fix = "more would only wait for each other"
        raise ArgumentError(message("set_num_threads(number)", f"at most {MOST}", str(number), fix))
    _wanted = number


def share_out(processes: int) -> None:
    """Let each of so many processes on this machine have its part of the cores.

    Whoever has called `set_num_threads` keeps what was set.
    """
    global _wanted
    if _wanted is None and processes > 1:
        _wanted = max(1, min(_cores() // processes, MOST))


@contextmanager
def using(number: int) -> Iterator[None]:
    """Let the kernels use so many threads inside the with-block.

    >>> with using(1):
    ...     get_num_threads()
    1
    """
    global _wanted
    before = _wanted
    set_num_threads(min(number, MOST))
    try:
        yield
    finally:
        _wanted = before


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold NumPy's BLAS to one thread inside the with-block."""
    held = _hold()
    try:
        yield
    finally:
        _let_go(held)


@functools.cache
def _blas() -> Any:
    """Return threadpoolctl's hold on NumPy's BLAS; finding it takes milliseconds, so once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


# What a BLAS is set to, and how many threads each had before.
_Held = list[tuple[Any, int]]


def _hold() -> _Held:
    """Hold BLAS to one thread, unless to ask for that would end the program (`npcnn/blas.py`)."""
    had = [(library, library.num_threads) for library in _blas().lib_controllers]
    held = [(library, number) for library, number in had if number > 1]
    if blas.can_be_asked(sum(number - 1 for _, number in held)):
        for library, _ in held:
            library.set_num_threads(1)
        return held
    return []


def _let_go(held: _Held) -> None:
    """Let BLAS have its threads again; where they can no longer be had, it goes on with one."""
    if held and blas.can_be_asked(sum(number - 1 for _, number in held)):
        for library, number in held:
            library.set_num_threads(number)


# While a process is forked, BLAS is held: it ends its threads then, and starts them again at the
# next product, in both processes, if it has not been told to use one.
_forking: list[_Held] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _forking.append(_hold()),
        after_in_parent=lambda: _let_go(_forking.pop()),
        after_in_child=lambda: _let_go(_forking.pop()),
    )
