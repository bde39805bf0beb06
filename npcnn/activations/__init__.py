"""Activations under Keras's names: `activations.relu(x)`, and what `activation="relu"` stands for.

One of your own is a subclass of `ActivationFunction`; hand its object to a layer, and register it
(`npcnn.utils.register_keras_serializable`) so that files may name it.
"""

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from npcnn import names, registry
from npcnn.activations.base import ActivationFunction
from npcnn.activations.elu import celu, elu, selu
from npcnn.activations.exponential import exponential
from npcnn.activations.function import of_function
from npcnn.activations.gelu import gelu
from npcnn.activations.glu import glu
from npcnn.activations.hard_sigmoid import hard_sigmoid, hard_silu, sparse_sigmoid
from npcnn.activations.leaky_relu import leaky_relu
from npcnn.activations.linear import linear
from npcnn.activations.log_softmax import log_softmax
from npcnn.activations.mish import mish
from npcnn.activations.relu import relu, relu6
from npcnn.activations.shrink import hard_shrink, hard_tanh, soft_shrink, sparse_plus, tanh_shrink
from npcnn.activations.sigmoid import sigmoid
from npcnn.activations.silu import silu
from npcnn.activations.softmax import softmax
from npcnn.activations.softplus import log_sigmoid, softplus
from npcnn.activations.softsign import softsign
from npcnn.activations.sparsemax import sparsemax
from npcnn.activations.squareplus import squareplus
from npcnn.activations.tanh import tanh
from npcnn.activations.threshold import threshold
from npcnn.checks import ArgumentError, message, shown
from npcnn.symbolic import operators

swish, hard_swish = silu, hard_silu  # Keras has both names

__all__ = [
    "ActivationFunction", "celu", "deserialize", "elu", "exponential", "gelu", "get", "glu",
    "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "linear",
    "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "serialize", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax",
    "squareplus", "swish", "tanh", "tanh_shrink", "threshold",
]  # fmt: skip

# What `activation=` takes, so that a type checker finds a misspelt name.
Given: TypeAlias = Literal[
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish",
    "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink",
] | ActivationFunction | None  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


def get(identifier: Any, where: str = "activations.get(identifier)") -> ActivationFunction:
    """Return the activation named, or the object itself; None is 'linear'.

    A layer such as `layers.LeakyReLU(0.1)` or `layers.PReLU()` is taken for one as well.

    Raises ArgumentError for a name that neither npcnn nor the program itself has registered.

    >>> get(None), get("relu") is relu
    ('linear', True)
    """
    if isinstance(identifier, ActivationFunction):
        return identifier
    if not isinstance(identifier, str | None):
        found = operators["layer activation"](identifier, where)
        if found is not None:
            return found
        if callable(identifier) and not isinstance(identifier, type):
            return of_function(identifier)
        fix = "make one, such as layers.LeakyReLU(0.1)"
        expected = "a name, an activation or a layer"
        raise ArgumentError(message(where, expected, shown(identifier), fix))
    found = registry.find("linear" if identifier is None else identifier, known(), where)
    return found if isinstance(found, ActivationFunction) else of_function(found)


def known() -> dict[str, ActivationFunction]:
    """Return name → activation, npcnn's own."""
    every = {name: globals()[name] for name in __all__}
    return {name: f for name, f in every.items() if isinstance(f, ActivationFunction)}


operators["named activation"] = get
serialize, deserialize = registry.serialization("activations", known, get)
