"""What networks compute: activations by name, cross-entropies of rows, gradients that end."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import config
from npcnn.ops.pointwise import Made
from npcnn.ops.tape import FUNCTIONS, listed_in, op

Array = np.ndarray


def _activation(name: str) -> Any:
    def activate(x: Any) -> Any:
        from npcnn import activations

        return activations.get(name)(x)

    activate.__name__ = activate.__qualname__ = name
    activate.__doc__ = f"Return activations.{name} of x."
    FUNCTIONS[name] = activate
    return listed_in("networks")(activate)


elu, selu, gelu, leaky_relu = map(_activation, ("elu", "selu", "gelu", "leaky_relu"))
celu, relu6, softsign, log_sigmoid = map(_activation, ("celu", "relu6", "softsign", "log_sigmoid"))
hard_sigmoid, hard_silu = map(_activation, ("hard_sigmoid", "hard_silu"))
hard_tanh, mish = map(_activation, ("hard_tanh", "mish"))


def _likelihoods(output: Any, from_logits: bool, axis: int) -> Any:
    """Return the logarithms of probabilities."""
    if from_logits:
        return FUNCTIONS["log_softmax"](output, axis=axis)
    total = FUNCTIONS["sum"](output, axis=axis, keepdims=True)
    small = config.epsilon()
    return FUNCTIONS["log"](FUNCTIONS["clip"](output / total, small, 1 - small))


@listed_in("networks")
def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return −Σ target · ln output for each row."""
    logs = _likelihoods(output, from_logits, axis)
    return -FUNCTIONS["sum"](FUNCTIONS["multiply"](target, logs), axis=axis)


@listed_in("networks")
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return −ln of the output for each row's class."""
    labels = np.asarray(target)
    if labels.ndim == output.ndim:
        labels = labels[..., 0]
    hot = FUNCTIONS["one_hot"](labels, output.shape[axis])
    return categorical_crossentropy(hot, output, from_logits, axis)


@op(2)
def _crossentropy(target: Any, logits: Any) -> Made:
    """Return −t · ln s − (1 − t) · ln(1 − s) for s = sigmoid(logits)."""
    y = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))
    s = 1 / (1 + np.exp(-logits))
    return y, lambda g: (-g * logits, g * (s - target))


@listed_in("networks")
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Return −t · ln p − (1 − t) · ln(1 − p), element by element."""
    if from_logits:
        return _crossentropy(target, output)
    p = FUNCTIONS["clip"](output, config.epsilon(), 1 - config.epsilon())
    log = FUNCTIONS["log"]
    return -(target * log(p) + (1 - target) * log(1 - p))
