"""Activations that ONNX (opset 17) has no node for, put together from several."""

from __future__ import annotations

import math
from collections.abc import Callable

from npcnn.activations.squareplus import B
from npcnn.onnx.writer import Writer


def _silu(writer: Writer, x: str) -> str:
    return writer.node("Mul", [x, writer.node("Sigmoid", [x])])


def _gelu(writer: Writer, x: str) -> str:
    """x/2 · (erf(x / √2) + 1)."""
    scaled = writer.node("Mul", [x, writer.constant(math.sqrt(0.5), "root")])
    raised = writer.node("Add", [writer.node("Erf", [scaled]), writer.constant(1.0, "one")])
    half = writer.node("Mul", [x, writer.constant(0.5, "half")])
    return writer.node("Mul", [half, raised])


def _mish(writer: Writer, x: str) -> str:
    return writer.node("Mul", [x, writer.node("Tanh", [writer.node("Softplus", [x])])])


def _tanh_shrink(writer: Writer, x: str) -> str:
    return writer.node("Sub", [x, writer.node("Tanh", [x])])


def _log_sigmoid(writer: Writer, x: str) -> str:
    return writer.node("Neg", [writer.node("Softplus", [writer.node("Neg", [x])])])


def _squareplus(writer: Writer, x: str) -> str:
    """(x + √(x² + b)) / 2."""
    raised = writer.node("Add", [writer.node("Mul", [x, x]), writer.constant(B, "b")])
    total = writer.node("Add", [x, writer.node("Sqrt", [raised])])
    return writer.node("Mul", [total, writer.constant(0.5, "half")])


def _sparse_plus(writer: Writer, x: str) -> str:
    """r² + max(x − 1, 0), with r = (x + 1)/2 held between 0 and 1."""
    root = writer.node("HardSigmoid", [x], alpha=0.5, beta=0.5)
    beyond = writer.node("Relu", [writer.node("Sub", [x, writer.constant(1.0, "one")])])
    return writer.node("Add", [writer.node("Mul", [root, root]), beyond])


COMPOSED: dict[str, Callable[[Writer, str], str]] = {
    "silu": _silu,
    "gelu": _gelu,
    "mish": _mish,
    "tanh_shrink": _tanh_shrink,
    "log_sigmoid": _log_sigmoid,
    "squareplus": _squareplus,
    "sparse_plus": _sparse_plus,
}
