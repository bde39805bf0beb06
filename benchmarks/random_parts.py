"""What random layers have in common: numbers, and names or objects for weights to start from, ….

A description is plain: {"make": name, "with": arguments} stands for an object.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Shape = tuple[int, ...]
Layer = tuple[str, dict[str, Any], Shape]
Drawn = Callable[[random.Random, Shape], Layer]

# Those with a step in them (hard_shrink) are here too: in float64 nothing falls upon it.
ACTIVATIONS = [
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish",
    "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "sparse_plus", "sparse_sigmoid", "squareplus", "swish", "tanh", "tanh_shrink",
]  # fmt: skip
COMMON = ["relu", "tanh", "sigmoid", "elu", "gelu", "silu", None]
STARTS = [
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform",
    "lecun_normal", "random_normal", "random_uniform", "truncated_normal", "orthogonal",
]  # fmt: skip
SCALED = ["GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal"]


def make(what: str, /, **arguments: Any) -> dict[str, Any]:
    return {"make": what, "with": arguments}


def activation(r: random.Random) -> str | None:
    return r.choice(COMMON) if r.random() < 0.6 else r.choice(ACTIVATIONS)


def pair(r: random.Random, most: int) -> int | list[int]:
    return r.randint(1, most) if r.random() < 0.5 else [r.randint(1, most), r.randint(1, most)]


def both(value: Any) -> list[int]:
    return list(value) if isinstance(value, list) else [value, value]


def start(r: random.Random, axes: int) -> Any:
    """Return an initializer for a kernel: a name, or an object."""
    if axes == 2 and r.random() < 0.05:
        return make("initializers.Identity")  # Keras forgets its gain
    if r.random() < 0.6:
        return r.choice(STARTS)
    return r.choice(
        [
            make("initializers.RandomNormal", mean=0.1, stddev=0.2, seed=3),
            make("initializers.RandomUniform", minval=-0.3, maxval=0.2),
            make(f"initializers.{r.choice(SCALED)}", seed=r.choice([None, 5])),
            make("initializers.TruncatedNormal", mean=0.05, stddev=0.3, seed=2),
            make("initializers.VarianceScaling", scale=0.7, mode=r.choice(["fan_out", "fan_avg"]),
                 distribution=r.choice(["uniform", "untruncated_normal"]), seed=4),
            make("initializers.Orthogonal", gain=0.8, seed=6),
        ]
    )  # fmt: skip


def bias_start(r: random.Random) -> Any:
    ones = ["zeros", "ones", make("initializers.Constant", value=0.2)]
    return r.choice([*ones, make("initializers.Zeros"), make("initializers.Ones")])


def regularizer(r: random.Random, axes: int = 1) -> Any:
    if r.random() < 0.75:
        return None
    if axes == 2 and r.random() < 0.25:
        mode = r.choice(["rows", "columns"])
        return make("regularizers.OrthogonalRegularizer", factor=0.01, mode=mode)
    return r.choice(
        [
            "l2", "L1",
            make("regularizers.L1", l1=0.003), make("regularizers.L2", l2=0.02),
            make("regularizers.L1L2", l1=0.001, l2=0.01),
        ]
    )  # fmt: skip


def constraint(r: random.Random, axes: int) -> Any:
    if r.random() < 0.8:
        return None
    axis = list(range(axes - 1)) if axes > 1 and r.random() < 0.5 else 0
    return r.choice(
        [
            "non_neg", make("constraints.MaxNorm", max_value=0.6, axis=axis),
            make("constraints.UnitNorm", axis=axis),
            make("constraints.MinMaxNorm", min_value=0.4, max_value=0.9, rate=0.5, axis=axis),
        ]
    )  # fmt: skip


def weighted(r: random.Random, kernels: dict[str, int], activity: bool = True) -> dict[str, Any]:
    """Return the arguments that layers with kernels share; kernels: name → axes."""
    found: dict[str, Any] = {"activation": activation(r), "use_bias": r.random() < 0.8}
    for name, axes in kernels.items():
        found[f"{name}_initializer"] = start(r, axes)
        found[f"{name}_regularizer"] = regularizer(r, axes)
        found[f"{name}_constraint"] = constraint(r, axes)
    found["bias_regularizer"] = regularizer(r)
    if r.random() < 0.3:
        found["bias_initializer"] = bias_start(r)
    if activity and r.random() < 0.1:
        found["activity_regularizer"] = make("regularizers.L2", l2=0.01)
    if r.random() < 0.07:
        found["trainable"] = False
    return {key: value for key, value in found.items() if value is not None}
