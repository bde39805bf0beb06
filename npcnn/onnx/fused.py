"""Activations that stand in an ONNX file as several nodes, found by their pattern."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np


class Step:
    """A node: its kind, inputs and attributes; several nodes of the file may have become one."""

    def __init__(self, kind: str, inputs: list[str], output: str, attributes: Any) -> None:
        self.kind, self.inputs, self.output, self.attributes = kind, inputs, output, attributes


Constants = dict[str, np.ndarray]
Consumers = dict[str, list[Step]]
MOST = 8  # nodes made of one value, among which a pattern is looked for


def fused_steps(steps: Consumers, constants: Constants) -> dict[str, Step]:
    """Return value → the one step that makes it, for values that patterns of nodes make.

    Args:
        steps: value → the nodes made of it.
        constants: the file's.
    """
    found: dict[str, Step] = {}
    for behind in steps.values():
        for pair in combinations(behind[:MOST], 2):
            step = _fused(constants, steps, list(pair))
            if step is not None:
                found[step.output] = step
    return found


def _fused(constants: Constants, steps: Consumers, found: list[Step]) -> Step | None:
    """Return the one step that nodes stand for: x · sigmoid(x), x · (1 + erf(x / √2)) / 2, …"""
    if len(found) == 1:
        return found[0]
    if len(found) != 2:
        return None
    end = found[1] if found[1].kind == "Mul" else found[0]
    start = found[0] if end is found[1] else found[1]
    if end.kind == "Mul" and start.kind == "Sigmoid" and start.output in end.inputs:
        return Step("Silu", start.inputs, end.output, {})
    return _gelu(constants, steps, found)


def _gelu(constants: Constants, steps: Consumers, found: list[Step]) -> Step | None:
    """Return Gelu for x/2 · (erf(x / √2) + 1), in any order of its factors."""

    def number(step: Step, known: str) -> float:
        others = [n for n in step.inputs if n != known]
        array = constants.get(others[0]) if others else None
        return float(array.ravel()[0]) if array is not None and array.size == 1 else math.nan

    def after(step: Step) -> Step | None:
        behind = steps.get(step.output, [])
        return behind[0] if len(behind) == 1 else None

    at = found[0].inputs[0] if found[0].inputs[0] not in constants else found[0].inputs[1]
    for start, other in (found, found[::-1]):
        factor = number(start, at)
        if start.kind == "Div":
            factor = 1 / factor if factor else math.nan
        erf = after(start)
        if not math.isclose(factor, math.sqrt(0.5), rel_tol=1e-5) or erf is None:
            continue
        plus = after(erf) if erf.kind == "Erf" else None
        if plus is None or plus.kind != "Add" or number(plus, erf.output) != 1:
            continue
        times = after(plus)
        if times is None or times.kind != "Mul":
            continue
        if other is not times and other.output in times.inputs and number(other, at) == 0.5:
            return Step("Gelu", [at], times.output, {})
        half = after(times)
        if other is times and half is not None and number(half, times.output) == 0.5:
            return Step("Gelu", [at], half.output, {})
    return None
