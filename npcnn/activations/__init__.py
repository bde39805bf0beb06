"""Activations under Keras's names: `activations.relu(x)`, and what `activation="relu"` stands for.

One of your own is a subclass of `ActivationFunction`; hand its object to a layer, and register it
(`npcnn.utils.register_keras_serializable`) so that files may name it.
"""

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from npcnn import names, registry
from npcnn.activations.base import ActivationFunction
from npcnn.activations.elu import elu, selu
from npcnn.activations.gelu import gelu
from npcnn.activations.leaky_relu import leaky_relu
from npcnn.activations.linear import linear
from npcnn.activations.relu import relu
from npcnn.activations.sigmoid import sigmoid
from npcnn.activations.silu import silu
from npcnn.activations.softmax import softmax
from npcnn.activations.tanh import tanh

__all__ = [
    "ActivationFunction",
    "elu",
    "gelu",
    "get",
    "leaky_relu",
    "linear",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "tanh",
]

# What `activation=` takes, so that a type checker finds a misspelt name.
Given: TypeAlias = (
    Literal[
        "elu", "gelu", "leaky_relu", "linear", "relu", "selu", "sigmoid", "silu", "softmax", "tanh"
    ]
    | ActivationFunction
    | None
)

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


def get(identifier: Any, where: str = "activations.get(identifier)") -> ActivationFunction:
    """Return the activation named, or the object itself; None is 'linear'.

    Raises ArgumentError for a name that neither npcnn nor the program itself has registered.

    >>> get(None), get("relu") is relu
    ('linear', True)
    """
    if isinstance(identifier, ActivationFunction):
        return identifier
    return registry.find("linear" if identifier is None else identifier, known(), where)


def known() -> dict[str, ActivationFunction]:
    """Return name → activation, npcnn's own."""
    return {str(f): f for f in globals().values() if isinstance(f, ActivationFunction)}
