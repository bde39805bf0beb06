"""Layers and traces as text: arguments, and shapes, ranges and norms in columns."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np

Array = np.ndarray

LINE = 21  # characters of a line under a layer's name
SAID = {  # arguments that are told in words of their own, or seen in the picture
    "activation", "dilation_rate", "filters", "kernel_size", "padding", "pool_size", "rate",
    "strides", "units",
}  # fmt: skip
UNTOLD = {"data_format", "dtype", "name", "trainable"}
ORDER = (
    "input", "mask", "pre_activation", "activation", "kernel", "bias", "grad_activation",
    "grad_pre_activation", "grad_input", "grad_kernel", "grad_bias",
)  # fmt: skip
PASSES = re.compile(r"input(_\d+)?|(pre_)?activation|mask")  # a layer, besides its parameters


def input_names(count: int) -> list[str]:
    """Return what tools call a layer's inputs: input, input_2, …"""
    return [f"input_{k + 1}" if k else "input" for k in range(count)]


def told_as(name: str) -> str:
    """Return what tools call a parameter: its name, unless that is what goes through a layer's.

    >>> told_as("kernel"), told_as("activation")
    ('kernel', 'activation (weight)')
    """
    return f"{name} (weight)" if PASSES.fullmatch(name) else name


def in_order(arrays: dict[str, Array]) -> dict[str, Array]:
    """Return the arrays in the order in which a step makes them."""
    known = {name: arrays[name] for name in ORDER if name in arrays}
    return {**known, **{name: array for name, array in arrays.items() if name not in known}}


def norm(array: Array) -> float:
    """Return √Σa², summed in float64.

    >>> norm(np.array([3.0, 4.0]))
    5.0
    """
    return float(np.sqrt(np.square(array, dtype=np.float64).sum()))


def number(value: float, width: int = 0) -> str:
    """Return a number with four significant digits.

    >>> number(0.000123456), number(12.3456), number(0.0)
    ('0.0001235', '12.35', '0')
    """
    return f"{value:.4g}".rjust(width)


def columns(rows: list[tuple[str, ...]], left: int = 1) -> list[str]:
    """Return rows of cells as lines, the first `left` columns to the left, the others right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def figures(array: Array) -> list[str]:
    """Return smallest, mean, largest and norm as texts.

    >>> figures(np.array([3.0, -4.0]))
    ['-4', '-0.5', '3', '5']
    """
    if not array.size:
        return ["–"] * 4
    return [number(float(v)) for v in (array.min(), array.mean(), array.max(), norm(array))]


def layer_rows(layer: Any) -> tuple[str, list[tuple[str, ...]]]:
    """Return a traced layer's heading, and its arrays: name, shape, min, mean, max, norm."""
    rows: list[tuple[str, ...]] = [("array", "shape", "min", "mean", "max", "norm")]
    rows += [(name, str(a.shape), *figures(a)) for name, a in layer.arrays.items()]
    return f"{layer.name} ({type(layer.layer).__name__})", rows


def layer_table(layer: Any) -> str:
    """Return a traced layer as lines."""
    head, rows = layer_rows(layer)
    return "\n".join([head, *("  " + line for line in columns(rows))])


def trace_table(trace: Any) -> str:
    """Return a trace as lines."""
    head, rows = trace_rows(trace)
    return "\n".join([head, *columns(rows, left=3)])


def trace_rows(trace: Any) -> tuple[str, list[tuple[str, ...]]]:
    """Return a trace's heading, and each layer's output and parameters beside their gradients."""
    rows: list[tuple[str, ...]] = [
        ("layer", "array", "shape", "min", "max", "norm", "|grad| max", "grad norm")
    ]
    first = trace.layers[0].arrays
    pairs = [("(input)", "x", first["input"], first.get("grad_input"))]
    for layer in trace.layers:
        own = map(told_as, layer.layer.parameter_names)
        names = [name for name in ("activation", *own) if name in layer]
        for i, name in enumerate(names):
            owner = layer.name if i == 0 else ""
            pairs.append((owner, name, layer[name], layer.arrays.get(f"grad_{name}")))
    for owner, name, array, grad in pairs:
        cells = [number(float(v)) for v in (array.min(), array.max(), norm(array))]
        if grad is not None:
            cells += [number(float(np.abs(grad).max())), number(norm(grad))]
        rows.append((owner, name, str(array.shape), *cells, *[""] * (5 - len(cells))))
    mode = "training" if trace.training else "without dropout"
    head = f"{trace.model_name}: {len(trace.batch[0][0])} samples, {mode}, loss {trace.loss:.6g}"
    return head, rows


def details(layer: Any) -> list[str]:
    """Return a layer's arguments as at most two short lines, defaults left out."""
    config, known = layer.get_config(), inspect.signature(type(layer).__init__).parameters
    own = {
        name: value
        for name, value in config.items()
        if name in known
        and name not in SAID | UNTOLD
        and isinstance(value, (bool, int, float, str))
        and value != known[name].default
    }
    return describe({**{name: config[name] for name in SAID & set(config)}, **own})


def describe(config: dict[str, Any]) -> list[str]:
    """Return arguments as at most two short lines.

    >>> describe({"pool_size": (2, 2), "strides": (1, 1), "padding": "same"})
    ['windows 2 × 2', 'step 1 × 1, same']
    >>> describe({"factor": 2.5})
    ['factor 2.5']
    """
    head, tail = [], []
    if "filters" in config:
        head.append(f"{config['filters']} filters {times(config['kernel_size'])}")
    if "pool_size" in config:
        head.append(f"windows {times(config['pool_size'])}")
    if "rate" in config:
        head.append(f"drops {config['rate']:.0%}")
    usual = config.get("pool_size", (1, 1))
    if config.get("strides", usual) != usual:
        tail.append(f"step {times(config['strides'])}")
    if config.get("dilation_rate", (1, 1)) != (1, 1):
        tail.append(f"spread {times(config['dilation_rate'])}")
    if config.get("padding") == "same":
        tail.append("same")
    if config.get("activation") not in (None, "linear"):
        tail.append(str(config["activation"]))
    for name in sorted(config.keys() - SAID):
        value = config[name]
        tail.append(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}")
    lines = [", ".join(head), ", ".join(tail)] if head and tail else [*filter(None, head + tail)]
    return [text if len(text) <= LINE else text[: LINE - 1] + "…" for text in lines[:2]]


def times(sizes: tuple[int, ...]) -> str:
    """Return sizes as a text.

    >>> times((3, 3))
    '3 × 3'
    """
    return " × ".join(map(str, sizes))
