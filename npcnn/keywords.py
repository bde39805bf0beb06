"""What stands behind ``**kwargs``, for type checkers: a misspelt keyword is found before it runs.

Nothing imports this when a program runs: the constructors check what they are given themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Unpack as Unpack


class Held(TypedDict, total=False):
    """By what a layer's parameters and output are held; which of them a layer has, it says."""

    activity_regularizer: Any
    autocast: Any
    beta_constraint: Any
    beta_regularizer: Any
    bias_constraint: Any
    bias_regularizer: Any
    depthwise_constraint: Any
    depthwise_regularizer: Any
    gamma_constraint: Any
    gamma_regularizer: Any
    kernel_constraint: Any
    kernel_regularizer: Any
    pointwise_constraint: Any
    pointwise_regularizer: Any


class AllHeld(Held, total=False):
    """The same with those that only PReLU has, by name."""

    alpha_constraint: Any
    alpha_regularizer: Any


class LayerKeywords(Held, total=False):
    """What all layers take."""

    name: str | None
    dtype: Any
    trainable: bool
    input_shape: Any
    input_dim: int | None
    batch_input_shape: Any


class MovedKeywords(TypedDict, total=False):
    """What all optimizers take, but for the decay of weights."""

    name: str | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None


class OptimizerKeywords(MovedKeywords, total=False):
    """What optimizers take to which weights decay only if asked."""

    weight_decay: float | None
