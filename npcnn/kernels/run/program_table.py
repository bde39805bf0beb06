"""A program as a table: the calls of a step in order, and what each takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from npcnn.kernels.run import crew

if TYPE_CHECKING:
    from npcnn.kernels.run.notes import Notes
    from npcnn.kernels.run.program import Program

REPEATS = 15


def measured(program: Program) -> tuple[list[float], float]:
    """Return the seconds of each call, and of the whole step: medians of several rounds.

    The step's state is afterwards what it was.
    """
    notes, state = program.notes, program.made.state
    assert notes is not None
    spans = [(call.first, call.last) for call in notes.calls]
    before = [array.copy() for array in state]
    try:
        rounds = [[_seconds(notes, *span) for span in spans] for _ in range(REPEATS)]
        whole = float(np.median([_seconds(notes) for _ in range(REPEATS)]))
    finally:
        for array, old in zip(state, before, strict=True):
            array[...] = old
    return [float(np.median(times)) for times in zip(*rounds, strict=True)], whole


def _seconds(notes: Notes, first: int = 0, last: int | None = None) -> float:
    start = time.perf_counter()
    notes.play(first, last)
    return time.perf_counter() - start


def table(program: Program) -> str:
    """Return a step's calls, one a line, and their sum beside the step's own time."""
    if program.reason is not None:
        return f"not replayed: {program.reason}"
    if not program.played or program.notes is None:
        return f"not written down yet: {program.steps} step(s) made"
    times, whole = measured(program)
    tasks = [entry[crew.TASKS] for entry in program.notes.entries]
    cells = [("op", "layer", "shapes", "tasks", "GFLOP", "µs")]
    for call, seconds in zip(program.calls, times, strict=True):
        most = max(tasks[call.first : call.last], default=0)
        flops = f"{call.flops / 1e9:.4f}" if call.flops else ""
        cells.append((call.op, call.layer, call.shapes, str(most), flops, f"{seconds * 1e6:.1f}"))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        texts = [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
        texts += [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        lines.append("  ".join(texts))
    total = sum(call.flops for call in program.calls) / 1e9
    share = f"{sum(times) * 1e6:.1f} µs one by one, {whole * 1e6:.1f} µs as a step"
    rate = f", {total / whole:.0f} GFLOP/s" if whole else ""
    return "\n".join([*lines, f"{len(program.calls)} calls, {total:.4f} GFLOP, {share}{rate}"])
