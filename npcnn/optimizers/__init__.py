"""How a gradient becomes a step, under Keras's names.

An optimizer of your own is a subclass of `Optimizer`; hand its object to `compile`.
"""

from typing import TYPE_CHECKING, Any

from npcnn import names, registry
from npcnn.optimizers.adadelta import Adadelta
from npcnn.optimizers.adagrad import Adagrad
from npcnn.optimizers.adam import Adam
from npcnn.optimizers.adamax import Adamax
from npcnn.optimizers.adamw import AdamW
from npcnn.optimizers.base import Optimizer
from npcnn.optimizers.nadam import Nadam
from npcnn.optimizers.rmsprop import RMSprop
from npcnn.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "get",
]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


def known() -> dict[str, type[Optimizer]]:
    """Return name → class, as written and in small letters."""
    every = [c for c in globals().values() if isinstance(c, type) and issubclass(c, Optimizer)]
    own = [cls for cls in every if cls is not Optimizer]
    return {cls.__name__.lower(): cls for cls in own} | {cls.__name__: cls for cls in own}


def get(identifier: Any, where: str = "compile(optimizer)") -> Optimizer:
    """Return the optimizer named, or the object itself; ArgumentError for an unknown one.

    >>> get("adam").name
    'adam'
    """
    if isinstance(identifier, Optimizer):
        return identifier
    found = known()
    small = identifier.lower() if isinstance(identifier, str) else identifier
    named = isinstance(small, str) and small in found
    return registry.find(small if named else identifier, found, where)()
